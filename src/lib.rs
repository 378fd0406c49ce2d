#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod guide;

pub use reacton_core::{
    Changes, Computed, Copied, Declared, Derived, Family, HandleError, LocalComputed, LocalReacton,
    Member, Reacton, ReactonRef, ReactonStore, ReadOnly, Readable, Reader, RefId, RemoteChanges,
    Reply, RunError, ScopedSubscription, StoreHandle, StoreSnapshot, Subscription, Turn, WeakStore,
    Writable, ZeroCopy,
};
pub use reacton_isolate::{
    Again, Change, ChangeList, CloseReason, Delivery, Encoded, Introduction, IsolateBuilder,
    IsolateMessage, IsolateStatus, IsolateStore, LinkError, LinkStats, LostJob, MainLink, Many,
    Mismatch, Mode, Once, Outcome, Payload, Pool, PoolStats, Portable, Restart, SharedSet,
    ShutdownError, SpawnError, Spawning, StoreThread, StoreThreadBuilder, Task, TaskError,
    Unfinished, Version, WorkerBuilder, run, testing,
};
pub use reacton_macros::{computed, reacton, worker};

/// The shared set of these reactons, for the macro-free [`IsolateStore::spawn`].
///
/// It takes what stands between the brackets of a worker's `shared = [..]`, and refuses what is refused there.
///
/// ```
/// use reacton::prelude::*;
///
/// #[reacton]
/// static COUNT: u32 = 0;
///
/// let store = ReactonStore::new();
/// let worker = IsolateStore::spawn(&store, shared![COUNT], |store| store.set(&COUNT, 1))?;
/// store.run_until(std::time::Duration::from_secs(9), |store| store.get(&COUNT) == 1)?;
/// # drop(worker);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! shared {
    ($($list:tt)*) => { $crate::__private::shared!($crate; $($list)*) };
}

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
        ShutdownError, SpawnError, StoreHandle, StoreSnapshot, StoreThread, Subscription, Task,
        TaskError, Turn, Unfinished, WeakStore, WorkerBuilder, Writable, computed, reacton, shared,
        worker,
    };
}

/// Not public: what the attributes expand to. It may change in any release.
#[doc(hidden)]
pub mod __private {
    /// What an `eq` that is nearly `never` finds in scope, so that the compiler can name it.
    pub mod words {
        /// Stands for the word. It is no function to compare with.
        pub fn never() {}
    }

    pub use core::{concat, module_path};
    pub use reacton_isolate::{
        Lent, Listed, OfReferences, Outcome, SharedSlot, Worker, drive, keys, spawn_worker,
        spawn_worker_async,
    };
    pub use reacton_macros::shared;
}
