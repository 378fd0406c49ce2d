//! Values whose entries are written, told, sent and merged one by one.

use std::any::Any;
use std::sync::Arc;

/// When a value was written: the writer's Lamport clock, and its site where two clocks are equal.
///
/// Of two values of one reacton, every store keeps the one with the larger version (Lamport, "Time, clocks, and the
/// ordering of events in a distributed system", 1978).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Version {
    /// Grows with each transaction and each received message.
    pub clock: u64,
    /// The store that wrote. Each store, also that of a restarted worker, has a site of its own, in all processes; 0 stands for none.
    pub site: u64,
}

impl Version {
    /// Never written: any other version is larger.
    pub const NEVER: Self = Self { clock: 0, site: 0 };

    /// As numbers that compare as versions do.
    #[doc(hidden)]
    #[must_use]
    #[inline]
    pub fn stamp(self) -> (u64, u64) {
        (self.clock, self.site)
    }

    /// So that this version counts as newer, and everything older than it does not.
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

/// Who edits a value, and what for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writer {
    /// The site of the store.
    pub site: u64,
    /// Whether the edits will be [sealed](Merge::seal), because other stores are to get them. Otherwise nothing has to be kept for that.
    pub shares: bool,
}

/// One edit of a value, as other stores get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit<K, I> {
    /// The entry of this key is this now.
    Put(K, I),
    /// There is no entry of this key now.
    Remove(K),
    /// Everything that was written before is gone.
    Reset,
}

/// The entries that are meant.
#[derive(Debug)]
pub enum Which<'k, K> {
    /// All of them, and what is remembered of removed ones.
    All,
    /// Those of these keys.
    Keys(&'k [K]),
}

/// A value that is made of entries: the entry, not the value, is what wins or loses against what was written elsewhere at the same time.
///
/// The library's own are [`ReactonMap`](crate::ReactonMap), [`ReactonSet`](crate::ReactonSet), [`ReactonList`](crate::ReactonList) and
/// [`Counter`](crate::Counter). A type of a program's own, such as a document that merges, is declared by `#[reacton(merge)]`.
///
/// Keys and items are sent to other stores as they are: for a value that is shared, both are serializable, or, with `zero_copy`, the
/// items are held by reference count ([`MergeByCount`]).
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
    // The clone is taken whenever something else holds the value that is edited: it should take constant time.
    /// What wins or loses as one.
    type Key: Clone + 'static;
    /// What an entry holds.
    type Item: 'static;
    /// What has changed, as observers learn of it.
    type Changes: Compose;

    /// From now on notes what is edited.
    fn begin(&mut self, writer: Writer);

    /// Where the open edit is noted: another place than at [`begin`](Self::begin) if another value has taken the place of this one,
    /// as by `*value = other`.
    #[doc(hidden)]
    fn __noted_in(&self) -> Option<usize> {
        None
    }

    /// What was edited since [`begin`](Self::begin), which ends with this. `None` if nothing was; what came out equal may be contained.
    fn settle(&mut self) -> Option<Self::Changes>;

    /// From now on it is `other`, whatever is written elsewhere without knowledge of this: for `set` and `remove`.
    fn replace(&mut self, other: Self);

    /// Edits the entries that differ from those of `other`: for `restore` and undo.
    fn restore(&mut self, other: &Self);

    /// Everything that it holds, as changes of an empty value.
    fn everything(&self) -> Self::Changes;

    /// Sets the version of everything that the open transaction has edited, and shows each edit once, to be sent.
    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&Self::Key, &Self::Item>));

    /// Applies one edit of another store. Returns whether it won.
    ///
    /// The result must depend on the *set* of edits that were joined, and not on their order or on repetitions.
    fn join(&mut self, edit: Edit<Self::Key, Self::Item>, version: Version) -> bool;

    /// Shows what is there, with the versions, so that another value that joins all of it is the same.
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

    /// The open transaction came out as it was, and gets no version: what it has touched gets back the versions that it had.
    fn revert(&mut self) {}

    /// The entry of this key could not be sent: whatever other stores write replaces it.
    fn disown(&mut self, key: &Self::Key);

    /// Holds nothing from now on, without a trace: a store that begins holds what the store that spawned it holds. A type from which
    /// nothing is ever removed, and which is declared empty, has nothing to do here.
    fn blank(&mut self) {}

    /// Removals up to this clock are known everywhere, and may be forgotten. With [`u64::MAX`] no other store shares the value any more:
    /// resets may be forgotten, too.
    fn sweep(&mut self, _clock: u64) {}

    /// How many removals are remembered.
    fn removals(&self) -> usize {
        0
    }

    /// No version in it has a larger clock: a store that shares it counts on from there.
    fn newest_clock(&self) -> u64 {
        0
    }

    /// How many entries there are, with which [`removals`](Self::removals) are compared.
    fn entries(&self) -> usize {
        0
    }
}

/// A value whose items are held by reference count, so that stores of several threads can hold the same ones: what `zero_copy` asks of
/// a value that is made of entries and shared.
#[diagnostic::on_unimplemented(
    message = "the entries of `{Self}` cannot be handed over by reference count",
    label = "it does not hold its items by reference count",
    note = "implement `reacton::collections::MergeByCount` for `{Self}`, or remove `zero_copy`, so that its entries cross as serialized copies"
)]
pub trait MergeByCount: Merge {
    /// The item of a key.
    fn counted(&self, key: &Self::Key) -> Option<Arc<Self::Item>>;

    /// As [`join`](Merge::join), for an entry that is put.
    fn join_counted(&mut self, key: Self::Key, item: Arc<Self::Item>, version: Version) -> bool;
}

/// What has changed, from one moment to a later one: a net difference.
pub trait Compose: Clone + 'static {
    /// What the `eq` of a reacton compares.
    type Value: 'static;
    /// One change, as an observer is called with it.
    type Change: Clone + 'static;

    /// Appends what changed after that.
    fn then(&mut self, later: &Self);

    /// Removes the changes of what came out equal.
    fn drop_equal(&mut self, same: &mut dyn FnMut(&Self::Value, &Self::Value) -> bool);

    /// Whether nothing has changed.
    fn is_empty(&self) -> bool;

    /// How many entries have changed. A view that nothing reads keeps no more changes than there are rows; if this is not
    /// implemented, it keeps all.
    fn len(&self) -> usize {
        0
    }

    /// The changes in their order.
    fn list(&self) -> Vec<Self::Change>;
}

/// One entry that has changed.
///
/// It holds the old and the new value by reference count: for a [`ReactonMap`](crate::ReactonMap) of `V`, the type `H` is `Arc<V>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<K, H> {
    /// There was no entry of this key.
    Added {
        /// Of the entry.
        key: K,
        /// What it holds now.
        new: H,
    },
    /// The entry holds something else now.
    Replaced {
        /// Of the entry.
        key: K,
        /// What it held.
        old: H,
        /// What it holds now.
        new: H,
    },
    /// There is no entry of this key any more.
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

    /// What the entry held before, if there was one.
    pub fn old(&self) -> Option<&H> {
        match self {
            Self::Replaced { old, .. } | Self::Removed { old, .. } => Some(old),
            Self::Added { .. } => None,
        }
    }

    /// What the entry holds now, if there is one.
    #[expect(clippy::new_ret_no_self, reason = "beside `old`, as the fields are called")]
    pub fn new(&self) -> Option<&H> {
        match self {
            Self::Added { new, .. } | Self::Replaced { new, .. } => Some(new),
            Self::Removed { .. } => None,
        }
    }
}
