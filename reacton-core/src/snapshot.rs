//! Snapshots: what a store held at one moment, to look at, compare and return to.

use std::fmt;

use crate::access::Readable;
use crate::graph::{Body, CellId, Found, Known, Source};
use crate::id::{ReactonRef, RefMap};
use crate::store::ReactonStore;
use crate::value::Value;

/// The values of the reactons that a store held at one moment. Computeds and locals are not part of it: the
/// ones follow, the others belong to whoever made them.
///
/// Taking one copies no value: it counts them.
#[derive(Clone)]
pub struct StoreSnapshot {
    entries: RefMap<Entry>,
}

#[derive(Clone)]
struct Entry {
    rref: ReactonRef,
    source: Known,
    address: usize,
    counted: bool,
    value: Value,
}

impl StoreSnapshot {
    /// The value of `reacton` in this snapshot; `None` if the store had not met it.
    pub fn get<R: Readable>(&self, reacton: &R) -> Option<&R::Value> {
        self.entries.get(&reacton.id()?)?.value.get()
    }

    /// The reactons whose values differ between the two, by name. One that a store had not met has its initial value.
    pub fn diff(&self, other: &Self) -> Vec<ReactonRef> {
        let mut different: Vec<_> = self
            .entries
            .values()
            .filter(|entry| entry.differs(other.entries.get(&entry.rref.id())))
            .chain(other.entries.values().filter(|entry| {
                !self.entries.contains_key(&entry.rref.id()) && entry.differs(None)
            }))
            .map(|entry| entry.rref)
            .collect();
        different.sort_by_key(ReactonRef::name);
        different
    }

    /// The number of reactons in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store had not met any reacton.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Entry {
    fn differs(&self, other: Option<&Self>) -> bool {
        match other {
            Some(other) if self.value.is_same_allocation(&other.value) => false,
            Some(other) => !self.source.same_held(&self.value, &other.value),
            None => {
                let initial = self.source.initial();
                initial.is_none_or(|initial| !self.source.same_held(&self.value, &initial))
            }
        }
    }
}

impl fmt::Debug for StoreSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.values().map(|entry| entry.rref)).finish()
    }
}

impl ReactonStore {
    /// What this store holds now; inside a batch with the batch's own writes.
    ///
    /// # Panics
    /// Inside an [`update`](Self::update) that has a value lent to it, as a read of that value does: the snapshot would lack
    /// it, and a [`restore`](Self::restore) reset it. Take the snapshot before.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{Reacton, ReactonStore};
    /// # static COUNT: Reacton<u32> = Reacton::<u32>::__new("doc::COUNT", || 0);
    /// let store = ReactonStore::new();
    /// store.set(&COUNT, 1);
    /// let before = store.snapshot();
    /// store.set(&COUNT, 2);
    /// assert_eq!(before.diff(&store.snapshot()), [COUNT.reacton_ref()]);
    /// store.restore(&before);
    /// assert_eq!(store.get(&COUNT), 1);
    /// ```
    #[track_caller]
    pub fn snapshot(&self) -> StoreSnapshot {
        self.refuse_if_lent();
        let graph = self.graph_ref();
        let entries = graph.declared_sources().filter_map(|(_, address, cell)| {
            let source = cell.body.source()?.clone();
            let rref = source.head()?.rref;
            let value = cell.value.clone()?;
            Some((rref.id(), Entry { rref, source, address, counted: cell.counted, value }))
        });
        StoreSnapshot { entries: entries.collect() }
    }

    #[track_caller]
    fn refuse_if_lent(&self) {
        let words = {
            let mut graph = self.graph();
            let lent = graph.declared_sources().find(|(_, _, cell)| cell.value.is_none());
            let Some((lent, _, _)) = lent else { return };
            // What is running now runs again when the value is back.
            graph.miss(lent);
            graph.track_in_innermost_run(lent);
            let name = graph.name(lent);
            format!(
                "a snapshot was taken inside an `update` of `{name}`, which has its value: take the snapshot before"
            )
        };
        panic!("{words}")
    }

    /// Returns to what `snapshot` holds, as one transaction. A reacton that is not in it gets its initial value.
    ///
    /// Inside an [`update`](Self::update) the edited value comes last, as after a [`set`](Self::set) there.
    ///
    /// # Panics
    /// As [`set`](Self::set) does.
    pub fn restore(&self, snapshot: &StoreSnapshot) {
        if self.is_over() {
            return;
        }
        self.batch(|store| {
            for entry in snapshot.entries.values() {
                store.restore_one(entry);
            }
            for (cell, source) in store.absent_from(snapshot) {
                if let Some(initial) = source.initial() {
                    store.write_held(cell, &*source, initial);
                }
            }
        });
    }

    fn restore_one(&self, entry: &Entry) {
        let found = self.graph().find(entry.rref.id(), entry.address);
        match found {
            Found::Cell(cell) => self.write_held(cell, &*entry.source, entry.value.clone()),
            // Met for the first time: nobody can have heard of another value.
            Found::Missing => {
                let mut graph = self.graph();
                let body = Body::Source(entry.source.clone());
                let cell = graph.add(body, Some(entry.value.clone()), entry.counted);
                graph.declare(entry.rref.id(), entry.address, cell);
            }
            Found::Twin(_) => {}
        }
    }

    fn absent_from(&self, snapshot: &StoreSnapshot) -> Vec<(CellId, Known)> {
        let graph = self.graph_ref();
        let absent = graph.declared_sources().filter_map(|(id, _, cell)| {
            let source = cell.body.source()?;
            let held = snapshot.entries.contains_key(&source.head()?.rref.id());
            (!held).then(|| (id, source.clone()))
        });
        absent.collect()
    }

    fn write_held(&self, id: CellId, source: &dyn Source, value: Value) {
        let old = self.graph_ref().cell(id).and_then(|cell| cell.value.clone());
        let same = old.as_ref().is_some_and(|old| source.same_held(old, &value));
        let mut graph = self.graph();
        graph.remember(id);
        if same {
            return;
        }
        let displaced = graph.put(id, value);
        graph.changed(id);
        drop(graph);
        drop(displaced);
    }
}
