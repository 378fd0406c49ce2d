//! Snapshots of chosen reactons and families: typed, iterable, and serializable as their values are.

use std::fmt;
use std::ops::Deref;
use std::slice;

use reacton_core::wiring::{HeldMember, Wiring};
use reacton_core::{Family, Held, Reacton, ReactonRef, ReactonStore};
use serde::{Serialize, Serializer};

/// Takes snapshots of chosen reactons. Implemented by [`ReactonStore`]; the prelude imports it.
pub trait SnapshotOf {
    /// What this store holds now of one reacton, of one family, or of a tuple of them; inside a batch with the batch's own writes.
    ///
    /// No value is copied: the snapshot counts them, and an [`update`](ReactonStore::update) of a value that a snapshot holds
    /// copies it. The cost is one count for each reacton and each member of a family that is named, however much else the store
    /// holds.
    ///
    /// The snapshot of a reacton is its value; that of a family lists the keys and values of the members that were written.
    /// Both are serializable as soon as the values and keys are: for a file, a log, or a test.
    ///
    /// # Panics
    /// As [`get`](ReactonStore::get) does; inside an [`update`](ReactonStore::update) that has one of the values lent to it.
    fn snapshot_of<P: Part>(&self, part: P) -> P::Snapshot;
}

impl SnapshotOf for ReactonStore {
    #[track_caller]
    fn snapshot_of<P: Part>(&self, part: P) -> P::Snapshot {
        part.snapshot(self)
    }
}

/// What a snapshot can be taken of: `&REACTON`, `&FAMILY`, and a tuple of up to twelve parts.
#[diagnostic::on_unimplemented(
    message = "no snapshot can be taken of `{Self}`",
    label = "this is no reference to a reacton or family, and no tuple of such",
    note = "write `store.snapshot_of(&NAME)`, or `store.snapshot_of((&NAME, &FAMILY))` for several"
)]
pub trait Part {
    /// What is taken.
    type Snapshot;
    /// Takes it.
    #[doc(hidden)]
    #[track_caller]
    fn snapshot(self, store: &ReactonStore) -> Self::Snapshot;
}

impl<T: 'static, M> Part for &Reacton<T, M> {
    type Snapshot = ReactonSnapshot<T>;

    #[track_caller]
    fn snapshot(self, store: &ReactonStore) -> ReactonSnapshot<T> {
        let held = Wiring::of(store).held_or_initial(self);
        ReactonSnapshot { rref: self.reacton_ref(), held }
    }
}

impl<K: Clone + 'static, T: 'static> Part for &'static Family<K, T> {
    type Snapshot = FamilySnapshot<K, T>;

    #[track_caller]
    fn snapshot(self, store: &ReactonStore) -> FamilySnapshot<K, T> {
        FamilySnapshot { rref: self.reacton_ref(), members: Wiring::of(store).held_members(self) }
    }
}

macro_rules! tuples {
    ($($part:ident)*) => {
        impl<$($part: Part),*> Part for ($($part,)*) {
            type Snapshot = ($($part::Snapshot,)*);

            #[track_caller]
            #[expect(non_snake_case, reason = "each part is named as its type")]
            fn snapshot(self, store: &ReactonStore) -> Self::Snapshot {
                let ($($part,)*) = self;
                ($($part.snapshot(store),)*)
            }
        }
    };
}

tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

/// The value of one reacton at one moment. Dereferences to the value, and serializes as it.
pub struct ReactonSnapshot<T: 'static> {
    rref: ReactonRef,
    held: Held<T>,
}

impl<T> ReactonSnapshot<T> {
    /// The reacton.
    pub fn reacton_ref(&self) -> ReactonRef {
        self.rref
    }
}

impl<T> Deref for ReactonSnapshot<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.held
    }
}

impl<T: fmt::Debug> fmt::Debug for ReactonSnapshot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Serialize> Serialize for ReactonSnapshot<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

/// The members of one family that a store held at one moment, in no order: those that were written.
///
/// Serializes as a sequence of pairs of key and value, in every format and whatever the key is; it reads back as a
/// `Vec<(K, T)>` or, where the format allows it, by any type that takes such a sequence.
///
/// # Examples
/// ```
/// # use reacton_core::{Family, Keys, ReactonStore};
/// # use reacton_isolate::SnapshotOf;
/// # static SCORE: Family<u32, i64> = Family::<u32, i64>::__new("doc::SCORE", |_| 0, Keys::new(|key| u64::from(*key), u32::eq));
/// // #[reacton] static SCORE: Family<u32, i64> = |_| 0;
/// let store = ReactonStore::new();
/// store.set(&SCORE.of(7), 100);
/// let scores = store.snapshot_of(&SCORE);
/// store.set(&SCORE.of(7), 200);
/// assert_eq!(scores.iter().collect::<Vec<_>>(), [(&7, &100)]);
/// ```
pub struct FamilySnapshot<K: 'static, T: 'static> {
    rref: ReactonRef,
    members: Vec<HeldMember<K, T>>,
}

impl<K, T> FamilySnapshot<K, T> {
    /// The family.
    pub fn reacton_ref(&self) -> ReactonRef {
        self.rref
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether no member was written.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The keys and values, in no order.
    pub fn iter(&self) -> Members<'_, K, T> {
        Members(self.members.iter())
    }
}

/// The keys and values of a [`FamilySnapshot`].
pub struct Members<'s, K: 'static, T: 'static>(slice::Iter<'s, HeldMember<K, T>>);

impl<'s, K, T> Iterator for Members<'s, K, T> {
    type Item = (&'s K, &'s T);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|member| (member.key(), member.value()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, T> ExactSizeIterator for Members<'_, K, T> {}

impl<K, T> fmt::Debug for Members<'_, K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Members").field("left", &self.0.len()).finish()
    }
}

impl<'s, K, T> IntoIterator for &'s FamilySnapshot<K, T> {
    type Item = (&'s K, &'s T);
    type IntoIter = Members<'s, K, T>;

    fn into_iter(self) -> Members<'s, K, T> {
        self.iter()
    }
}

impl<K: fmt::Debug, T: fmt::Debug> fmt::Debug for FamilySnapshot<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Serialize, T: Serialize> Serialize for FamilySnapshot<K, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}
