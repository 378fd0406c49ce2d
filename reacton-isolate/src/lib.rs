//! Between threads: workers with stores of their own, and the links that keep shared reactons in step.
//!
//! Programs use the facade crate `reacton`. A write passes through the modules in this order:
//!
//! | module | what passes through it |
//! |---|---|
//! | `shared` | which reactons are shared, and what that asks of their values |
//! | `isolate` | the handle to an isolate: spawn, pause, resume, dispose, shut down |
//! | `hub` | one store's side of all its links: commits out, messages in |
//! | `sync` | versions: what to send, accept, relay and drop; no I/O |
//! | `message` | what goes over a link |
//! | `codec` | a value as bytes, and back |
//! | `link` | one end of a link: delivery, and how a message reaches the other store's inbox |
//! | `worker` | the thread of an isolate, from the handshake to its last message |
//! | `supervise` | what is known of a worker that failed |

#![forbid(unsafe_code)]

mod codec;
mod drive;
mod error;
mod hub;
mod isolate;
mod link;
mod message;
mod shared;
mod status;
mod supervise;
mod sync;
mod worker;

pub use codec::{Key, key_hash};
pub use drive::drive;
pub use error::{LinkError, Mismatch, ShutdownError, SpawnError};
pub use isolate::{IsolateBuilder, IsolateStore};
pub use link::{Delivery, LinkStats};
pub use message::{Change, CloseReason, Introduction, IsolateMessage, Payload, Version};
pub use shared::{Crosses, Handable, Portable, SharedSet, SharedSlot, reject_duplicate};
pub use status::IsolateStatus;
pub use worker::{Outcome, Worker, WorkerBuilder, spawn_worker};
