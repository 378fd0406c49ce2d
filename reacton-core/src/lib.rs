//! The reactive core, for one thread: reactons, the store that holds their values, and the observers that are called
//! when they change.
//!
//! Without its feature `serde`, which says how the items of lists are serialized, this crate does not depend on serde.
//! Other threads reach a store only through its inbox. Programs use the facade crate `reacton`.
//!
//! A write passes through the modules in this order:
//!
//! | module | what passes through it |
//! |---|---|
//! | `id` | the ref of a reacton, a hash of its path |
//! | `reacton` | what the attributes make of a static, families, reactons made at run time, and what a store can read and write |
//! | `store` | the handle, the look-up of a cell, its phase, tracked reads |
//! | `value` | a value without its type |
//! | `ops` | a write or a batch until it is committed, computeds that run, observers, what a run owns, snapshots |
//! | `merge`, `collections` | values that consist of entries: maps, sets, lists, counters, and views of them |
//! | `graph` | cells and edges, marking down, checking up |
//! | `history` | commits that are recorded, to be undone |
//! | [`panics`], [`stack`] | guarded calls of user code, and the stack that nested runs grow |
//! | `inbox`, `turns` | what other threads sent, when it is applied, and what comes back to them |
//! | [`wiring`] | access to a store for the layer that connects stores |
//! | `error`, `backlog` | the errors; the memory of a queue, which is freed when a long queue becomes empty |

#![forbid(unsafe_code)]

mod backlog;
mod collections;
mod error;
mod graph;
mod history;
mod id;
mod inbox;
mod merge;
mod ops;
pub mod panics;
mod reacton;
pub mod stack;
mod store;
mod turns;
mod value;
pub mod wiring;

pub use backlog::Backlog;
pub use collections::at::{At, Entry};
pub use collections::cell::{Entries, ValueOf};
pub use collections::counter::Counter;
pub use collections::declare::ByEntries;
pub use collections::diffs::Diff;
pub use collections::list::{ItemId, ListItem, ListPlace, ReactonList};
pub use collections::map::ReactonMap;
pub use collections::observe::{ChangeOf, Changing};
pub use collections::position::Position as ListPosition;
pub use collections::set::ReactonSet;
pub use collections::view::rows::{Rows, Window};
pub use collections::view::{View, ViewChanges, Viewable};
pub use error::{HandleError, RunError};
pub use history::History;
pub use id::{Passed, ReactonRef, RefId, RefMap};
pub use merge::{
    Change, Compose, Edit, Loaded, Merge, MergeByCount, Renamed, ShowCounted, Shown, Touched,
    Version, Way, Which, Writer,
};
pub use ops::scope::Scope;
pub use ops::snapshot::StoreSnapshot;
pub use ops::subscription::{ScopedSubscription, Subscription};
pub use panics::{FirstPanic, panic_message};
pub use reacton::access::{Declared, Pausable, Readable, Writable};
pub use reacton::declare::{Computed, Copied, Derived, Merged, MergedByCount, Reacton, ZeroCopy};
pub use reacton::family::{ComputedFamily, ComputedMember, Family, Keys, Member};
pub use reacton::group::{Group, GroupMember, GroupPart, Grouped};
pub use reacton::lists;
pub use reacton::local::{LocalComputed, LocalReacton, ReadOnly};
pub use reacton::watched::Watched;
pub use store::contents::{ChangeStamp, Contents, Merging};
pub use store::item::{
    Arrival, Inbox, InlineItem, InlineWords, Mailbox, PendingWork, ReadInline, ReadShared,
    SharedItem, SharedWords,
};
pub use store::peers::{IsReady, Peers};
pub use store::reader::Reader;
pub use store::{ReactonStore, WeakStore};
pub use turns::changes::Changes;
pub use turns::handle::StoreHandle;
pub use turns::net_changes::{NetChanges, RemoteNetChanges};
pub use turns::remote::RemoteChanges;
pub use turns::reply::Reply;
pub use turns::turn::Turn;
pub use value::{Comparable, Held};
