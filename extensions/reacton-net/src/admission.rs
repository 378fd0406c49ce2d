//! What a client and a host say to each other before the frames of a link, and beside them.

use iroh::endpoint::{RecvStream, SendStream};
use reacton_isolate::Refusal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The protocol of a connection, which TLS agrees on.
pub(crate) const ALPN: &[u8] = b"reacton-net/1";

/// A host closes the connection of a peer that it does not allow with this code, ..
pub(crate) const NOT_ALLOWED: u32 = 1;
/// .. and with this one when it ends.
pub(crate) const ENDING: u32 = 2;
/// A side that ends a link early resets its streams with this code.
pub(crate) const GIVEN_UP: u32 = 3;

/// The longest of these messages.
const MAX_LEN: u32 = 64 * 1024;

/// The first message of each stream from a client.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Start a worker: the frames of its link follow.
    Spawn {
        /// The name of the offer.
        offer: String,
        /// The path of the worker's function.
        path: String,
    },
    /// The stream is for acknowledgements of the link with this stream.
    Acknowledge { link: u64 },
}

/// The host's answer to `Spawn`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The frames follow. Acknowledgements have a stream of their own if they go to a thread of the host; a process has
    /// them among its frames.
    Accepted {
        in_process: bool,
    },
    Full {
        running: usize,
        capacity: usize,
    },
    NotOffered {
        offered: Vec<String>,
    },
    Ending,
}

impl Reply {
    pub(crate) fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Accepted { .. } => None,
            Self::Full { running, capacity } => Some(Refusal::full(running, capacity)),
            Self::NotOffered { offered } => Some(Refusal::not_offered(offered)),
            Self::Ending => Some(Refusal::Ending),
        }
    }
}

/// What a host tells each client, again after each change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct News {
    /// The offers: their names, and the names of their workers.
    pub(crate) offers: Vec<(String, Vec<String>)>,
    /// How many workers run, of all peers.
    pub(crate) running: usize,
    pub(crate) capacity: usize,
}

/// A message as bytes: its length in four bytes, and `MessagePack`.
pub(crate) fn encode(message: &impl Serialize) -> Result<Vec<u8>, String> {
    let bytes = rmp_serde::to_vec_named(message).map_err(|error| error.to_string())?;
    let len = u32::try_from(bytes.len()).ok().filter(|len| *len <= MAX_LEN);
    let len = len.ok_or("a message is too long")?;
    Ok([&len.to_le_bytes()[..], &bytes].concat())
}

pub(crate) async fn send(stream: &mut SendStream, message: &impl Serialize) -> Result<(), String> {
    stream.write_all(&encode(message)?).await.map_err(|error| error.to_string())
}

/// Receives a message. It makes room for as much as may arrive, and no more.
pub(crate) async fn receive<T: DeserializeOwned>(stream: &mut RecvStream) -> Result<T, String> {
    let mut len = [0; 4];
    stream.read_exact(&mut len).await.map_err(|error| error.to_string())?;
    let len = u32::from_le_bytes(len);
    if len > MAX_LEN {
        return Err(String::from("a message is too long"));
    }
    let mut bytes = vec![0; len as usize];
    stream.read_exact(&mut bytes).await.map_err(|error| error.to_string())?;
    rmp_serde::from_slice(&bytes).map_err(|error| error.to_string())
}
