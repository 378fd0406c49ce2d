//! What a client and a host say to each other before the frames of a link, and beside them. Without a type of iroh, so
//! that fuzz/ can include this file.

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
        /// The longest value that the host takes, in bytes.
        #[serde(default = "no_limit")]
        max_value: u64,
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

fn no_limit() -> u64 {
    u64::MAX
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

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Full { running, capacity, .. } => Self::Full { running, capacity },
            Refusal::NotOffered { offered, .. } => Self::NotOffered { offered },
            _ => Self::Ending,
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

/// Returns the length of the message that follows these bytes.
pub(crate) fn len_of(head: [u8; 4]) -> Result<usize, String> {
    let len = u32::from_le_bytes(head);
    if len > MAX_LEN {
        return Err(String::from("a message is too long"));
    }
    Ok(len as usize)
}

/// Returns the message that these bytes are.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    rmp_serde::from_slice(bytes).map_err(|error| error.to_string())
}

/// What is said beside the frames of a link, in eight bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// So many messages were taken in.
    Taken(u64),
    /// The process of the worker has ended, with an exit code ..
    Code(i32),
    /// .. or by a signal.
    Signal(i32),
}

const EXIT: u64 = 1 << 63;
const SIGNAL: u64 = 1 << 32;

impl Report {
    pub(crate) fn encode(self) -> [u8; 8] {
        let number = match self {
            // A larger number is no number of messages.
            Self::Taken(taken) => taken.min(EXIT - 1),
            Self::Code(code) => EXIT | u64::from(code.cast_unsigned()),
            Self::Signal(signal) => EXIT | SIGNAL | u64::from(signal.cast_unsigned()),
        };
        number.to_le_bytes()
    }

    pub(crate) fn decode(bytes: [u8; 8]) -> Self {
        let number = u64::from_le_bytes(bytes);
        let [a, b, c, d, ..] = bytes;
        let of_exit = i32::from_le_bytes([a, b, c, d]);
        match (number & EXIT, number & SIGNAL) {
            (0, _) => Self::Taken(number),
            (_, 0) => Self::Code(of_exit),
            _ => Self::Signal(of_exit),
        }
    }
}
