//! One entry of a collection as a reacton of its own: it has a cell as long as something observes it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::resume_unwind;
use std::rc::Rc;

use super::cell::{EntryCells, MergedCell, ValueOf};
use super::declare::ByEntries;
use super::tree::Tree;
use crate::graph::{Body, CellId, Graph, SourceOps, SourceRef};
use crate::id::{Head, RefId};
use crate::merge::Merge;
use crate::panics::{FirstPanic, guarded};
use crate::reacton::access::sealed::{Located, Place};
use crate::reacton::access::{Declared, Readable, Remote};
use crate::reacton::declare::{Reacton, Site};
use crate::store::ReactonStore;
use crate::value::{Same, Value};

/// A collection whose entries can each be used as a reacton: see [`Reacton::at`].
pub trait Entry: Merge {
    /// The name of an entry: a key of a map, an element of a set, or the id of an item of a list.
    type Name: Ord + Clone + 'static;
    /// The value of an entry: a copy of the row or the item, or whether the set contains the element.
    type Found: 'static;
    #[doc(hidden)]
    fn __find(&self, key: &Self::Name) -> Self::Found;
    #[doc(hidden)]
    fn __each_key(changes: &Self::Changes, f: &mut dyn FnMut(&Self::Name));
    #[doc(hidden)]
    fn __same(
        same: fn(&ValueOf<Self>, &ValueOf<Self>) -> bool,
        old: &Self::Found,
        new: &Self::Found,
    ) -> bool;
}

/// One entry of a collection, as a reacton that is read and observed: see [`Reacton::at`].
pub struct At<T: Entry> {
    site: Site<T>,
    key: T::Name,
}

impl<T: Entry, M: ByEntries> Reacton<T, M> {
    /// Returns the entry of one key as a reacton. Its value is a copy of the row of a map, whether a set contains the
    /// element, or a copy of the item of a list with this id. Its observers are called only when this entry changes. A
    /// write of another entry costs no time for them.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Merged, Reacton, ReactonMap, ReactonStore};
    /// # type Rows = ReactonMap<u32, &'static str>;
    /// # static ROWS: Reacton<Rows, Merged> = Reacton::<Rows, Merged>::__new("doc::ROWS", ReactonMap::new);
    /// // #[reacton] static ROWS: ReactonMap<u32, &'static str> = ReactonMap::new();
    /// let store = ReactonStore::new();
    /// store.subscribe(&ROWS.at(1), |_, row| println!("{row:?}"));
    /// store.update(&ROWS, |rows| rows.insert(2, "two")); // prints nothing
    /// store.update(&ROWS, |rows| rows.insert(1, "one")); // prints Some("one")
    /// assert_eq!(store.get(&ROWS.at(2)), Some("two"));
    /// ```
    pub fn at(&self, key: T::Name) -> At<T> {
        At { site: self.site(), key }
    }
}

impl<T: Entry> At<T> {
    /// The key of the entry.
    pub fn key(&self) -> &T::Name {
        &self.key
    }

    /// The cell of the collection, and its source.
    #[track_caller]
    fn collection(&self, store: &ReactonStore) -> Option<(CellId, SourceRef)> {
        let Place(id) = self.site.cell(store)?;
        store.refuse_if_edited(id);
        let source = store.graph_ref().merged(id)?;
        Some((id, source))
    }

    /// The value of the entry in the collection.
    #[track_caller]
    fn find(&self, store: &ReactonStore, collection: CellId) -> Option<T::Found> {
        let held = store.fetch(collection, None)?;
        Some(held.get::<T>()?.__find(&self.key))
    }
}

/// The cells of the entries of one collection that are observed.
struct Cells<T: Entry> {
    // A copy takes constant time, so that no borrow is held while keys are compared, which is user code.
    by_key: RefCell<Tree<T::Name, CellId>>,
    /// The number of keys at which those without a cell are removed.
    crowded: Cell<usize>,
}

/// The number of keys that are kept before those without a cell are searched.
const FEW: usize = 32;

impl<T: Entry> Cells<T> {
    /// Returns the observed entries of a collection.
    fn of(cell: &MergedCell<T>) -> Option<&Self> {
        let make = || Box::new(Self { by_key: RefCell::default(), crowded: Cell::new(FEW) }) as _;
        let cells: &dyn Any = &**cell.entries.get_or_init(make);
        cells.downcast_ref()
    }

    fn by_key(&self) -> Tree<T::Name, CellId> {
        self.by_key.borrow().clone()
    }

    fn find(&self, store: &ReactonStore, key: &T::Name) -> Option<CellId> {
        self.by_key().get(key).copied().filter(|cell| store.is_alive(*cell))
    }

    /// Adds the cell of a key, and returns the cell that the key has then. It is another one if user code has added one
    /// meanwhile.
    // Keys are compared and copied in a copy of the index. The copy replaces the index if nothing else has replaced it
    // meanwhile.
    fn insert(&self, store: &ReactonStore, key: &T::Name, cell: CellId) -> CellId {
        for _ in 0..store.phase().limit() {
            let before = self.by_key();
            let held = before.get(key).copied().filter(|cell| store.is_alive(*cell));
            if let Some(held) = held {
                return held;
            }
            let mut by_key = before.clone();
            let is_crowded = by_key.len() >= self.crowded.get();
            if is_crowded {
                by_key.retain(|_, cell| store.is_alive(*cell));
            }
            by_key.insert(key.clone(), cell);
            if self.by_key.borrow().is_same(&before) {
                if is_crowded {
                    self.crowded.set(FEW.max(2 * by_key.len()));
                }
                let displaced = self.by_key.replace(by_key);
                // Keys may be dropped, which is user code.
                drop(displaced);
                return cell;
            }
        }
        panic!("a comparison of two keys observes one more entry of their collection each time");
    }

    /// Writes the cell of a key, which user code finds.
    fn renew<'k>(
        store: &ReactonStore,
        value: &T,
        panics: &mut FirstPanic,
        find: impl FnOnce() -> Option<(&'k T::Name, CellId)>,
    ) where
        T::Name: 'k,
    {
        let found = panics.guard(|| {
            let (key, cell) = find().filter(|(_, cell)| store.is_alive(*cell))?;
            Some((cell, Value::new(value.__find(key))))
        });
        if let Some((cell, found)) = found.flatten() {
            let displaced = store.graph().renew(cell, found);
            panics.guard(|| store.release(cell, move || drop(displaced)));
        }
    }
}

impl<T: Entry> EntryCells<T> for Cells<T> {
    fn write(
        &self,
        store: &ReactonStore,
        value: &T,
        changes: &T::Changes,
        panics: &mut FirstPanic,
    ) {
        let by_key = self.by_key();
        if by_key.len() == 0 {
            return;
        }
        T::__each_key(changes, &mut |key| {
            Self::renew(store, value, panics, || Some((key, *by_key.get(key)?)));
        });
    }

    fn write_all(&self, store: &ReactonStore, value: &T, panics: &mut FirstPanic) {
        for (key, cell) in self.by_key().iter() {
            Self::renew(store, value, panics, || Some((key, *cell)));
        }
    }

    fn end(&self, store: &ReactonStore, panics: &mut FirstPanic) {
        for (_, cell) in self.by_key.take().iter() {
            panics.guard(|| store.end(*cell));
        }
    }
}

impl<T: Entry> Located for At<T> {
    type Held = T::Found;

    #[track_caller]
    fn cell(&self, store: &ReactonStore) -> Option<Place> {
        if let Some(place) = self.found(store) {
            return Some(place);
        }
        let (collection, source) = self.collection(store)?;
        // The copy is user code, which may add the same cell.
        let found = self.find(store, collection)?;
        if let Some(place) = self.found(store) {
            return Some(place);
        }
        let cell = MergedCell::<T>::of(&source)?;
        let entry = EntrySource::<T> { same: cell.same };
        let body = Body::Source(SourceRef::Own(Rc::new(entry)));
        let id = store.graph().add_entry(body, Value::new(found));
        let held = guarded(|| Cells::of(cell).map(|cells| cells.insert(store, &self.key, id)));
        if !matches!(held, Ok(Some(held)) if held == id) {
            // Nothing has read it.
            store.end_guarded(id).forget();
        }
        match held {
            Ok(held) => held.map(Place),
            Err(payload) => resume_unwind(payload),
        }
    }

    #[track_caller]
    fn found(&self, store: &ReactonStore) -> Option<Place> {
        let (_, source) = self.collection(store)?;
        Cells::of(MergedCell::<T>::of(&source)?)?.find(store, &self.key).map(Place)
    }

    #[track_caller]
    fn peek(&self, store: &ReactonStore) -> Option<Place> {
        self.found(store)
    }

    #[track_caller]
    fn absent(&self, store: &ReactonStore) -> T::Found {
        let held = self.site.cell(store).and_then(|Place(id)| self.find(store, id));
        held.unwrap_or_else(|| self.site.initial().__find(&self.key))
    }

    fn id(&self) -> Option<RefId> {
        None
    }

    fn is(&self, _: usize, _: Option<&dyn Any>) -> bool {
        false
    }

    fn entry(&self) -> Option<(RefId, &dyn Any)> {
        Some((self.site.head().rref.id(), &self.key))
    }

    fn within(&self, found: Box<dyn Any>) -> Option<T::Found> {
        Some(found.downcast_ref::<T>()?.__find(&self.key))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Entry> Readable for At<T> {
    type Value = T::Found;
}

impl<T: Entry> Clone for At<T> {
    fn clone(&self) -> Self {
        Self { site: self.site, key: self.key.clone() }
    }
}

impl<T: Entry<Name: fmt::Debug>> fmt::Debug for At<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.at({:?})", self.site.head().rref, self.key)
    }
}

#[diagnostic::do_not_recommend]
impl<T: Entry<Name: Send>> Declared for At<T> {
    type __Remote = Remote<Self>;

    fn __remote(&self) -> Remote<Self> {
        Remote(self.clone())
    }
}

/// How the values of one entry are compared.
struct EntrySource<T: Entry> {
    same: Same<ValueOf<T>>,
}

impl<T: Entry> SourceOps for EntrySource<T> {
    fn head(&self) -> Option<&Head> {
        None
    }

    fn same(&self, old: &Value, new: &dyn Any) -> bool {
        match (self.same, old.get::<T::Found>(), new.downcast_ref::<T::Found>()) {
            (Some(same), Some(old), Some(new)) => T::__same(same, old, new),
            _ => false,
        }
    }

    fn same_held(&self, old: &Value, new: &Value) -> bool {
        match (self.same, old.get::<T::Found>(), new.get::<T::Found>()) {
            (Some(same), Some(old), Some(new)) => T::__same(same, old, new),
            _ => false,
        }
    }

    fn is_compared(&self) -> bool {
        self.same.is_some()
    }

    fn initial(&self) -> Option<Value> {
        None
    }

    fn is_scalar(&self) -> bool {
        false
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<T::Found>()
    }
}

impl Graph {
    /// Adds the cell of an entry, which is removed with its last reader.
    fn add_entry(&mut self, body: Body, value: Value) -> CellId {
        let id = self.add(body, Some(value), false);
        self.release(id);
        id
    }

    /// Writes the cell of an entry as a part of the open transaction. Dropping the result may run user code.
    fn renew(&mut self, id: CellId, value: Value) -> Option<Value> {
        self.remember(id);
        let displaced = self.cell_mut(id)?.value.replace(value);
        self.changed(id);
        displaced
    }
}

impl ReactonStore {
    /// Panics if the value of `id` is lent to an `update`.
    #[track_caller]
    fn refuse_if_edited(&self, id: CellId) {
        if self.graph_ref().cell(id).is_none_or(|cell| cell.value.is_some()) {
            return;
        }
        let name = {
            let mut graph = self.graph();
            // A computed that panics because of this runs again when the value is no longer lent.
            graph.miss(id);
            graph.track_in_innermost_computed(id);
            graph.name(id)
        };
        panic!(
            "an entry of `{name}` was read inside its own `update`, which has its value: read it before, or use the argument"
        );
    }
}
