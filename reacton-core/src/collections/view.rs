//! Views: filtered, mapped and sorted rows of a collection, updated by the changes of their source.

mod adapters;
mod diffs;
mod hearing;
mod listed;
mod origin;
pub(crate) mod rows;
mod stage;

use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::fmt;
use std::rc::{Rc, Weak};

use super::pending::Pending;
use crate::graph::CellId;
use crate::id::RefId;
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::watched::Watched;
use crate::store::{ReactonStore, WeakStore};
use crate::value::Same;

use adapters::{Filter, FilterBy, Map, SortByKey};
pub use diffs::ViewChanges;
use origin::Plan;
pub use origin::Viewable;
use rows::{Edits, Rows};
use stage::Stage;

/// A computed list of the rows of a collection: filtered, mapped and sorted. Made by [`ReactonStore::view`].
///
/// `K` is the key of a row, `V` its value, and `S` its sort key: `()` if the rows are in the order of their keys.
///
/// It is read as any computed is, and its value is [`Rows`](crate::Rows). Nothing is computed until it is read. A later
/// read applies the changes of its source since then: each closure is called once for each row that has changed, and
/// each of these rows takes a time that grows with the logarithm of the number of rows. All readers share one result.
///
/// A clone is the same view. The view ends, and is freed, with its last clone and its last observer.
///
/// # Examples
/// ```
/// # use reacton_core::{Merged, Reacton, ReactonMap, ReactonStore};
/// # type Prices = ReactonMap<&'static str, u32>;
/// # static PRICES: Reacton<Prices, Merged> = Reacton::<Prices, Merged>::__new("doc::PRICES", ReactonMap::new);
/// // #[reacton] static PRICES: ReactonMap<&'static str, u32> = ReactonMap::new();
/// let store = ReactonStore::new();
/// let most = store.reacton(3);
/// let cheap = store
///     .view(&PRICES)
///     .filter_by(&most, |most, _, price| price <= most)
///     .sort_by_key(|_, price| *price);
/// store.update(&PRICES, |prices| prices.extend([("bread", 3), ("milk", 2), ("wine", 9)]));
/// assert!(store.with(&cheap, |rows| rows.keys().eq(&["milk", "bread"])));
/// store.set(&most, 2);
/// assert_eq!(store.with(&cheap, |rows| rows.len()), 1);
/// ```
pub struct View<K, V: 'static, S = ()> {
    shared: Rc<Shared<K, V, S>>,
}

/// The part of a view that its clones share.
struct Shared<K, V: 'static, S> {
    store: WeakStore,
    number: u64,
    /// The sort key of all rows, if they are in the order of their keys.
    sort: Option<S>,
    /// Set until the first use. Adapters are added to it, so that a view with three adapters is one computed.
    plan: Cell<Option<Plan<K, V, S>>>,
    /// Set from the first use on.
    used: OnceCell<Used<K, V, S>>,
}

struct Used<K, V: 'static, S> {
    cell: CellId,
    stage: Weak<Stage<K, V, S>>,
}

impl ReactonStore {
    /// Makes a view of a map, a set, a list, or another view: see [`View`].
    ///
    /// The keys of a view of a list are the [ids](crate::ItemId) of its items, which are in the order of the list. Lists
    /// with equal items are equal: a list that is set to an equal one has other ids, of which its observers and views
    /// learn with the next change.
    ///
    /// # Panics
    /// Using the view with another store, or after `dispose`, panics.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Merged, Reacton, ReactonMap, ReactonStore};
    /// # type Names = ReactonMap<u32, &'static str>;
    /// # static NAMES: Reacton<Names, Merged> = Reacton::<Names, Merged>::__new("doc::NAMES", || [(1, "Eve"), (2, "Bob")].into());
    /// // #[reacton] static NAMES: ReactonMap<u32, &'static str> = [(1, "Eve"), (2, "Bob")].into();
    /// let store = ReactonStore::new();
    /// let sorted = store.view(&NAMES).sort_by_key(|_, name| *name);
    /// let first = store.view(&sorted).head(1);
    /// assert!(store.with(&first, |rows| rows.iter().eq([(&2, &"Bob")])));
    /// ```
    pub fn view<R: Viewable>(&self, rows: &R) -> View<R::Key, R::Row, R::Sort> {
        View::new(self.downgrade(), self.number(), rows.__plan())
    }
}

impl<K, V, S> View<K, V, S>
where
    K: Ord + Clone + 'static,
    V: 'static,
    S: Ord + Clone + 'static,
{
    fn new(store: WeakStore, number: u64, plan: Plan<K, V, S>) -> Self {
        let sort = plan.sort.clone();
        let plan = Cell::new(Some(plan));
        Self { shared: Rc::new(Shared { store, number, sort, plan, used: OnceCell::new() }) }
    }

    fn sort(&self) -> Option<&S> {
        self.shared.sort.as_ref()
    }

    /// Returns its plan if nothing else uses it, or else the plan of a view of it.
    fn into_plan(self) -> Plan<K, V, S> {
        let own = if Rc::strong_count(&self.shared) == 1 { self.shared.plan.take() } else { None };
        own.unwrap_or_else(|| self.__plan())
    }

    /// Returns the view with one more adapter.
    fn adapted<V2: 'static, S2: Ord + Clone + 'static>(
        self,
        adapt: impl FnOnce(Plan<K, V, S>) -> Plan<K, V2, S2>,
    ) -> View<K, V2, S2> {
        let (store, number) = (self.shared.store.clone(), self.shared.number);
        let mut plan = self.into_plan();
        if plan.head.is_some() {
            // The first rows are known only when all rows are sorted.
            plan = View::new(store.clone(), number, plan).__plan();
        }
        View::new(store, number, adapt(plan))
    }

    /// Keeps the rows for which `keep` returns `true`. It is called once for each row that has changed.
    #[must_use]
    pub fn filter(self, keep: impl Fn(&K, &V) -> bool + 'static) -> Self {
        self.adapted(|Plan { origin, sort, head }| {
            let origin = Box::new(Filter { from: origin, keep });
            Plan { origin, sort, head }
        })
    }

    /// Keeps the rows for which `keep` returns `true`. It is called with the value of a reacton, once for each row that
    /// has changed. When the reacton changes, it is called for all rows.
    #[must_use]
    pub fn filter_by<R: Watched>(
        self,
        reacton: &R,
        keep: impl Fn(&R::Value, &K, &V) -> bool + 'static,
    ) -> Self {
        let reacton = reacton.__kept();
        self.adapted(|Plan { origin, sort, head }| {
            let origin = Box::new(FilterBy::new(origin, reacton, keep));
            Plan { origin, sort, head }
        })
    }

    /// Replaces the value of each row by the result of `map`. A row for which it returns the same value as before has
    /// not changed.
    #[must_use]
    pub fn map<U: PartialEq + 'static>(self, map: impl Fn(&K, &V) -> U + 'static) -> View<K, U, S> {
        self.adapted(|Plan { origin, sort, head }| {
            let origin = Box::new(Map { from: origin, map });
            Plan { origin, sort, head }
        })
    }

    /// Sorts the rows by the result of `sort`, and rows with equal results by their keys.
    ///
    /// [`std::cmp::Reverse`] reverses the order.
    #[must_use]
    pub fn sort_by_key<S2: Ord + Clone + 'static>(
        self,
        sort: impl Fn(&K, &V) -> S2 + 'static,
    ) -> View<K, V, S2> {
        self.adapted(|Plan { origin, head, .. }| {
            let origin = Box::new(SortByKey { from: origin, sort });
            Plan { origin, sort: None, head }
        })
    }

    /// Keeps the first `n` rows. A change behind them is no change of this view.
    #[must_use]
    pub fn head(self, n: usize) -> Self {
        let (store, number) = (self.shared.store.clone(), self.shared.number);
        let mut plan = self.into_plan();
        plan.head = Some(plan.head.map_or(n, |head| head.min(n)));
        Self::new(store, number, plan)
    }

    /// Returns its cell, which is made at the first use. `None` if the cell was removed, or belongs to another store.
    fn find(&self, store: &ReactonStore) -> Option<&Used<K, V, S>> {
        if self.shared.number != store.number() || store.is_ended() {
            return None;
        }
        let used = self.shared.used.get_or_init(|| {
            let plan = self.shared.plan.take().expect("the plan is taken once");
            let stage = Rc::new(Stage::new(plan));
            let weak = Rc::downgrade(&stage);
            Used { cell: store.graph().add_derived(stage), stage: weak }
        });
        store.is_alive(used.cell).then_some(used)
    }

    #[cold]
    #[track_caller]
    fn refuse(&self, store: &ReactonStore) -> ! {
        let why = if self.shared.number != store.number() {
            "with another store than the one that made it"
        } else if store.is_ended() {
            "after its store was disposed"
        } else {
            "after it was removed"
        };
        panic!("a view was used {why}")
    }

    /// Begins to record its changes for one observer.
    fn observe(&self, store: &ReactonStore) -> Option<Rc<Pending<Edits<K, V, S>>>> {
        Some(self.find(store)?.stage.upgrade()?.observers.add())
    }

    /// How its rows are compared. Known after the first run.
    fn same(&self) -> Same<V> {
        self.shared.used.get()?.stage.upgrade()?.same()
    }
}

impl<K, V, S> Drop for Shared<K, V, S> {
    fn drop(&mut self) {
        if let Some(Used { cell, .. }) = self.used.get()
            && let Some(store) = self.store.upgrade()
        {
            // The cell stays as long as something reads it.
            store.graph().release(*cell);
            store.flush_observers();
        }
    }
}

impl<K, V, S> Located for View<K, V, S>
where
    K: Ord + Clone + 'static,
    V: 'static,
    S: Ord + Clone + 'static,
{
    type Held = Rows<K, V, S>;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        match self.find(store) {
            Some(used) => Some(Place(used.cell)),
            None => self.refuse(store),
        }
    }

    #[track_caller]
    fn absent(&self, store: &ReactonStore) -> Rows<K, V, S> {
        self.refuse(store)
    }

    fn id(&self) -> Option<RefId> {
        None
    }

    fn is(&self, _: usize, _: Option<&dyn Any>) -> bool {
        false
    }
}

#[diagnostic::do_not_recommend]
impl<K, V, S> Readable for View<K, V, S>
where
    K: Ord + Clone + 'static,
    V: 'static,
    S: Ord + Clone + 'static,
{
    type Value = Rows<K, V, S>;
}

impl<K, V, S> Clone for View<K, V, S> {
    fn clone(&self) -> Self {
        Self { shared: Rc::clone(&self.shared) }
    }
}

impl<K, V, S> fmt::Debug for View<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("cell", &self.shared.used.get().map(|used| used.cell)).finish()
    }
}
