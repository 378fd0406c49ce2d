//! Observers that are called with the changes of a collection.

use std::cell::RefCell;
use std::rc::Rc;

use super::cell::{MergedCell, ValueOf};
use super::declare::ByEntries;
use super::pending::{FEW, Pending};
use crate::graph::{CellId, SourceRef};
use crate::merge::{Compose, Merge};
use crate::ops::subscription::Subscription;
use crate::panics::FirstPanic;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::{Reacton, Site};
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::{Held, Same};

/// The changes of a reacton of the type `T`, as an observer is called with them.
pub type ChangeOf<R> = <R as Changing>::Change;

/// A reacton or a view that reports which of its entries have changed.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which of its entries have changed",
    label = "this is no collection",
    note = "a collection is declared as `#[reacton] static ROWS: ReactonMap<K, V> = ReactonMap::new();`",
    note = "to be called with each new value, use `subscribe`"
)]
pub trait Changing: Readable {
    /// The type of one change.
    type Change: Clone + 'static;
    #[doc(hidden)]
    type __Changes: Compose<Change = Self::Change>;
    #[doc(hidden)]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<Self::__Changes>>>;
    #[doc(hidden)]
    fn __follow(&self) -> Box<dyn Follows<Self::__Changes>>;
}

/// Receives the changes of one reacton, for an observer.
#[doc(hidden)]
pub trait Hears<C> {
    /// Returns the changes since the last call; `None` if there are none.
    fn hear(&self, panics: &mut FirstPanic) -> Option<C>;
    /// Returns all entries as added; `None` if there are none.
    fn everything(&self, store: &ReactonStore) -> Option<C>;
    /// Removes the changes of entries that are equal.
    fn drop_equal(&self, changes: &mut C, panics: &mut FirstPanic);
    /// Takes changes back that the observer could not receive: the next call of [`hear`](Self::hear) returns them, too.
    fn give_back(&self, changes: C);
}

/// Receives the changes of one reacton, for a computed.
#[doc(hidden)]
pub trait Follows<C> {
    /// Returns the changes since the last call. The run of the reader depends on the reacton.
    fn news(&self, reader: &Reader<'_>) -> News<C>;
    /// Returns all entries as added; `None` if there are none. The next call of `news` returns the changes since then.
    fn everything(&self, reader: &Reader<'_>) -> Option<C>;
}

/// The changes since the last call.
#[doc(hidden)]
#[derive(Debug)]
pub enum News<C> {
    /// The reader must read all entries: it is the first call, or too many entries have changed.
    Everything,
    /// These changes, or none.
    Changes(Option<C>),
}

/// An observer of a collection.
struct Observer<T: Merge> {
    source: SourceRef,
    pending: Rc<Pending<T::Changes>>,
}

impl<T: Merge> Observer<T> {
    /// Removes the changes that it has not received.
    fn forget(&self) -> Vec<Rc<T::Changes>> {
        if let Some(cell) = MergedCell::<T>::of(&self.source) {
            // A comparison that panics here has panicked in the write, too, which has reported it.
            let mut panics = FirstPanic::NONE;
            cell.hand_over(&mut panics);
            panics.forget();
        }
        self.pending.clear()
    }
}

impl<T: Merge> Hears<T::Changes> for Observer<T> {
    fn hear(&self, panics: &mut FirstPanic) -> Option<T::Changes> {
        let cell = MergedCell::<T>::of(&self.source)?;
        cell.hand_over(panics);
        let (mut changes, are_net) = self.pending.take()?;
        if !are_net {
            cell.drop_equal(&mut changes, panics);
        }
        (!changes.is_empty()).then_some(changes)
    }

    fn everything(&self, store: &ReactonStore) -> Option<T::Changes> {
        let cell = MergedCell::<T>::of(&self.source)?;
        let everything = store.with(&cell.site, T::everything);
        (!everything.is_empty()).then_some(everything)
    }

    fn drop_equal(&self, changes: &mut T::Changes, panics: &mut FirstPanic) {
        if let Some(cell) = MergedCell::<T>::of(&self.source) {
            cell.drop_equal(changes, panics);
        }
    }

    fn give_back(&self, changes: T::Changes) {
        self.pending.give_back(changes);
    }
}

#[track_caller]
fn observe<T: Merge>(
    reacton: &impl Located<Held = T>,
    store: &ReactonStore,
) -> Option<(CellId, Observer<T>)> {
    let Place(id) = reacton.cell(store)?;
    let source = store.graph_ref().merged(id)?;
    let mut panics = FirstPanic::NONE;
    let pending = MergedCell::<T>::of(&source)?.observe(&mut panics);
    panics.resume();
    Some((id, Observer { source, pending }))
}

/// A computed that follows a collection.
pub(super) struct Follower<T: Merge> {
    site: Site<T>,
    /// Made in the first run, and again if the collection has a new cell.
    observer: RefCell<Option<(CellId, Rc<Observer<T>>)>>,
}

impl<T: Merge> Follower<T> {
    pub(super) fn new(site: Site<T>) -> Self {
        Self { site, observer: RefCell::default() }
    }

    /// Returns the present collection. The next call of [`news`](Follows::news) returns the changes since then. If
    /// there are more changes than entries, as `len` counts them, they are not kept.
    pub(super) fn look(&self, reader: &Reader<'_>, len: impl FnOnce(&T) -> usize) -> Held<T> {
        let now = self.site.cell(reader.store()).map(|Place(cell)| cell);
        let observer = self.known().filter(|(of, _)| Some(*of) == now);
        let observer = observer.or_else(|| {
            let (cell, observer) = observe(&self.site, reader.store())?;
            let made = (cell, Rc::new(observer));
            let _former = self.observer.replace(Some(made.clone()));
            Some(made)
        });
        // Dropped after the collection was read, so that no user code runs in between.
        let _seen = observer.as_ref().map(|(_, observer)| observer.forget());
        let (held, _) = reader.hold(&self.site);
        if let Some((_, observer)) = observer {
            observer.pending.keep(len(&held).max(FEW));
        }
        held
    }

    fn known(&self) -> Option<(CellId, Rc<Observer<T>>)> {
        self.observer.borrow().clone()
    }

    /// How rows are compared. Known after the first read.
    pub(super) fn same(&self) -> Same<ValueOf<T>> {
        let observer = self.observer.borrow();
        MergedCell::<T>::of(&observer.as_ref()?.1.source)?.same
    }
}

impl<T: Merge> Follows<T::Changes> for Follower<T> {
    fn news(&self, reader: &Reader<'_>) -> News<T::Changes> {
        reader.with(&self.site, |_| ());
        let known = self.known();
        let now = self.site.cell(reader.store()).map(|Place(cell)| cell);
        match known {
            Some((cell, observer)) if Some(cell) == now && !observer.pending.is_lost() => {
                // A comparison that panics here has panicked in the write, too, which has reported it.
                let mut panics = FirstPanic::NONE;
                let changes = observer.hear(&mut panics);
                panics.forget();
                News::Changes(changes)
            }
            _ => News::Everything,
        }
    }

    fn everything(&self, reader: &Reader<'_>) -> Option<T::Changes> {
        let held = self.look(reader, |_| 0);
        let everything = held.everything();
        if let Some((_, observer)) = self.known() {
            observer.pending.keep(everything.len().max(FEW));
        }
        (!everything.is_empty()).then_some(everything)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Merge, M: ByEntries> Changing for Reacton<T, M> {
    type Change = <T::Changes as Compose>::Change;
    type __Changes = T::Changes;

    #[track_caller]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<T::Changes>>> {
        observe(self, store).map(|(_, observer)| Box::new(observer) as _)
    }

    fn __follow(&self) -> Box<dyn Follows<T::Changes>> {
        Box::new(Follower::new(self.site()))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Merge> Changing for Site<T> {
    type Change = <T::Changes as Compose>::Change;
    type __Changes = T::Changes;

    #[track_caller]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<T::Changes>>> {
        observe(self, store).map(|(_, observer)| Box::new(observer) as _)
    }

    fn __follow(&self) -> Box<dyn Follows<T::Changes>> {
        Box::new(Follower::new(*self))
    }
}

impl ReactonStore {
    /// Calls `f` with the entries that have changed, after each transaction that changes some.
    ///
    /// The changes are *net*: they lead from the state at the last call of this observer to the present one. There is
    /// at most one for each key, in the order of the keys. An entry that was added and removed in between is left out.
    /// Changes hold the old and the new value by reference count.
    ///
    /// The subscription begins with the next change and ends as that of [`subscribe`](Self::subscribe) does.
    ///
    /// # Panics
    /// As [`subscribe`](Self::subscribe) does.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Change, Merged, Reacton, ReactonMap, ReactonStore};
    /// # type Rows = ReactonMap<u32, &'static str>;
    /// # static ROWS: Reacton<Rows, Merged> = Reacton::<Rows, Merged>::__new("doc::ROWS", ReactonMap::new);
    /// // #[reacton] static ROWS: ReactonMap<u32, &'static str> = ReactonMap::new();
    /// let store = ReactonStore::new();
    /// store.subscribe_changes(&ROWS, |_, changes| {
    ///     for change in changes {
    ///         match change {
    ///             Change::Added { key, new } => println!("{key}: {new}"),
    ///             Change::Replaced { key, old, new } => println!("{key}: {old} is {new} now"),
    ///             Change::Removed { key, old } => println!("{key}: {old} is gone"),
    ///         }
    ///     }
    /// });
    /// store.update(&ROWS, |rows| rows.insert(1, "one")); // prints 1: one
    /// ```
    #[track_caller]
    pub fn subscribe_changes<R: Changing>(
        &self,
        reacton: &R,
        mut f: impl FnMut(&ReactonStore, &[ChangeOf<R>]) + 'static,
    ) -> Subscription {
        let hears = reacton.__observe(self);
        self.subscribe(reacton, move |store, _| {
            let Some(hears) = &hears else { return };
            let mut panics = FirstPanic::NONE;
            if let Some(changes) = hears.hear(&mut panics) {
                // A list needs copies of the keys, which are user code.
                match panics.guard(|| changes.list()) {
                    // A row that stays between the same rows in a view, although its sort key has changed.
                    Some(list) if list.is_empty() => {}
                    Some(list) => f(store, &list),
                    None => hears.give_back(changes),
                }
            }
            panics.resume();
        })
    }
}
