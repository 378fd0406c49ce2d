//! Sends and receives the messages of `admission.rs` over streams.

use iroh::endpoint::{RecvStream, SendStream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::admission::{decode, encode, len_of};

pub(crate) async fn send(stream: &mut SendStream, message: &impl Serialize) -> Result<(), String> {
    stream.write_all(&encode(message)?).await.map_err(|error| error.to_string())
}

/// Receives a message. It makes room for as much as may arrive, and no more.
pub(crate) async fn receive<T: DeserializeOwned>(stream: &mut RecvStream) -> Result<T, String> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.map_err(|error| error.to_string())?;
    let mut bytes = vec![0; len_of(head)?];
    stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    decode(&bytes)
}
