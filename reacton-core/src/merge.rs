//! Values that consist of entries, which are written, observed, sent and merged one by one.

use std::any::Any;
use std::sync::Arc;

/// The version of a write: the writer's Lamport clock, and its site, which decides between equal clocks.
///
/// Of two values of one reacton, every store keeps the one with the larger version (Lamport, "Time, clocks, and the
/// ordering of events in a distributed system", 1978).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// Grows with each transaction and each received message.
    pub clock: u64,
    /// The number of the store that wrote. No two stores have the same site, in all processes, and a restarted worker
    /// has a new one. 0 stands for none.
    pub site: u64,
}

impl Version {
    /// The version of a value that was never written. Any other version is larger.
    pub const NEVER: Self = Self { clock: 0, site: 0 };

    /// Returns the version as numbers, which compare as versions do.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn stamp(self) -> (u64, u64) {
        (self.clock, self.site)
    }

    /// Returns the version just below this one: this version is newer than it, and everything older is not.
    #[must_use]
    #[inline]
    pub fn just_below(self) -> Self {
        match (self.clock, self.site) {
            (0, 0) => Self::NEVER,
            (clock, 0) => Self { clock: clock - 1, site: u64::MAX },
            (clock, site) => Self { clock, site: site - 1 },
        }
    }
}

/// The store that edits a value, and whether it sends the edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The site of the store.
    pub site: u64,
    /// Whether the edits will be [sealed](Merge::seal), because they are sent to other stores. Otherwise nothing need
    /// be recorded for that.
    pub shares: bool,
}

/// One edit of a value, as it is sent to other stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit<K, I> {
    /// The entry of this key has this content now.
    Put(K, I),
    /// The entry of this key was removed.
    Remove(K),
    /// Everything that was written before was removed.
    Reset,
}

/// Selects entries.
#[derive(Debug)]
pub enum Which<'k, K> {
    /// All entries, and the tombstones of removed ones.
    All,
    /// The entries of these keys.
    Keys(&'k [K]),
}

/// What has become of entries that were read from a file.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// They are joined as they are.
    AsTheyAre,
    /// Fewer are joined, which mean the same also beside what is written from now on. The file may keep what it has.
    Composed,
    /// Others are joined. Those of the file would be wrong beside what is written from now on.
    Replaced,
}

/// A value that is made of entries: the entry, not the value, is what wins or loses against what was written elsewhere at the same time.
///
/// The types of this library are [`ReactonMap`](crate::ReactonMap), [`ReactonSet`](crate::ReactonSet),
/// [`ReactonList`](crate::ReactonList) and [`Counter`](crate::Counter). A type of your own, such as a document, is
/// declared by `#[reacton(merge)]`.
///
/// Keys and items are sent to other stores. So for a shared value both must be serializable, or, with `zero_copy`,
/// items must be held by reference count ([`MergeByCount`]).
///
/// The store calls [`begin`](Self::begin) before and [`settle`](Self::settle) after each edit. Both belong to one transaction, in which
/// there may be several such pairs.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not made of entries that are written one by one",
    label = "this is no collection",
    note = "`#[reacton(merge)]` is for a type that implements `reacton::collections::Merge`; remove `merge`, or implement the trait",
    note = "the attribute takes `ReactonMap`, `ReactonSet`, `ReactonList` and `Counter` for the types of this library: give a type of your own another name"
)]
#[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
pub trait Merge: Clone + 'static {
    // A value that something else holds is cloned before it is edited, so `clone` should take constant time.
    /// Identifies an entry. Of two concurrent writes of one key, the newer one wins.
    type Key: Clone + 'static;
    /// The content of an entry.
    type Item: 'static;
    /// The changes that observers receive.
    type Changes: Compose;

    /// Begins an edit: from now on, edits are recorded.
    fn begin(&mut self, writer: Writer);

    /// The address of the log of the open edit. It differs from that at [`begin`](Self::begin) if the whole value was
    /// replaced, as by `*value = other`.
    #[doc(hidden)]
    fn __noted_in(&self) -> Option<usize> {
        None
    }

    /// Ends the edit that [`begin`](Self::begin) began, and returns its changes; `None` if nothing was edited. Entries
    /// that are equal at the end may be among them.
    fn settle(&mut self) -> Option<Self::Changes>;

    /// Replaces the value by `other`, for `set` and `remove`. Concurrent edits of other stores are dropped.
    fn replace(&mut self, other: Self);

    /// Edits the entries that differ from those of `other`, for `restore` and undo.
    fn restore(&mut self, other: &Self);

    /// Returns all entries, as changes of an empty value.
    fn everything(&self) -> Self::Changes;

    /// Sets the version of all entries that the open transaction has edited, and passes each edit once to `show`, which
    /// sends it.
    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&Self::Key, &Self::Item>));

    /// Applies one edit of another store. Returns whether it won.
    ///
    /// The result must depend on the *set* of edits that were joined, and not on their order or on repetitions.
    fn join(&mut self, edit: Edit<Self::Key, Self::Item>, version: Version) -> bool;

    /// Passes the present entries with their versions to `show`. Another value that joins all of them is then equal.
    fn show(
        &self,
        which: Which<'_, Self::Key>,
        show: &mut dyn FnMut(Edit<&Self::Key, &Self::Item>, Version),
    );

    /// The value in an item, as it is compared.
    #[doc(hidden)]
    fn __value_in(item: &Self::Item) -> Option<&<Self::Changes as Compose>::Value> {
        let item: &dyn Any = item;
        item.downcast_ref()
    }

    /// The keys of the entry that has this name for [`at`](crate::Reacton::at).
    #[doc(hidden)]
    fn __keys_of(name: &dyn Any) -> Vec<Self::Key> {
        name.downcast_ref::<Self::Key>().cloned().into_iter().collect()
    }

    /// Whether each store adds to an entry of its own, and a worker goes on with that of one which has ended.
    #[doc(hidden)]
    const __COUNTS: bool = false;

    /// Entries were read from a file, where they stand without their versions. Makes of them those that are to be joined, all in this
    /// version.
    #[doc(hidden)]
    fn __loaded(_rows: &mut Vec<(Self::Key, Self::Item)>, _version: Version) -> Loaded {
        Loaded::AsTheyAre
    }

    /// The open transaction came out as it was, and gets no version: what it has touched gets back the versions that it had.
    fn revert(&mut self) {}

    /// Called when the entry of this key could not be sent: any later write of another store replaces it.
    fn disown(&mut self, key: &Self::Key);

    /// Empties the value without recording removals: a new store then receives the entries of the store that spawned
    /// it. A type whose declared value is always empty, and from which nothing is ever removed, need not implement it.
    fn blank(&mut self) {}

    /// Replaces the value by the entries of the store that has spawned this one, in the order in which
    /// [`show`](Self::show) shows them. An entry without an item was removed.
    #[doc(hidden)]
    fn __begin_with(&mut self, reset: Option<Version>, entries: Vec<Shown<Self>>)
    where
        Self: Sized,
    {
        self.blank();
        if let Some(reset) = reset {
            self.join(Edit::Reset, reset);
        }
        for (key, version, item) in entries {
            match item {
                Some(item) => self.join(Edit::Put(key, item), version),
                None => self.join(Edit::Remove(key), version),
            };
        }
    }

    /// Called when all stores have the removals up to this clock, so that their records may be dropped. With
    /// [`u64::MAX`] no other store shares the value any more, and resets may be dropped, too.
    fn sweep(&mut self, _clock: u64) {}

    /// The number of recorded removals.
    fn removals(&self) -> usize {
        0
    }

    /// The largest clock of all versions in it. A store that begins to share the value continues from there.
    fn newest_clock(&self) -> u64 {
        0
    }

    /// The number of entries, with which that of [`removals`](Self::removals) is compared.
    fn entries(&self) -> usize {
        0
    }

    /// Whether the removal of one entry ends others: see [`__ended_with`](Self::__ended_with).
    #[doc(hidden)]
    const __HAS_PARTS: bool = false;

    /// The keys of the entries that the removal of this one ends, without a record of their own.
    #[doc(hidden)]
    fn __ended_with(_key: &Self::Key) -> Vec<Self::Key> {
        Vec::new()
    }

    /// Whether a history keeps the entries that were [touched](Self::__touched). If not, it keeps whole values, and
    /// [restores](Self::restore) them.
    #[doc(hidden)]
    const __RECORDS_ENTRIES: bool = false;

    /// What a history keeps of changes that one edit of this store has made.
    #[doc(hidden)]
    fn __touched(_changes: &Self::Changes) -> Option<Box<dyn Touched<Self>>> {
        None
    }
}

/// A key with its version, and its item unless it was removed.
#[doc(hidden)]
pub type Shown<T> = (<T as Merge>::Key, Version, Option<<T as Merge>::Item>);

/// In which direction edits are replayed.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Entries get back what they held before.
    Back,
    /// Entries get again what they held afterwards.
    Again,
}

impl Way {
    /// The one of the two to which it leads.
    pub(crate) fn of<U>(self, before: U, after: U) -> U {
        match self {
            Self::Back => before,
            Self::Again => after,
        }
    }
}

/// Items that were put back under a new name: the old one and the new one.
#[doc(hidden)]
pub type Renamed = Vec<(u128, u128)>;

/// The entries of a value that edits of this store have touched: of each, what it held before and what it held afterwards. What other
/// stores have edited in between is not contained.
#[doc(hidden)]
pub trait Touched<T: Merge>: Any {
    /// Appends what was edited later.
    fn append(&mut self, later: &dyn Touched<T>);

    /// Removes what came out equal.
    fn drop_equal(&mut self, same: &mut dyn FnMut(&ValueIn<T>, &ValueIn<T>) -> bool);

    /// Whether nothing is left.
    fn is_empty(&self) -> bool;

    /// Edits `value` so that the entries hold what they held before or afterwards. Those that do already are not touched.
    fn replay(&self, value: &mut T, way: Way) -> Renamed;

    /// Takes over new names.
    fn rename(&mut self, _renamed: &Renamed) {}

    /// A copy.
    fn boxed(&self) -> Box<dyn Touched<T>>;

    /// The same, to be asked for its type.
    fn as_any(&self) -> &dyn Any;
}

/// What is compared of a value.
type ValueIn<T> = <<T as Merge>::Changes as Compose>::Value;

/// Receives the entries that a transaction has written. A put has no item if the value has none of its key.
#[doc(hidden)]
pub type ShowCounted<'s, T> =
    dyn FnMut(Edit<&<T as Merge>::Key, Option<Arc<<T as Merge>::Item>>>) + 's;

/// A value whose items are held by reference count, so that the stores of several threads can hold the same items. A
/// collection that is shared by `zero_copy` must implement it.
#[diagnostic::on_unimplemented(
    message = "the entries of `{Self}` cannot be handed over by reference count",
    label = "it does not hold its items by reference count",
    note = "implement `reacton::collections::MergeByCount` for `{Self}`, or remove `zero_copy`, so that its entries cross as serialized copies"
)]
pub trait MergeByCount: Merge {
    /// Returns the item of a key.
    fn counted(&self, key: &Self::Key) -> Option<Arc<Self::Item>>;

    /// As [`seal`](Merge::seal), but shows items by count.
    #[doc(hidden)]
    fn __seal_counted(&mut self, version: Version, show: &mut ShowCounted<'_, Self>) {
        let mut sealed = Vec::new();
        self.seal(version, &mut |edit| match edit {
            Edit::Reset => show(Edit::Reset),
            Edit::Put(key, _) => sealed.push((key.clone(), true)),
            Edit::Remove(key) => sealed.push((key.clone(), false)),
        });
        for (key, is_put) in sealed {
            show(if is_put { Edit::Put(&key, self.counted(&key)) } else { Edit::Remove(&key) });
        }
    }

    /// As [`join`](Merge::join), for an entry that is put.
    fn join_counted(&mut self, key: Self::Key, item: Arc<Self::Item>, version: Version) -> bool;
}

/// The changes from one state of a value to a later one: a net difference.
pub trait Compose: Clone + 'static {
    /// The type that the `eq` of a reacton compares.
    type Value: 'static;
    /// One change, as observers receive it.
    type Change: Clone + 'static;

    /// Appends later changes: all of them or, if user code panics, none.
    fn then(&mut self, later: &Self);

    /// Removes the changes of entries that are equal.
    fn drop_equal(&mut self, same: &mut dyn FnMut(&Self::Value, &Self::Value) -> bool);

    /// Whether there are no changes.
    fn is_empty(&self) -> bool;

    /// The number of entries that have changed. A view that nothing reads keeps at most as many changes as it has rows;
    /// without this method it keeps all.
    fn len(&self) -> usize {
        0
    }

    /// Returns the changes in their order.
    fn list(&self) -> Vec<Self::Change>;
}

/// One entry that has changed.
///
/// It holds the old and the new value by reference count: for a [`ReactonMap`](crate::ReactonMap) of `V`, the type `H` is `Arc<V>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<K, H> {
    /// The entry was added.
    Added {
        /// Of the entry.
        key: K,
        /// What it holds now.
        new: H,
    },
    /// The content of the entry was replaced.
    Replaced {
        /// Of the entry.
        key: K,
        /// What it held.
        old: H,
        /// What it holds now.
        new: H,
    },
    /// The entry was removed.
    Removed {
        /// Of the entry.
        key: K,
        /// What it held.
        old: H,
    },
}

impl<K, H> Change<K, H> {
    /// The key of the entry.
    pub fn key(&self) -> &K {
        let (Self::Added { key, .. } | Self::Replaced { key, .. } | Self::Removed { key, .. }) =
            self;
        key
    }

    /// The old content of the entry, if there was one.
    pub fn old(&self) -> Option<&H> {
        match self {
            Self::Replaced { old, .. } | Self::Removed { old, .. } => Some(old),
            Self::Added { .. } => None,
        }
    }

    /// The new content of the entry, if there is one.
    #[expect(clippy::new_ret_no_self, reason = "beside `old`, as the fields are called")]
    pub fn new(&self) -> Option<&H> {
        match self {
            Self::Added { new, .. } | Self::Replaced { new, .. } => Some(new),
            Self::Removed { .. } => None,
        }
    }
}
