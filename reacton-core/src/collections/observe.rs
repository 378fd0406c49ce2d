//! Observers that are called with what has changed.

use std::rc::Rc;

use super::cell::MergedCell;
use super::declare::ByEntries;
use super::pending::Pending;
use crate::graph::SourceRef;
use crate::merge::{Compose, Merge};
use crate::ops::subscription::Subscription;
use crate::panics::FirstPanic;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::declare::{Reacton, Site};
use crate::store::ReactonStore;

/// The changes of a reacton of the type `T`, as an observer is called with them.
pub type ChangeOf<R> = <R as Changing>::Change;

/// What tells which of its entries have changed: a reacton that holds a collection.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not tell which of its entries have changed",
    label = "this is no collection",
    note = "a collection is declared as `#[reacton] static ROWS: ReactonMap<K, V> = ReactonMap::new();`",
    note = "to be called with each new value, use `subscribe`"
)]
pub trait Changing: Readable {
    /// One change.
    type Change: Clone + 'static;
    #[doc(hidden)]
    type __Changes: Compose<Change = Self::Change>;
    #[doc(hidden)]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<Self::__Changes>>>;
}

/// What hears the changes of one reacton from one moment on.
#[doc(hidden)]
pub trait Hears<C> {
    /// What has changed since the last call; `None` if nothing has.
    fn hear(&self, panics: &mut FirstPanic) -> Option<C>;
    /// All that is there, as changes; `None` if there is nothing.
    fn everything(&self, store: &ReactonStore) -> Option<C>;
    /// Removes the changes of what came out equal.
    fn drop_equal(&self, changes: &mut C, panics: &mut FirstPanic);
}

/// An observer of a collection.
struct Observer<T: Merge> {
    source: SourceRef,
    pending: Rc<Pending<T::Changes>>,
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
}

#[track_caller]
fn observe<T: Merge>(
    reacton: &impl Located<Held = T>,
    store: &ReactonStore,
) -> Option<Box<dyn Hears<T::Changes>>> {
    let Place(id) = reacton.cell(store)?;
    let source = store.graph_ref().merged(id)?;
    let mut panics = FirstPanic::NONE;
    let pending = MergedCell::<T>::of(&source)?.observe(&mut panics);
    panics.resume();
    Some(Box::new(Observer::<T> { source, pending }))
}

#[diagnostic::do_not_recommend]
impl<T: Merge, M: ByEntries> Changing for Reacton<T, M> {
    type Change = <T::Changes as Compose>::Change;
    type __Changes = T::Changes;

    #[track_caller]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<T::Changes>>> {
        observe(self, store)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Merge> Changing for Site<T> {
    type Change = <T::Changes as Compose>::Change;
    type __Changes = T::Changes;

    #[track_caller]
    fn __observe(&self, store: &ReactonStore) -> Option<Box<dyn Hears<T::Changes>>> {
        observe(self, store)
    }
}

impl ReactonStore {
    /// Calls `f` with the entries that have changed, after each transaction that changes any.
    ///
    /// The changes are *net*: from what this observer has heard before to what is there now, at most one for each key, in the order of
    /// the keys. What was added and removed in between is not among them. They hold the old and the new value by reference count.
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
            let mut panics = FirstPanic::NONE;
            let changes = hears.as_ref().and_then(|hears| hears.hear(&mut panics));
            if let Some(changes) = changes {
                f(store, &changes.list());
            }
            panics.resume();
        })
    }
}
