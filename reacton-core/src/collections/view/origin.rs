//! The source of the rows of a view: a collection, or another view.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::View;
use super::rows::{Edits, Placed};
use crate::collections::changes::KeyedChanges;
use crate::collections::declare::ByEntries;
use crate::collections::map::ReactonMap;
use crate::collections::observe::{Follower, Follows, News};
use crate::collections::pending::{FEW, Pending};
use crate::collections::set::ReactonSet;
use crate::merge::{Compose, Merge};
use crate::reacton::declare::Reacton;
use crate::store::reader::Reader;
use crate::value::Same;

/// Receives a key with its row; `None` if the row was removed.
pub(super) type TakeEdit<'a, K, V, S> = &'a mut dyn FnMut(K, Option<Placed<V, S>>);
/// Receives a row with its key.
pub(super) type TakeRow<'a, K, V, S> = &'a mut dyn FnMut(K, Placed<V, S>);

/// The rows of a view before they are sorted: the rows of a source, after the adapters.
pub(super) trait Origin<K, V: 'static, S> {
    /// Begins a run. Returns whether all rows must be computed again, because something else that they depend on has
    /// changed.
    fn begin(&self, _reader: &Reader<'_>) -> bool {
        false
    }

    /// Passes on each row that has changed since the last call. Returns `false`, and passes on nothing, if all rows
    /// must be computed again.
    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, V, S>) -> bool;

    /// Passes on all rows.
    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, V, S>);

    /// How rows are compared, during a run.
    fn same(&self) -> Same<V>;

    /// Ends a run.
    fn end(&self) {}
}

/// The parts of which a view is made.
#[doc(hidden)]
pub struct Plan<K, V: 'static, S> {
    pub(super) origin: Box<dyn Origin<K, V, S>>,
    /// The sort key of all rows, if they stand in the order of their keys.
    pub(super) sort: Option<S>,
    pub(super) head: Option<usize>,
}

impl<K, V, S> fmt::Debug for Plan<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").finish_non_exhaustive()
    }
}

/// A source of a view for [`ReactonStore::view`](crate::ReactonStore::view): a map, a set, a list, or another view.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "a view of `{Self}` cannot be made",
    label = "this is neither a map, a set or a list of rows, nor a view",
    note = "a collection is declared as `#[reacton] static ROWS: ReactonMap<K, V> = ReactonMap::new();`"
)]
pub trait Viewable {
    /// The key of a row. That of an item of a list is its id.
    type Key: Ord + Clone + 'static;
    /// The value of a row.
    type Row: 'static;
    /// The sort key of a row; `()` if rows are in the order of their keys. That of an item of a list is its position.
    type Sort: Ord + Clone + 'static;
    #[doc(hidden)]
    fn __plan(&self) -> Plan<Self::Key, Self::Row, Self::Sort>;
}

/// A collection that consists of rows.
#[doc(hidden)]
pub trait Table: Merge<Key: Ord, Changes: Compose<Value = <Self as Merge>::Item>> {
    fn __len(&self) -> usize;
    #[expect(clippy::type_complexity, reason = "the type of a closure, which an alias would hide")]
    fn __each(&self, f: &mut dyn FnMut(&Self::Key, Arc<Self::Item>));
    fn __each_new(changes: &Self::Changes, f: &mut dyn FnMut(Self::Key, Option<Arc<Self::Item>>));
}

impl<K: Ord + Clone + 'static, V: 'static> Table for ReactonMap<K, V> {
    fn __len(&self) -> usize {
        self.len()
    }

    fn __each(&self, f: &mut dyn FnMut(&K, Arc<V>)) {
        self.counted().for_each(|(key, row)| f(key, Arc::clone(row)));
    }

    fn __each_new(changes: &KeyedChanges<K, Arc<V>>, f: &mut dyn FnMut(K, Option<Arc<V>>)) {
        changes.each_new().for_each(|(key, row)| f(key, row));
    }
}

impl<T: Ord + Clone + 'static> Table for ReactonSet<T> {
    fn __len(&self) -> usize {
        self.len()
    }

    fn __each(&self, f: &mut dyn FnMut(&T, Arc<()>)) {
        let row = Arc::new(());
        self.iter().for_each(|element| f(element, Arc::clone(&row)));
    }

    fn __each_new(changes: &KeyedChanges<T, ()>, f: &mut dyn FnMut(T, Option<Arc<()>>)) {
        changes.each_new().for_each(|(element, is_there)| f(element, is_there.map(Arc::new)));
    }
}

#[diagnostic::do_not_recommend]
impl<T: Table, M: ByEntries> Viewable for Reacton<T, M> {
    type Key = T::Key;
    type Row = T::Item;
    type Sort = ();

    fn __plan(&self) -> Plan<T::Key, T::Item, ()> {
        let origin = OfCollection(Follower::new(self.site()));
        Plan { origin: Box::new(origin), sort: Some(()), head: None }
    }
}

#[diagnostic::do_not_recommend]
impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Viewable for View<K, V, S> {
    type Key = K;
    type Row = V;
    type Sort = S;

    fn __plan(&self) -> Plan<K, V, S> {
        let origin = OfView { view: self.clone(), pending: RefCell::default() };
        Plan { origin: Box::new(origin), sort: self.sort().cloned(), head: None }
    }
}

struct OfCollection<T: Table>(Follower<T>);

impl<T: Table> Origin<T::Key, T::Item, ()> for OfCollection<T> {
    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, T::Key, T::Item, ()>) -> bool {
        let News::Changes(changes) = self.0.news(reader) else { return false };
        if let Some(changes) = changes {
            T::__each_new(&changes, &mut |key, row| {
                take(key, row.map(|row| Placed { row, sort: () }));
            });
        }
        true
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, T::Key, T::Item, ()>) {
        let rows = self.0.look(reader, T::__len);
        rows.__each(&mut |key, row| take(key.clone(), Placed { row, sort: () }));
    }

    fn same(&self) -> Same<T::Item> {
        self.0.same()
    }
}

/// The changes of a view that another view has not received yet.
type Heard<K, V, S> = Rc<Pending<Edits<K, V, S>>>;

struct OfView<K, V: 'static, S> {
    view: View<K, V, S>,
    /// Made in the first run.
    pending: RefCell<Option<Heard<K, V, S>>>,
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Origin<K, V, S>
    for OfView<K, V, S>
{
    fn news(&self, reader: &Reader<'_>, take: TakeEdit<'_, K, V, S>) -> bool {
        reader.with(&self.view, |_| ());
        let pending = self.pending.borrow().clone();
        let Some(pending) = pending.filter(|pending| !pending.is_lost()) else { return false };
        let changes = pending.take().map(|(changes, _)| changes);
        if let Some(changes) = changes {
            changes.each_new().for_each(|(key, placed)| take(key, placed));
        }
        true
    }

    fn everything(&self, reader: &Reader<'_>, take: TakeRow<'_, K, V, S>) {
        // The view runs now, if it must, so that nothing runs between the next two lines.
        reader.with(&self.view, |_| ());
        let pending = self.pending.borrow().clone();
        let pending = pending.or_else(|| self.view.observe(reader.store()));
        let _seen = pending.as_ref().map(|pending| pending.clear());
        let (rows, _) = reader.hold(&self.view);
        if let Some(pending) = &pending {
            pending.keep(rows.len().max(FEW));
        }
        let _former = self.pending.replace(pending);
        rows.all().for_each(|(key, placed)| take(key, placed));
    }

    fn same(&self) -> Same<V> {
        self.view.same()
    }
}
