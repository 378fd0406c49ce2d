//! Between threads: workers with stores of their own, and the links that keep shared reactons in step.
//!
//! Programs use the facade crate `reacton`. A write passes through the modules in this order:
//!
//! | module | what passes through it |
//! |---|---|
//! | `shared` | which reactons are shared, and what that asks of their values |
//! | `isolate`, `main_link` | an isolate as main and as its worker see it: spawn, pause, resume, dispose, shut down |
//! | `hub` | one store's side of all its links: commits out, messages in |
//! | `sync` | versions: what to send, accept, relay and drop; no I/O |
//! | `message` | what goes over a link |
//! | `codec` | a value as bytes, and back |
//! | `key` | the key of a family: its hash, and when two are one |
//! | `link` | one end of a link: delivery, and how a message reaches the other store's inbox |
//! | `life`, `worker` | the life of a worker, from the handshake to its last message, and its thread |
//! | `testing` | the same without threads, step by step |
//! | `task` | one-off work, without a store |
//! | `store_thread` | a store on a thread of its own, with state of that thread |
//! | `supervise` | what becomes of a worker that failed, and who follows it |
//! | `pool` | several workers of one function, and the jobs that they take |
//! | `progress` | the statistics of a worker and of a pool as reactons |
//! | `panics` | the words and the place of a panic |

#![forbid(unsafe_code)]

mod codec;
mod drive;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod hub;
mod isolate;
mod key;
mod lent;
mod life;
mod link;
mod main_link;
mod message;
mod panics;
mod pending;
mod pool;
mod progress;
mod scope;
mod shared;
mod site;
mod snapshot;
mod status;
mod store_thread;
mod supervise;
mod sync;
mod task;
pub mod testing;
mod threads;
mod timer;
mod worker;

pub use drive::drive;
pub use error::{LinkError, Mismatch, ShutdownError, SpawnError, TaskError, Unfinished};
pub use isolate::{Again, IsolateBuilder, IsolateStore, Many, Mode, Once, Repeatable, Spawning};
pub use key::{Key, KeyText, KeyWithoutDebug, keys};
pub use lent::Lent;
pub use link::{Delivery, LinkStats};
pub use main_link::MainLink;
pub use message::{
    Change, ChangeList, CloseReason, Encoded, Introduction, IsolateMessage, Payload, Version,
};
pub use pool::{LostJob, Pool, PoolStats};
#[cfg(test)]
pub(crate) use shared::shared;
pub use shared::{Crosses, Handable, Listed, OfReferences, Portable, SharedSet, SharedSlot};
pub use snapshot::{FamilySnapshot, Members, Part, ReactonSnapshot, SnapshotOf};
pub use status::IsolateStatus;
pub use store_thread::{StoreThread, StoreThreadBuilder};
pub use supervise::Restart;
pub use task::{Task, run};
pub use worker::{Outcome, Worker, WorkerBuilder, spawn_worker, spawn_worker_async};
