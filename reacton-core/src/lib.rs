//! One thread's world: reactons, the store that holds their values, and the observers that hear them change.
//!
//! This crate knows no serde and no other thread but by its inbox; programs use the facade crate `reacton`.
//!
//! A write passes through the modules in this order:
//!
//! | module | what passes through it |
//! |---|---|
//! | `id` | the ref of a reacton, a hash of its path |
//! | `declare` | what the attributes make of a static |
//! | `family` | one declaration for many reactons, told apart by a key |
//! | `access` | what a store can read and write |
//! | `table`, `twins` | declarations of one id: keys that are told apart, and two that are refused |
//! | `store` | the handle, the look-up of a cell, reads |
//! | `value` | a counted value without its type |
//! | `transaction` | a write or a batch of them, until it is committed |
//! | `graph` | cells and edges, marking down, checking up |
//! | `derive` | computeds that run |
//! | `panics` | panics of user code that must not interrupt what runs it |
//! | `reader` | tracked reads |
//! | `observer` | subscriptions and effects, rounds |
//! | `ownership` | what is made in a run, and ends with it |
//! | [`panics`], [`stack`] | guarded calls of user code, and the stack that nested runs grow |
//! | `local` | reactons made at run time |
//! | `changes` | the changes of one reacton as a stream |
//! | `inbox`, `turn` | what other threads sent, and when it is taken in |
//! | `nesting` | what is awaited where nothing is taken in |
//! | `handle` | what other threads send: reads, writes, and |
//! | `reply`, `remote` | what comes back to them: a result, changes as a stream |
//! | `snapshot` | what a store held at one moment |
//! | [`wiring`] | what the layer that joins stores needs |

#![forbid(unsafe_code)]

mod access;
mod backlog;
mod changes;
mod declare;
mod derive;
mod error;
mod family;
mod graph;
mod handle;
mod id;
mod inbox;
mod local;
mod nesting;
mod observer;
mod ownership;
pub mod panics;
mod reader;
mod remote;
mod reply;
mod scalar;
mod snapshot;
pub mod stack;
mod stale;
mod store;
mod table;
mod transaction;
mod turn;
mod twins;
mod value;
pub mod wiring;

pub use access::{Declared, Readable, Writable};
pub use backlog::Backlog;
pub use changes::Changes;
pub use declare::{Computed, Copied, Derived, Reacton, ZeroCopy};
pub use error::{HandleError, RunError};
pub use family::{ComputedFamily, ComputedMember, Family, Keys, Member};
pub use handle::StoreHandle;
pub use id::{Passed, ReactonRef, RefId, RefMap};
pub use inbox::{
    Arrival, Contents, Handover, HandoverWords, Inbox, Mailbox, Merging, Note, PendingWork,
    ReadHandover, ReadNote, Stamp, Words,
};
pub use local::{LocalComputed, LocalReacton, ReadOnly};
pub use observer::{ScopedSubscription, Subscription};
pub use panics::{FirstPanic, panic_message};
pub use reader::Reader;
pub use remote::RemoteChanges;
pub use reply::Reply;
pub use snapshot::StoreSnapshot;
pub use store::{ReactonStore, WeakStore};
pub use turn::Turn;
pub use value::{Comparable, Held};
