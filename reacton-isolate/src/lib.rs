//! Between threads: workers with stores of their own, and the links that keep shared reactons in step.
//!
//! Programs use the facade crate `reacton`. A folder is a layer, and a module imports only from the layers below its own:
//!
//! | module | what passes through it |
//! |---|---|
//! | `api` | what a program calls: builders, spawn, the handles of isolates and pools, tasks, store threads |
//! | `sink` | the same for a link whose far end is a file |
//! | `testing`, `fuzzing` | the same without threads, step by step; messages from anywhere |
//! | `isolate` | main's records of its isolates: status, restarts, statistics |
//! | `host` | where a worker runs: a thread, a process, or a simulation |
//! | `worker` | the worker's side of its life, from the handshake to its last message |
//! | `pool` | the jobs of a pool, and how its members take them |
//! | `hub` | one store's side of all its links: commits out, messages in |
//! | `link` | one end of a link: delivery, and how a message reaches the other store's inbox |
//! | `shared` | which reactons are shared, and what that asks of their values |
//! | `sync` | versions: what to send, accept, relay and drop; no I/O |
//! | `interrupt` | the points at which another thread may run |
//! | `call` | a call as it is declared, and its answer to come |
//! | `wire` | what goes over a link: messages, values as bytes, keys of families |
//! | `error` | the errors of what a program calls |

#![forbid(unsafe_code)]

#[cfg(all(feature = "process", not(unix)))]
compile_error!(
    "the feature `process` needs a unix system: workers in processes are not there for others yet"
);

mod api;
mod call;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod host;
mod hub;
mod interrupt;
mod isolate;
mod link;
mod pool;
mod shared;
#[doc(hidden)]
pub mod sink;
mod sync;
pub mod testing;
mod wire;
mod worker;

pub use api::answering::Calls;
pub use api::begin::Spawning;
pub use api::builder::{Again, IsolateBuilder, Many, Mode, Once, Repeatable};
pub use api::flush::Flush;
pub use api::handle::IsolateStore;
pub use api::main_link::MainLink;
pub use api::pool::Pool;
#[cfg(feature = "process")]
pub use api::process;
#[cfg(feature = "process")]
#[doc(hidden)]
pub use api::reach;
pub use api::snapshot::{FamilySnapshot, Members, Part, ReactonSnapshot, SnapshotOf};
pub use api::store_arg::StoreArg;
pub use api::store_thread::{StoreThread, StoreThreadBuilder};
pub use api::task::{Task, run};
pub use api::worker::{Worker, WorkerBuilder, spawn_worker, spawn_worker_async};
pub use call::Call;
pub use call::answer::Answer;
pub use call::asked::Asked;
pub use call::listed::{AnswerSlot, Answerable, CallElement, ListedCall, NoCall};
pub use call::way::{CallMode, CallWay, Carried, Counted};
pub use error::{
    CallError, FlushError, LinkError, Mismatch, Refusal, ShutdownError, SpawnError, TaskError,
    Unfinished,
};
pub use isolate::status::IsolateStatus;
pub use isolate::supervise::Restart;
pub use link::{Delivery, LinkStats};
pub use pool::{Caller, LostJob, PoolStats};
#[doc(hidden)]
pub use shared::probes;
#[cfg(test)]
pub(crate) use shared::shared;
pub use shared::{
    Crosses, Group, GroupPart, GroupSlot, Handable, ListEntry, NoBytes, OfReferences, Portable,
    Probe, SharedPart, SharedSet, SharedSlot, Sharing,
};
pub use wire::change::{Change, ChangeList, Version};
pub use wire::edits::{Edits, Held, Record, RecordBody};
pub use wire::key::{Key, KeyText, KeyWithoutDebug, keys};
pub use wire::message::{CloseReason, Introduction, IsolateMessage};
pub use wire::ticket::Answered;
pub use wire::value::{Encoded, Payload};
pub use worker::drive::drive;
pub use worker::outcome::Outcome;
