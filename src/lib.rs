#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod guide;

pub use reacton_core::{
    Changes, Computed, Copied, Declared, Derived, Family, HandleError, LocalComputed, LocalReacton,
    Member, Reacton, ReactonRef, ReactonStore, ReadOnly, Readable, Reader, RefId, RemoteChanges,
    Reply, RunError, ScopedSubscription, StoreHandle, StoreSnapshot, Subscription, Turn, Writable,
    ZeroCopy,
};
pub use reacton_isolate::{
    Again, Change, ChangeList, CloseReason, Delivery, Encoded, Introduction, IsolateBuilder,
    IsolateMessage, IsolateStatus, IsolateStore, LinkError, LinkStats, LostJob, MainLink, Many,
    Mismatch, Mode, Once, Outcome, Payload, Pool, PoolStats, Portable, Restart, SharedSet,
    ShutdownError, SpawnError, Spawning, Task, TaskError, Version, WorkerBuilder, run, shared,
    testing,
};
pub use reacton_macros::{computed, reacton, worker};

/// Everything that an ordinary program uses.
///
/// ```
/// use reacton::prelude::*;
/// ```
pub mod prelude {
    pub use crate::{
        Changes, Computed, Delivery, Family, HandleError, IsolateBuilder, IsolateMessage,
        IsolateStatus, IsolateStore, LinkError, LinkStats, LocalComputed, LocalReacton, LostJob,
        MainLink, Member, Outcome, Pool, Reacton, ReactonRef, ReactonStore, ReadOnly, Readable,
        Reader, RefId, RemoteChanges, Reply, Restart, RunError, ScopedSubscription, SharedSet,
        ShutdownError, SpawnError, StoreHandle, StoreSnapshot, Subscription, Task, TaskError, Turn,
        WorkerBuilder, Writable, computed, reacton, shared, worker,
    };
}

/// Not public: what the attributes expand to. It may change in any release.
#[doc(hidden)]
pub mod __private {
    pub use core::{concat, module_path};
    pub use reacton_isolate::{
        Outcome, SharedSlot, Worker, drive, key_hash, reject_duplicate, spawn_worker,
        spawn_worker_async,
    };
}
