//! The extension that records: what the reactons of all histories of a store hold, and what a commit has made of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::{Rc, Weak};

use super::Inner;
use super::change::Change;
use super::steps::Step;
use crate::graph::{CellId, HeldBy, Role, Written};
use crate::id::RefId;
use crate::panics::FirstPanic;
use crate::reacton::group::GroupPlace;
use crate::store::ReactonStore;
use crate::store::extension::Extension;
use crate::value::Value;

/// What one history records, by the id of the reacton or the family. A cell stays as long as it is recorded.
pub(super) struct Subjects(Vec<(RefId, GroupPlace)>);

impl Subjects {
    pub(super) fn of(store: &ReactonStore, places: Vec<GroupPlace>) -> Self {
        let graph = store.graph_ref();
        let id = |place: &GroupPlace| match place {
            GroupPlace::Cell(cell) => Some(graph.cell(*cell)?.body.head()?.rref.id()),
            GroupPlace::Family(family, _) => Some(family.rref.id()),
        };
        let found = places.into_iter().filter_map(|place| Some((id(&place)?, place)));
        let mut subjects: Vec<_> = found.collect();
        subjects.sort_unstable_by_key(|(id, _)| *id);
        Self(subjects)
    }

    fn contain(&self, id: RefId) -> bool {
        self.0.binary_search_by_key(&id, |(id, _)| *id).is_ok()
    }
}

/// What a recorded reacton holds, as of the last transaction.
struct Last {
    value: Value,
    version: u64,
}

/// What a reacton held before; `None` for a member that was not written.
struct Before(Option<Value>);

/// All histories of a store.
#[derive(Default)]
pub(super) struct Recorder {
    histories: RefCell<Vec<Weak<Inner>>>,
    /// Of each cell whose values are recorded as a whole. A member that was never written has no entry.
    last: RefCell<HashMap<CellId, Last>>,
    /// The cells that were looked at in the open batch.
    noted_open: RefCell<Vec<CellId>>,
}

/// Which value of a cell is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AsOf {
    /// The last commit.
    Commit,
    /// The open batch.
    Now,
}

impl Recorder {
    /// Adds a history, which records from now on.
    pub(super) fn add(&self, store: &ReactonStore, history: &Rc<Inner>) {
        // What the open batch has written until now is for the others only.
        Self::collect_open(store);
        self.histories.borrow_mut().push(Rc::downgrade(history));
        for (_, place) in &history.subjects.0 {
            store.watch_for_history(*place, true);
            for cell in store.cells_at(*place) {
                if !store.record_entries(cell, true) {
                    let displaced = self.note(store, cell, AsOf::Now);
                    store.release(cell, move || drop(displaced));
                }
            }
        }
    }

    /// A history with these subjects has ended.
    pub(super) fn leave(store: &ReactonStore, subjects: &Subjects) {
        let Some(recorder) = store.extension_of::<Self>() else { return };
        let others = recorder.histories();
        for (id, place) in &subjects.0 {
            if others.iter().any(|other| other.subjects.contain(*id)) {
                continue;
            }
            store.watch_for_history(*place, false);
            for cell in store.cells_at(*place) {
                store.record_entries(cell, false);
                let displaced = recorder.last.borrow_mut().remove(&cell);
                store.release(cell, move || drop(displaced.map(|last| last.value)));
            }
        }
        if others.is_empty() {
            store.detach(Role::History);
        }
    }

    fn histories(&self) -> Vec<Rc<Inner>> {
        let mut histories = self.histories.borrow_mut();
        histories.retain(|history| history.strong_count() > 0);
        histories.iter().filter_map(Weak::upgrade).collect()
    }

    /// Records what the open batch has written until now.
    pub(super) fn collect_open(store: &ReactonStore) {
        let Some(recorder) = store.extension_of::<Self>() else { return };
        if !store.phase().is_open() {
            return;
        }
        let cells = { store.graph_ref().open_cells_for(Role::History) };
        let mut panics = FirstPanic::NONE;
        recorder.collect(store, cells, None, &mut panics);
        panics.resume();
    }

    /// Notes what has become of what a step of `history` has put back; for the other histories that is a transaction like any other.
    pub(super) fn collect_replayed(
        store: &ReactonStore,
        step: &Step,
        history: &Rc<Inner>,
        panics: &mut FirstPanic,
    ) {
        let Some(recorder) = store.extension_of::<Self>() else { return };
        let cells: Vec<_> = {
            let graph = store.graph_ref();
            step.changes().iter().flat_map(|change| graph.cells_of(change.key().0)).collect()
        };
        recorder.collect(store, cells, Some(history), panics);
    }

    /// Records what the open batch has made of these cells.
    fn collect(
        &self,
        store: &ReactonStore,
        cells: Vec<CellId>,
        except: Option<&Rc<Inner>>,
        panics: &mut FirstPanic,
    ) {
        let changes = cells.iter();
        let changes = changes.filter_map(|cell| self.change(store, *cell, AsOf::Now, panics));
        let changes: Vec<_> = changes.collect();
        self.noted_open.borrow_mut().extend(cells);
        self.record(store, &changes, except);
    }

    /// What the store's own writes have made of a cell since the last time, if anything.
    fn change(
        &self,
        store: &ReactonStore,
        cell: CellId,
        as_of: AsOf,
        panics: &mut FirstPanic,
    ) -> Option<Change> {
        let (merged, is_recorded) = {
            let graph = store.graph_ref();
            let is_recorded =
                graph.cell(cell).is_some_and(|cell| cell.watchers.contains(Role::History));
            (graph.merged(cell), is_recorded)
        };
        if !is_recorded {
            return None;
        }
        if let Some(merged) = merged.as_ref().and_then(|source| source.merged())
            && merged.has_entries()
        {
            let touched = merged.take_touched(panics)?;
            return Some(Change::of_entries(store.declared_source(cell)?, cell, touched));
        }
        let Before(before) = self.note(store, cell, as_of)?;
        let after = self.last.borrow().get(&cell).map(|last| last.value.clone());
        let of = store.declared_source(cell)?;
        let are_same = || of.source.is_compared() && of.are_same(before.as_ref(), after.as_ref());
        if panics.guard(are_same) == Some(true) {
            store.release(cell, move || drop((before, after)));
            return None;
        }
        Some(Change::of_values(of, cell, before, after))
    }

    /// Notes what a cell holds. Returns what it held the last time, if that was something else.
    fn note(&self, store: &ReactonStore, cell: CellId, as_of: AsOf) -> Option<Before> {
        let now = store.graph_ref().held_by(cell, as_of == AsOf::Commit)?;
        let mut last = self.last.borrow_mut();
        let version = last.get(&cell).map(|last| last.version);
        let before = match now {
            HeldBy::Value(_, now) if version == Some(now) => return None,
            HeldBy::Nothing if version.is_none() => return None,
            HeldBy::Value(value, version) => last.insert(cell, Last { value, version }),
            HeldBy::Nothing => last.remove(&cell),
        };
        Some(Before(before.map(|last| last.value)))
    }

    /// Forgets members that the program has removed. If one held its initial value, its removal was no change, so no commit was reported.
    fn forget_ended(&self, store: &ReactonStore) {
        let ended = std::mem::take(&mut store.graph().ended_recorded);
        for cell in ended {
            let last = self.last.borrow_mut().remove(&cell);
            store.release(CellId::NONE, move || drop(last.map(|last| last.value)));
        }
    }

    /// Adds to each history its part of what was written.
    fn record(&self, store: &ReactonStore, changes: &[Change], except: Option<&Rc<Inner>>) {
        if changes.is_empty() {
            return;
        }
        for history in self.histories() {
            if except.is_some_and(|except| Rc::ptr_eq(except, &history)) {
                continue;
            }
            let is_its = |change: &&Change| history.subjects.contain(change.subject());
            let its: Vec<_> = changes.iter().filter(is_its).cloned().collect();
            if !its.is_empty() {
                history.record(store, its);
            }
        }
    }
}

impl Extension for Recorder {
    fn role(&self) -> Role {
        Role::History
    }

    fn committed(&self, store: &ReactonStore, written: &[Written]) {
        self.forget_ended(store);
        let mut panics = FirstPanic::NONE;
        // Also what came out equal: it differs from what was noted in the middle of the batch.
        let changes = written
            .iter()
            .filter_map(|write| self.change(store, write.cell, AsOf::Commit, &mut panics));
        self.record(store, &changes.collect::<Vec<_>>(), None);
        panics.resume();
    }

    fn installed(&self, store: &ReactonStore, written: &[Written]) {
        self.forget_ended(store);
        for cell in written.iter().map(|write| write.cell) {
            if !store.has_entries(cell) {
                let displaced = self.note(store, cell, AsOf::Commit);
                store.release(cell, move || drop(displaced));
            }
        }
    }

    fn batch_ended(&self, store: &ReactonStore) {
        self.forget_ended(store);
        let noted = self.noted_open.take();
        if noted.is_empty() {
            return;
        }
        // If nothing has come of the batch, no commit was reported.
        let mut panics = FirstPanic::NONE;
        let changes = noted.into_iter();
        let changes =
            changes.filter_map(|cell| self.change(store, cell, AsOf::Commit, &mut panics));
        self.record(store, &changes.collect::<Vec<_>>(), None);
        panics.resume();
    }

    fn disposed(&self) {
        let mut panics = FirstPanic::NONE;
        let last = std::mem::take(&mut *self.last.borrow_mut());
        panics.drop_each(last.into_values().map(|last| last.value));
        for history in self.histories() {
            panics.drop_each(history.steps.clear().into_iter().flat_map(Step::into_changes));
        }
        panics.resume();
    }
}
