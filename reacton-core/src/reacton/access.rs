//! What a store can read and write: statics, locals, and references to either.

use std::any::Any;

use crate::id::RefId;
use crate::reacton::declare::{Copied, Merged, MergedByCount, Reacton, Site, ZeroCopy};
use crate::store::ReactonStore;

pub(crate) mod sealed {
    use std::any::Any;

    use crate::id::RefId;
    use crate::store::ReactonStore;

    /// Finds the cell of a reacton in a store.
    pub trait Located {
        type Held: 'static;

        /// The cell, created if needed. `None` if there is none any more and [`absent`](Self::absent) returns what a
        /// read gets.
        fn cell(&self, store: &ReactonStore) -> Option<Place>;

        /// As `cell`, without a check whether a local still exists: for a caller that notices itself, and then calls
        /// [`absent`](Self::absent).
        #[track_caller]
        #[inline]
        fn place(&self, store: &ReactonStore) -> Option<Place> {
            self.cell(store)
        }

        /// The cell if it exists; creates none.
        #[track_caller]
        fn found(&self, store: &ReactonStore) -> Option<Place> {
            self.cell(store)
        }

        /// As [`place`](Self::place), but creates no cell if the read does not need one.
        #[track_caller]
        #[inline]
        fn peek(&self, store: &ReactonStore) -> Option<Place> {
            self.place(store)
        }

        /// Records that a write of its cell has begun, so that the cell is kept meanwhile. Returns whether it is the
        /// first write.
        #[inline]
        fn begin_write(&self, _: &ReactonStore, _: &Place) -> bool {
            false
        }

        /// Whether a write makes this store hold an entry that other stores share, so that it counts as a change also if the value is equal.
        #[inline]
        fn begins_entry(&self, _: &ReactonStore, _: &Place) -> bool {
            false
        }

        /// What a read returns if there is no cell.
        fn absent(&self, store: &ReactonStore) -> Self::Held;

        /// The id of a static or a member; a local has none.
        fn id(&self) -> Option<RefId>;

        /// Whether the static at `address` declares it: for a family, the member with this key.
        fn is(&self, address: usize, key: Option<&dyn Any>) -> bool;

        /// What other stores send one by one, and this is one of: the id of the collection or family, and the name of the entry in it.
        fn entry(&self) -> Option<(RefId, &dyn Any)> {
            None
        }

        /// What is meant, in the value that an extension has found of the collection or of the member.
        fn within(&self, found: Box<dyn Any>) -> Option<Self::Held> {
            found.downcast().ok().map(|held| *held)
        }
    }

    pub trait AcceptsWrites {}

    pub(crate) use crate::graph::Place;
}

use sealed::{Located, Place};

/// What a store can read: a [`Reacton`], a [`Computed`](crate::Computed), a local one, or a reference to one of them.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a reacton, so a store cannot read it",
    label = "this is no reacton",
    note = "declare it with `#[reacton] static NAME: T = value;`; of a `Family`, read a member: `NAME.of(key)`"
)]
pub trait Readable: Located<Held = Self::Value> {
    /// The type of its values.
    type Value: 'static;
}

/// What a store can write to: every [`Readable`] but computeds and what the library alone writes.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to",
    label = "this is no reacton that a store can write to",
    note = "what `#[reacton]` declares and what `store.reacton(..)` makes can be written to; of a `Family`, a member: `NAME.of(key)`",
    note = "a computed follows from what it reads: write to those reactons instead"
)]
// A function of `R::Value` asks for `Readable + Writable`, though the second implies the first: of `Writable` alone the
// compiler would say both when `R` is neither.
pub trait Writable: Readable + sealed::AcceptsWrites {}

/// What one side of a link can stop and begin to receive: a reacton that is written, or a family as a whole.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be paused",
    label = "this is neither a reacton that a store can write to nor a family",
    note = "pause what stands in the shared list: `worker.pause(&NAME)`"
)]
pub trait Pausable {
    /// The id under which it is shared; a local has none.
    #[doc(hidden)]
    fn __shared_id(&self, store: &ReactonStore) -> Option<RefId>;
}

#[diagnostic::do_not_recommend]
impl<R: Writable> Pausable for R {
    #[track_caller]
    fn __shared_id(&self, store: &ReactonStore) -> Option<RefId> {
        // Panics if a local does not belong to this store or was removed.
        let _ = self.found(store);
        self.id().filter(|_| !store.is_ended())
    }
}

#[diagnostic::do_not_recommend]
impl<K, T> Pausable for crate::reacton::family::Family<K, T> {
    fn __shared_id(&self, store: &ReactonStore) -> Option<RefId> {
        (!store.is_ended()).then(|| self.reacton_ref().id())
    }
}

/// What a [`StoreHandle`](crate::StoreHandle) can name from any thread: whatever was declared as a static.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be reached from another thread",
    label = "only what `#[reacton]` and `#[computed]` declare can be reached from every thread",
    note = "a local reacton belongs to one store: post a closure that uses it, `handle.post(|store| ..)`"
)]
pub trait Declared: Readable {
    /// Writable only if the reacton itself is [`Writable`].
    #[doc(hidden)]
    type __Remote: Writable<Value = Self::Value> + Send + 'static;
    /// What is sent to the store's thread to name it there.
    #[doc(hidden)]
    fn __remote(&self) -> Self::__Remote;
}

impl<T: 'static> Located for Site<T> {
    type Held = T;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        store.declared_cell(self.head(), self.address(), || self.contents()).map(Place)
    }

    #[track_caller]
    fn absent(&self, _: &ReactonStore) -> T {
        self.initial()
    }

    fn id(&self) -> Option<RefId> {
        Some(self.head().rref.id())
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        self.address() == address && key.is_none()
    }
}

#[diagnostic::do_not_recommend]
impl<T: 'static> Readable for Site<T> {
    type Value = T;
}

impl<T: 'static> sealed::AcceptsWrites for Site<T> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for Site<T> {}

impl<T: 'static, M> Located for Reacton<T, M> {
    type Held = T;

    #[track_caller]
    #[inline]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        let address = std::ptr::from_ref(self).addr();
        match store.known_cell(self.reacton_ref().id(), address) {
            Some(cell) => Some(Place(cell)),
            None => self.site().cell(store),
        }
    }

    #[track_caller]
    fn absent(&self, _: &ReactonStore) -> T {
        self.site().initial()
    }

    fn id(&self) -> Option<RefId> {
        Some(self.reacton_ref().id())
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        std::ptr::from_ref(self).addr() == address && key.is_none()
    }
}

#[diagnostic::do_not_recommend]
impl<T: 'static, M> Readable for Reacton<T, M> {
    type Value = T;
}

impl<T: 'static> sealed::AcceptsWrites for Reacton<T, Copied> {}
impl<T: 'static> sealed::AcceptsWrites for Reacton<T, ZeroCopy> {}
impl<T: 'static> sealed::AcceptsWrites for Reacton<T, Merged> {}
impl<T: 'static> sealed::AcceptsWrites for Reacton<T, MergedByCount> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for Reacton<T, Copied> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for Reacton<T, ZeroCopy> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for Reacton<T, Merged> {}
#[diagnostic::do_not_recommend]
impl<T: 'static> Writable for Reacton<T, MergedByCount> {}

#[diagnostic::do_not_recommend]
impl<T: 'static, M> Declared for Reacton<T, M> {
    type __Remote = Site<T>;

    fn __remote(&self) -> Site<T> {
        self.site()
    }
}

impl<R: Readable> Located for &R {
    type Held = R::Value;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        R::cell(self, store)
    }

    #[track_caller]
    #[inline]
    fn place(&self, store: &ReactonStore) -> Option<Place> {
        R::place(self, store)
    }

    #[track_caller]
    fn found(&self, store: &ReactonStore) -> Option<Place> {
        R::found(self, store)
    }

    #[track_caller]
    #[inline]
    fn peek(&self, store: &ReactonStore) -> Option<Place> {
        R::peek(self, store)
    }

    #[inline]
    fn begin_write(&self, store: &ReactonStore, place: &Place) -> bool {
        R::begin_write(self, store, place)
    }

    #[inline]
    fn begins_entry(&self, store: &ReactonStore, place: &Place) -> bool {
        R::begins_entry(self, store, place)
    }

    #[track_caller]
    fn absent(&self, store: &ReactonStore) -> R::Value {
        R::absent(self, store)
    }

    fn id(&self) -> Option<RefId> {
        R::id(self)
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        R::is(self, address, key)
    }

    fn entry(&self) -> Option<(RefId, &dyn Any)> {
        R::entry(self)
    }

    fn within(&self, found: Box<dyn Any>) -> Option<R::Value> {
        R::within(self, found)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Readable> Readable for &R {
    type Value = R::Value;
}

impl<R: Writable> sealed::AcceptsWrites for &R {}
#[diagnostic::do_not_recommend]
impl<R: Writable> Writable for &R {}

#[diagnostic::do_not_recommend]
impl<R: Declared> Declared for &R {
    type __Remote = R::__Remote;

    fn __remote(&self) -> R::__Remote {
        R::__remote(self)
    }
}

/// What travels to the thread of a store to name a computed or an entry there.
///
/// What travels there may name a reacton that is written to, so this type is writable; the handle asks for a reacton
/// that is.
#[doc(hidden)]
#[derive(Debug)]
pub struct Remote<R>(pub(crate) R);

impl<R: Located> Located for Remote<R> {
    type Held = R::Held;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        self.0.cell(store)
    }

    #[track_caller]
    fn found(&self, store: &ReactonStore) -> Option<Place> {
        self.0.found(store)
    }

    #[track_caller]
    fn peek(&self, store: &ReactonStore) -> Option<Place> {
        self.0.peek(store)
    }

    #[track_caller]
    fn absent(&self, store: &ReactonStore) -> R::Held {
        self.0.absent(store)
    }

    fn id(&self) -> Option<RefId> {
        self.0.id()
    }

    fn is(&self, address: usize, key: Option<&dyn Any>) -> bool {
        self.0.is(address, key)
    }
}

#[diagnostic::do_not_recommend]
impl<R: Readable> Readable for Remote<R> {
    type Value = R::Value;
}

impl<R> sealed::AcceptsWrites for Remote<R> {}
#[diagnostic::do_not_recommend]
impl<R: Readable> Writable for Remote<R> {}
