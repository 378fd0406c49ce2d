//! Workers on other machines: the same annotated worker, in a host program that offers it.
//!
//! A host program offers workers to peers that it knows by their keys:
//!
//! ```no_run
//! # use reacton::prelude::*;
//! # use reacton_net::{Host, KeyFile};
//! # #[reacton]
//! # static PATH: String = String::new();
//! # #[worker(shared = [PATH])]
//! # fn image_worker(_: &ReactonStore) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let store = ReactonStore::new();
//! let host = Host::builder()
//!     .key(KeyFile::at("host.key"))
//!     .listen("0.0.0.0:7447")
//!     .allow(["8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"])
//!     .offer("images", workers![image_worker])
//!     .capacity(16)
//!     .open()?;
//! println!("{}", host.ticket());
//! host.run(&store);
//! # Ok(())
//! # }
//! ```
//!
//! A client program names the host by its ticket, and spawns workers there:
//!
//! ```no_run
//! # use reacton::prelude::*;
//! # use reacton_net::{KeyFile, Session};
//! # #[reacton]
//! # static PATH: String = String::new();
//! # #[worker(shared = [PATH])]
//! # fn image_worker(_: &ReactonStore) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let ticket = String::new();
//! let store = ReactonStore::new();
//! let session = Session::builder().key(KeyFile::at("dash.key")).host(ticket).open()?;
//! let worker = image_worker::builder().at(&session, "images").spawn(&store)?;
//! # drop(worker);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is dialled and nothing is looked up that the program did not name: no relays, unless both sides name one, and
//! no discovery, unless it asks for that of the local network (feature `mdns`).

#![forbid(unsafe_code)]

mod admission;
mod endpoint;
mod error;
mod exchange;
mod host;
mod key;
mod liveness;
mod mdns;
mod road;
mod session;
mod skew;
mod ticket;

pub use self::error::NetError;
pub use self::host::{Host, HostBuilder, Stopper};
pub use self::key::KeyFile;
pub use self::session::{HostState, OfferState, Session, SessionBuilder};
pub use self::skew::Skew;
pub use self::ticket::Ticket;
