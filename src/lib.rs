#![doc = include_str!("guide/links.md")]
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod guide;

pub use reacton_core::{
    Changes, Computed, ComputedFamily, ComputedMember, Copied, Counter, Declared, Derived, Diff,
    Family, HandleError, History, ItemId, LocalComputed, LocalReacton, Member, Merged,
    MergedByCount, Pausable, Reacton, ReactonList, ReactonMap, ReactonRef, ReactonSet,
    ReactonStore, ReadOnly, Readable, Reader, RefId, RemoteChanges, Reply, RunError, Scope,
    ScopedSubscription, StoreHandle, StoreSnapshot, Subscription, Turn, View, WeakStore, Writable,
    ZeroCopy,
};
pub use reacton_isolate::{
    Again, Change, ChangeList, CloseReason, Delivery, Edits, Encoded, Held, Introduction,
    IsolateBuilder, IsolateMessage, IsolateStatus, IsolateStore, LinkError, LinkStats, LostJob,
    MainLink, Many, Mismatch, Mode, Once, Outcome, Payload, Pool, PoolStats, Portable, Record,
    RecordBody, Refusal, Restart, SharedSet, ShutdownError, SpawnError, Spawning, StoreThread,
    StoreThreadBuilder, Task, TaskError, Unfinished, Version, WorkerBuilder, run, testing,
};
pub use reacton_isolate::{
    Answer, Answered, Asked, Call, CallError, Caller, Calls, Flush, FlushError, Group,
};
pub use reacton_isolate::{FamilySnapshot, Members, Part, ReactonSnapshot, SnapshotOf};
pub use reacton_macros::{call, computed, reacton, worker};

/// The items that belong to the values made of entries: [`ReactonMap`], [`ReactonSet`], [`ReactonList`] and
/// [`Counter`].
pub mod collections {
    pub use reacton_core::{
        At, ByEntries, Change, ChangeOf, Changing, Compose, Diff, Edit, Entry, ListItem, ListPlace,
        ListPosition, Merge, MergeByCount, NetChanges, RemoteNetChanges, Rows, ValueOf,
        ViewChanges, Viewable, Watched, Which, Window, Writer,
    };
}

/// Returns the shared set of these reactons, for [`IsolateStore::spawn`], which needs no macro.
///
/// It accepts the same list as `shared = [..]` of a worker, and reports the same errors.
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

/// Returns the [`Group`] of these reactons, families and groups, as a constant: `pub const IMAGES: Group = group![PATH, STATUS];`.
///
/// Every list takes a group by a spread: `shared = [..IMAGES, THEME]`, `shared![..IMAGES]`, `group![..IMAGES, ..SETTINGS]`. A reacton that
/// is listed twice, also by way of a group, is a compile error. [`ReactonStore::reset`] and [`ReactonStore::history`] take a group as it
/// is. A group may have reactons that cannot be shared, but then it cannot be spread into a shared list.
///
/// ```
/// use reacton::prelude::*;
///
/// mod images {
///     use reacton::prelude::*;
///
///     #[reacton]
///     pub static PATH: String = String::new();
///     #[reacton]
///     pub static DONE: bool = false;
///
///     pub const IMAGES: Group = group![PATH, DONE];
/// }
///
/// #[worker(shared = [..images::IMAGES])]
/// fn worker(store: &ReactonStore) {
///     store.subscribe(&images::PATH, |store, _| store.set(&images::DONE, true));
/// }
///
/// let store = ReactonStore::new();
/// let worker = worker::spawn(&store)?;
/// store.set(&images::PATH, "a.png".into());
/// store.run_until(std::time::Duration::from_secs(9), |store| store.get(&images::DONE))?;
/// store.reset(images::IMAGES);
/// assert_eq!(store.get(&images::PATH), "");
/// # drop(worker);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[macro_export]
macro_rules! group {
    ($($list:tt)*) => { $crate::__private::group!($crate; $($list)*) };
}

/// Workers in child processes. Needs the feature `process`, on unix systems.
#[cfg(feature = "process")]
pub mod process {
    pub use reacton_isolate::process::{
        Argument, Away, Exit, ManyAway, Process, Serve, Served, Workers, serve,
    };

    pub use crate::{test_workers, workers};

    #[doc(hidden)]
    pub use reacton_isolate::process::__test;
}

/// What a store holds, kept in a file. Needs the feature `persist`.
#[cfg(feature = "persist")]
pub mod persist {
    pub use reacton_persist::{
        FlushError, JsonFile, KeptAside, Migrate, OpenError, Persist, Problem, Redb, Row,
        SaveStatus, Saved, SavedSet, Storage, StorageError, saved,
    };
}

/// Returns the workers that a program runs in processes, for [`process::serve`].
///
/// ```
/// use reacton::prelude::*;
///
/// #[reacton]
/// static COUNT: u32 = 0;
///
/// #[worker(shared = [COUNT])]
/// fn counter(store: &ReactonStore) {
///     store.set(&COUNT, 1);
/// }
///
/// reacton::process::serve(workers![counter]);
/// ```
#[cfg(feature = "process")]
#[macro_export]
macro_rules! workers {
    ($($worker:ty),* $(,)?) => {
        $crate::process::Workers::from([$($crate::process::Served::of::<$worker>()),*])
    };
}

/// Lets a test program run workers in processes. Call it once, anywhere in a test program that does not call
/// [`process::serve`].
///
/// It declares a test, `reacton_worker_process`, which does nothing unless the process was started as a worker.
#[cfg(feature = "process")]
#[macro_export]
macro_rules! test_workers {
    ($($worker:ty),* $(,)?) => {
        #[test]
        fn reacton_worker_process() {
            $crate::process::__test($crate::workers![$($worker),*]);
        }
    };
}

/// Everything that an ordinary program uses.
///
/// ```
/// use reacton::prelude::*;
/// ```
pub mod prelude {
    pub use crate::collections::{Change, Diff};
    pub use crate::{
        Answer, Asked, Call, CallError, Caller, Calls, Changes, Computed, ComputedFamily,
        ComputedMember, Counter, Delivery, Family, FamilySnapshot, FlushError, Group, HandleError,
        History, IsolateBuilder, IsolateMessage, IsolateStatus, IsolateStore, ItemId, LinkError,
        LinkStats, LocalComputed, LocalReacton, LostJob, MainLink, Member, Outcome, Pool, Reacton,
        ReactonList, ReactonMap, ReactonRef, ReactonSet, ReactonSnapshot, ReactonStore, ReadOnly,
        Readable, Reader, RefId, RemoteChanges, Reply, Restart, RunError, Scope,
        ScopedSubscription, SharedSet, ShutdownError, SnapshotOf, SpawnError, StoreHandle,
        StoreSnapshot, StoreThread, Subscription, Task, TaskError, Turn, Unfinished, View,
        WeakStore, WorkerBuilder, Writable, call, computed, group, reacton, shared, worker,
    };
    #[cfg(feature = "process")]
    pub use crate::{
        process::{Exit, Process},
        workers,
    };
}

/// Not public: the attributes expand to these paths. Any release may change them.
#[doc(hidden)]
pub mod __private {
    /// The scope in which an expansion looks up `eq = ..`, so that the compiler can suggest `never` for a similar word.
    pub mod words {
        /// Stands for the word `never`. It is not a comparison function.
        pub fn never() {}
    }

    pub use core::{concat, module_path};
    pub use reacton_core::lists::{ListPart, firsts};
    pub use reacton_core::{Entries, ReactonRef};
    pub use reacton_isolate::probes::Probing;
    pub use reacton_isolate::{
        AnswerSlot, CallWay, Group, GroupPart, GroupSlot, KeyText, KeyWithoutDebug, ListEntry,
        ListedCall, NoBytes, OfReferences, Outcome, Probe, SharedPart, SharedSlot, Sharing,
        StoreArg, Worker, drive, keys, spawn_worker, spawn_worker_async,
    };
    pub use reacton_macros::{group, shared};

    /// The traits that a group asks its reactons by, without names that could hide those of the program.
    pub mod probes {
        pub use reacton_isolate::probes::{
            Bytes as _, Counted as _, OfReferencesNever as _, OtherwiseNever as _, Own as _,
        };
    }
}
