//! Snapshots: the values of a store at one moment, to read, compare and restore.

use std::fmt;

use crate::graph::table::Table;
use crate::graph::{Body, CellId, Found, LastToken, SourceOps, SourceRef, Token};
use crate::id::ReactonRef;
use crate::panics::{FirstPanic, Kept};
use crate::reacton::access::Readable;
use crate::store::ReactonStore;
use crate::store::code::Merged;
use crate::value::Value;

/// The values of the reactons of a store at one moment. It holds no computeds, because they follow from the other
/// values, and no locals, because they belong to the code that made them. Of a family it holds the members that were
/// written.
///
/// Taking a snapshot copies no value: it increments a reference count for each.
#[derive(Clone)]
pub struct StoreSnapshot {
    entries: Table<SnapshotEntry>,
}

#[derive(Clone)]
struct SnapshotEntry {
    of: DeclaredSource,
    value: Value,
}

/// A source that was declared, as any store finds or makes it.
#[derive(Clone)]
pub(crate) struct DeclaredSource {
    pub(crate) rref: ReactonRef,
    pub(crate) source: SourceRef,
    address: usize,
    pub(crate) token: Token,
    arc_backed: bool,
}

impl StoreSnapshot {
    /// The value of `reacton` in this snapshot; `None` if the store had not used it.
    pub fn get<R: Readable>(&self, reacton: &R) -> Option<&R::Value> {
        let is = |entry: &SnapshotEntry| {
            reacton.is(entry.of.address, entry.of.source.member().map(|member| member.key))
        };
        self.entries.find(reacton.id()?, is)?.value.get()
    }

    /// The reactons whose values differ between the two snapshots, sorted by name. A reacton that a store had not used
    /// counts with its initial value.
    pub fn diff(&self, other: &Self) -> Vec<ReactonRef> {
        let mut different: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.differs(other.entry_of(entry)))
            .chain(
                other
                    .entries
                    .iter()
                    .filter(|entry| self.entry_of(entry).is_none() && entry.differs(None)),
            )
            .map(|entry| entry.of.rref)
            .collect();
        different.sort_by_key(ReactonRef::name);
        different
    }

    /// The entry in this snapshot for the reacton of `entry`.
    fn entry_of(&self, entry: &SnapshotEntry) -> Option<&SnapshotEntry> {
        self.entries
            .find(entry.of.rref.id(), |other| other.of.is_of(entry.of.address, &entry.of.source))
    }

    /// The number of reactons in it.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the store had not used any reacton.
    pub fn is_empty(&self) -> bool {
        self.entries.len() == 0
    }
}

impl DeclaredSource {
    /// Whether it belongs to the reacton that the static at `address` declares, with the operations `source`.
    fn is_of(&self, address: usize, source: &SourceRef) -> bool {
        self.address == address
            && (self.source.is(source)
                || source.member().is_none_or(|member| self.source.is_key(member.key)))
    }

    /// Whether two values are equal; `None` stands for a reacton that was never written, which has its initial value.
    pub(crate) fn are_same(&self, one: Option<&Value>, other: Option<&Value>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => {
                one.is_same_allocation(other) || self.source.same_held(one, other)
            }
            (None, None) => true,
            (Some(value), None) | (None, Some(value)) => {
                let initial = Kept::of(self.source.initial());
                initial.get().is_some_and(|initial| self.source.same_held(value, initial))
            }
        }
    }
}

impl SnapshotEntry {
    fn differs(&self, other: Option<&Self>) -> bool {
        !self.of.are_same(Some(&self.value), other.map(|other| &other.value))
    }
}

impl fmt::Debug for StoreSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.iter().map(|entry| entry.of.rref)).finish()
    }
}

impl ReactonStore {
    /// A snapshot of this store. Inside a batch it includes the writes of the batch.
    ///
    /// # Panics
    /// Inside the closure of an [`update`](Self::update) to which a value is lent: the snapshot would lack this value,
    /// and [`restore`](Self::restore) would reset it. Take the snapshot before the `update`.
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
        let found = graph.declared_sources().filter_map(|(entry, cell)| {
            let source = cell.body.source()?.clone();
            let rref = source.head()?.rref;
            let value = cell.value.clone()?;
            let (address, token) = (entry.address, entry.token);
            let of = DeclaredSource { rref, source, address, token, arc_backed: cell.arc_backed };
            Some(SnapshotEntry { of, value })
        });
        let mut entries = Table::default();
        entries.reserve(graph.declarations());
        found.for_each(|entry| entries.insert(entry.of.rref.id(), entry));
        StoreSnapshot { entries }
    }

    /// Panics while a value is lent to an `update`: a snapshot would lack it.
    #[track_caller]
    pub(crate) fn refuse_if_lent(&self) {
        let words = {
            let mut graph = self.graph();
            let lent = graph.declared_sources().find(|(_, cell)| cell.value.is_none());
            let Some(lent) = lent.map(|(entry, _)| entry.cell) else { return };
            // A computed that panics because of this runs again when the value is back. An effect does not become
            // dependent: it may itself be the writer, and would then run for ever.
            graph.miss(lent);
            graph.track_in_innermost_computed(lent);
            let name = graph.name(lent);
            format!(
                "a snapshot was taken inside an `update` of `{name}`, which has its value: take the snapshot before"
            )
        };
        panic!("{words}")
    }

    /// Sets every reacton to its value in `snapshot`, as one transaction. A reacton that is not in the snapshot is set
    /// to its initial value. A reacton that this store must not write, because of its direction in a shared list, is
    /// skipped.
    ///
    /// Inside the closure of an [`update`](Self::update), the edited value replaces the restored one, as after a
    /// [`set`](Self::set) there.
    ///
    /// # Panics
    /// As [`set`](Self::set) does. A value that cannot be compared, because its comparison panics, is restored and counts as
    /// changed.
    pub fn restore(&self, snapshot: &StoreSnapshot) {
        if self.is_ended() {
            return;
        }
        self.batch(|store| {
            let mut panics = FirstPanic::NONE;
            for entry in snapshot.entries.iter() {
                store.restore_one(entry, &mut panics);
            }
            for (cell, source) in store.absent_from(snapshot, &mut panics) {
                if let Some(initial) = panics.guard(|| source.initial()).flatten() {
                    store.write_initial(cell, &*source, initial, &mut panics);
                }
            }
            panics.resume();
        });
    }

    fn restore_one(&self, entry: &SnapshotEntry, panics: &mut FirstPanic) {
        let Some(found) = panics.guard(|| self.find_source(&entry.of)) else { return };
        // The comparison of keys is user code, and may have disposed the store.
        if self.is_ended() {
            return;
        }
        match found {
            Found::Cell(cell) => {
                self.write_back(cell, &*entry.of.source, &entry.value, panics);
            }
            // New in this store: no observer can have seen another value.
            Found::Missing => {
                let fresh = entry.of.source.merged().map(Merged::fresh);
                let source = fresh.unwrap_or_else(|| entry.of.source.clone());
                let value = entry.value.clone();
                let mut graph = self.graph();
                if source.member().is_some() {
                    let cell = graph.add_member(Body::Source(source), Some(value), true);
                    if let Some(cell) = cell.filter(|cell| graph.is_shared_member(*cell)) {
                        // Other stores do not have it.
                        graph.count_as_change(cell);
                    }
                } else {
                    let cell = graph.add(Body::Source(source), Some(value), entry.of.arc_backed);
                    graph.declare(entry.of.rref.id(), entry.of.address, cell);
                }
            }
            Found::Duplicate(_) => {}
        }
    }

    fn find_source(&self, of: &DeclaredSource) -> Found {
        let (id, address) = (of.rref.id(), of.address);
        if let Some(cell) = { self.graph().find_exactly(id, address, of.token) } {
            return Found::Cell(cell);
        }
        let Some(member) = of.source.member() else { return self.graph().find(id, address) };
        if let Some(cell) = self.find_member(id, address, member.key, false, &LastToken::none()) {
            return Found::Cell(cell);
        }
        let duplicate = self.graph_ref().duplicate_of_family(member.family.rref.id(), address);
        duplicate.map_or(Found::Missing, Found::Duplicate)
    }

    /// How any store finds the source in this cell; `None` if it was not declared.
    pub(crate) fn declared_source(&self, id: CellId) -> Option<DeclaredSource> {
        let graph = self.graph_ref();
        let cell = graph.cell(id)?;
        let (source, arc_backed) = (cell.body.source()?.clone(), cell.arc_backed);
        let rref = source.head()?.rref;
        let entry = graph.entry_of(rref.id(), id)?;
        let (address, token) = (entry.address, entry.token);
        Some(DeclaredSource { rref, source, address, token, arc_backed })
    }

    /// Writes a value that a source had; `None` stands for a member that was never written.
    pub(crate) fn put_back(
        &self,
        of: &DeclaredSource,
        value: Option<&Value>,
        panics: &mut FirstPanic,
    ) {
        let Some(found) = panics.guard(|| self.find_source(of)) else { return };
        if self.is_ended() {
            return;
        }
        let source = &*of.source;
        let mut initial = || panics.guard(|| source.initial()).flatten();
        match (found, value) {
            (Found::Cell(cell), Some(value)) => self.write_back(cell, source, value, panics),
            (Found::Cell(cell), None) => {
                if let Some(initial) = initial() {
                    self.write_initial(cell, source, initial, panics);
                }
            }
            (Found::Missing, Some(value)) if source.member().is_some() => {
                let Some(initial) = initial() else { return };
                let body = Body::Source(of.source.clone());
                let added = { self.graph().add_member(body, Some(initial), false) };
                if let Some(cell) = added {
                    self.write_back(cell, source, value, panics);
                }
            }
            (Found::Missing | Found::Duplicate(_), _) => {}
        }
    }

    /// What this store holds and `snapshot` does not.
    fn absent_from(
        &self,
        snapshot: &StoreSnapshot,
        panics: &mut FirstPanic,
    ) -> Vec<(CellId, SourceRef)> {
        let unmatched: Vec<_> = {
            let graph = self.graph_ref();
            let sources = graph.declared_sources().filter_map(|(here, cell)| {
                // Most belong to this very cell, so their keys need not be compared.
                let is = |entry: &SnapshotEntry| {
                    entry.of.token == here.token && entry.of.address == here.address
                };
                let held = snapshot.entries.find(here.id, is).is_some();
                if held {
                    None
                } else {
                    Some((here.cell, here.address, cell.body.source()?.clone()))
                }
            });
            sources.collect()
        };
        // Comparing keys is user code, so the borrow of the graph ends first.
        let absent = unmatched.into_iter().filter(|(_, address, source)| {
            let Some(head) = source.head() else { return false };
            let mut entries = snapshot.entries.of(head.rref.id());
            // A duplicate has its own value, so this one stays unchanged.
            match source.member() {
                // If the key cannot be compared, the value stays unchanged.
                Some(_) => panics
                    .guard(|| !entries.any(|entry| entry.of.is_of(*address, source)))
                    .unwrap_or(false),
                None => !entries.any(|entry| entry.of.source.member().is_none()),
            }
        });
        absent.map(|(id, _, source)| (id, source)).collect()
    }

    /// Writes a value that the reacton had.
    fn write_back(
        &self,
        cell: CellId,
        source: &dyn SourceOps,
        value: &Value,
        panics: &mut FirstPanic,
    ) {
        if self.graph_ref().begins_entry(cell) {
            self.graph().count_as_change(cell);
        }
        self.write_held(cell, source, value.clone(), panics);
    }

    /// Writes the initial value of a reacton. A member counts as never written afterwards.
    pub(super) fn write_initial(
        &self,
        id: CellId,
        source: &dyn SourceOps,
        initial: Value,
        panics: &mut FirstPanic,
    ) {
        self.write_held(id, source, initial, panics);
        if source.member().is_some() {
            self.graph().end_member(id);
        }
    }

    /// Writes the value even if user code panics.
    fn write_held(
        &self,
        id: CellId,
        source: &dyn SourceOps,
        value: Value,
        panics: &mut FirstPanic,
    ) {
        if let Value::Scalar(scalar) = value
            && self.graph().write_scalar_in_batch(id, scalar)
        {
            return;
        }
        let merged = self.graph_ref().merged(id).filter(|_| !self.graph_ref().is_refused(id));
        if let Some(merged) = merged {
            panics.guard(|| {
                merged.merged().into_iter().for_each(|merged| merged.restore(self, id, &value));
            });
            panics.guard(|| self.release(id, move || drop(value)));
            return;
        }
        let old = match self.graph().cell_mut(id) {
            Some(cell) if cell.writes.is_refused() => None,
            Some(cell) => {
                cell.keep_written();
                Some(cell.value.clone())
            }
            None => Some(None),
        };
        let Some(old) = old else {
            // A value that only another store writes stays unchanged.
            panics.guard(|| self.release(id, move || drop(value)));
            return;
        };
        let same = old
            .as_ref()
            .is_some_and(|old| panics.guard(|| source.same_held(old, &value)).unwrap_or(false));
        let mut graph = self.graph();
        graph.remember(id);
        let displaced = if same {
            value
        } else {
            let displaced = graph.put(id, value);
            graph.changed(id);
            displaced.unwrap_or(Value::NONE)
        };
        drop(graph);
        panics.guard(|| self.release(id, move || drop((old, displaced))));
    }
}
