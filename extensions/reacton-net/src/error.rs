//! Why a host or a session cannot be opened.

use std::io;
use std::path::PathBuf;

/// Why a host or a session cannot be opened. Nothing is left of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// No key was given.
    #[error("there is no key: call `.key(KeyFile::at(..))`, which makes the file at first use")]
    NoKey,
    /// The file of a key cannot be read or made.
    #[error("the key in {} cannot be used: {source}", path.display())]
    #[non_exhaustive]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file of a key can be read by other users.
    #[error("other users may read the key in {}: run `chmod 600` on it, or remove it to have another one made", path.display())]
    #[non_exhaustive]
    KeyIsOpen {
        /// The file.
        path: PathBuf,
    },
    /// A key among the allowed ones is no key.
    #[error(
        "`{text}` in `allow` is no public key: it has 64 hexadecimal digits, as `KeyFile::public_key` returns them"
    )]
    #[non_exhaustive]
    Peer {
        /// What was given.
        text: String,
    },
    /// A ticket is none.
    #[error("`{text}` is no ticket: {reason}; paste what `Host::ticket` prints")]
    #[non_exhaustive]
    Ticket {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A ticket has no addresses, and the session has no other way to the host.
    #[error(
        "`{text}` is a key without addresses: paste the whole ticket, name a relay of the host, or ask for it by `mdns`"
    )]
    #[non_exhaustive]
    NoAddress {
        /// The key.
        text: String,
    },
    /// A session names no host.
    #[error("the session names no host: call `.host(ticket)`")]
    NoHost,
    /// An address to listen at is none.
    #[error("`{text}` is no address to listen at: it has the form `0.0.0.0:7447`")]
    #[non_exhaustive]
    Address {
        /// What was given.
        text: String,
    },
    /// The URL of a relay is none.
    #[error("`{text}` is no URL of a relay: it has the form `https://relay.example.org`")]
    #[non_exhaustive]
    Relay {
        /// What was given.
        text: String,
    },
    /// A session over an endpoint of the program was given an option that the endpoint has itself.
    #[error(
        "a session over an endpoint of the program has no `{option}` of its own: set it where the endpoint is bound"
    )]
    #[non_exhaustive]
    OverEndpoint {
        /// The option.
        option: &'static str,
    },
    /// Two offers have one name, or an offer has one worker twice.
    #[error("`{name}` is offered twice: give one of the two another name")]
    #[non_exhaustive]
    Offered {
        /// The name.
        name: String,
    },
    /// Workers are to run in processes, and this program does not serve them.
    #[error("{message}")]
    #[non_exhaustive]
    NotServed {
        /// Which worker, and what to do.
        message: String,
    },
    /// The address is in use, or the system refuses a socket or a thread.
    #[error("no socket at {address}: {reason}")]
    #[non_exhaustive]
    Bind {
        /// The address.
        address: String,
        /// The error of the system.
        reason: String,
    },
}
