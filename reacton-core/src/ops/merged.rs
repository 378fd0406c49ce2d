//! Writes of collections: each records the entries that it has written, and the commit determines which have changed.

use std::panic::resume_unwind;
use std::thread;

use crate::graph::{Cell, CellId, Graph, Record, Role, SourceRef, Written};
use crate::id::RefId;
use crate::panics::{FirstPanic, guarded, keeping};
use crate::store::ReactonStore;
use crate::value::Value;

/// A value that was taken out of its cell to be edited.
pub(super) struct Taken {
    value: Value,
    version: u64,
    arc_backed: bool,
    /// Whether the edits are sent to other stores.
    shares: bool,
    source: SourceRef,
}

/// The value of a cell that is written entry by entry, or the reason why it cannot be edited.
pub(super) enum Editing {
    Value(Taken),
    /// The program may not write it.
    Refused,
    /// It is lent to another edit.
    Lent,
}

impl ReactonStore {
    /// Edits a value in place, or a clone if something else holds it. `None` if the program may not write it.
    pub(super) fn edit_merged<T: Clone + 'static, U>(
        &self,
        id: CellId,
        editing: Editing,
        f: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let taken = match editing {
            Editing::Value(taken) => taken,
            Editing::Refused => return None,
            Editing::Lent => {
                // Refuses the read.
                self.fetch(id, None);
                return None;
            }
        };
        let mut panics = FirstPanic::NONE;
        let result = self.edit_taken(id, taken, f, true, &mut panics, |graph, touched| {
            if touched {
                graph.note_edit(id);
            }
            touched
        });
        match result {
            Ok(result) => Some(keeping(result, |_| panics.resume()).0),
            Err(payload) => {
                panics.forget();
                resume_unwind(payload)
            }
        }
    }

    /// Edits a value for this store, if it `is_own`, or joins entries of other stores to it. `note` is called with whether anything
    /// was touched, and returns whether that counts as a change.
    fn edit_taken<T: Clone + 'static, U>(
        &self,
        id: CellId,
        mut taken: Taken,
        f: impl FnOnce(&mut T) -> U,
        is_own: bool,
        panics: &mut FirstPanic,
        note: impl FnOnce(&mut Graph, bool) -> bool,
    ) -> thread::Result<U> {
        let source = taken.source.clone();
        let merged = source.merged().expect("only the source of a collection is taken");
        // The clone is user code, and so are the functions that an edit calls.
        let result = guarded(|| {
            let shares = taken.shares;
            let value = taken.own::<T>();
            merged.begin(self, value, shares);
            f(value)
        });
        let touched = match taken.value.get_mut::<T>() {
            Some(value) if is_own => merged.settle(self, value, panics),
            Some(value) => merged.settle_joined(self, value, panics),
            None => false,
        };
        let displaced = self.graph().put_back(id, taken, touched, note);
        panics.guard(|| self.release(id, move || drop(displaced)));
        result
    }

    /// Joins entries of other stores to a value, as a part of the open transaction. `None` if there is no such cell, or its value is lent.
    pub(crate) fn join_entries<T: Clone + 'static, U>(
        &self,
        id: CellId,
        announced: bool,
        panics: &mut FirstPanic,
        f: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let Some(Editing::Value(taken)) = self.graph().take_merged(id, false) else { return None };
        let result = self.edit_taken(id, taken, f, false, panics, |graph, touched| {
            // This includes values that stay below a write of the open transaction.
            let is_open = graph.cell(id).is_some_and(Cell::is_recorded);
            if touched || announced || is_open {
                graph.note_joined(id, announced);
            }
            touched || announced
        });
        match result {
            Ok(result) => Some(result),
            Err(payload) => {
                panics.keep(Some(payload));
                None
            }
        }
    }

    /// Changes data beside the entries of a value, such as their versions, which no reader sees. Returns `None` in the
    /// same cases as [`join_entries`](Self::join_entries).
    pub(crate) fn amend_entries<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let Some(Editing::Value(mut taken)) = self.graph().take_merged(id, false) else {
            return None;
        };
        let result = guarded(|| f(taken.own::<T>()));
        let displaced = self.graph().put_back(id, taken, false, |_, _| false);
        self.release(id, move || drop(displaced));
        Some(result.unwrap_or_else(|payload| resume_unwind(payload)))
    }

    /// Of the transaction that has written these, no other store learns: what came out as it was counts as not written.
    #[cold]
    pub(super) fn revert_merged(&self, records: &[Record], written: &[Written]) {
        let is_same = |id: RefId| written.iter().any(|write| write.id == id && !write.changed);
        for record in records {
            let source = self.graph_ref().merged(record.cell);
            let head = source.as_ref().and_then(|source| source.head());
            if !head.is_some_and(|head| is_same(head.rref.id())) {
                continue;
            }
            if let Some(merged) = source.as_ref().and_then(|source| source.merged()) {
                merged.revert(self, record.cell);
            }
        }
    }

    /// Called when the value is no longer shared.
    pub(crate) fn forget_removals(&self, id: CellId) {
        let source = self.graph_ref().merged(id);
        if let Some(merged) = source.as_ref().and_then(|source| source.merged()) {
            merged.forget_removals(self, id);
        }
    }

    /// Edits a value that is written entry by entry. Does nothing if the program may not write it.
    pub(crate) fn edit_entries<T: Clone + 'static>(&self, id: CellId, f: impl FnOnce(&mut T)) {
        self.batch(|store| {
            let editing = store.graph().take_merged(id, true);
            if let Some(editing) = editing {
                store.edit_merged(id, editing, f);
            }
        });
    }

    /// Replaces the value of a cell that is written entry by entry. Returns whether there is such a cell that the program may write.
    #[cold]
    pub(super) fn replace_merged<T: 'static>(&self, id: CellId, new: &mut Option<T>) -> bool {
        let source = {
            let graph = self.graph_ref();
            if graph.is_refused(id) { None } else { graph.merged(id) }
        };
        let Some(source) = source else { return false };
        if let Some(merged) = source.merged() {
            merged.replace(self, id, new);
        }
        true
    }

    /// Determines whether a collection is unchanged, as [`commit`](Self::commit) does for other values. `None` if the
    /// record is not of a collection.
    #[inline]
    pub(super) fn commit_merged(&self, record: &Record, panics: &mut FirstPanic) -> Option<bool> {
        if self.graph_ref().is_merged(record.cell) {
            self.commit_entries(record, panics)
        } else {
            None
        }
    }

    #[inline(never)]
    fn commit_entries(&self, record: &Record, panics: &mut FirstPanic) -> Option<bool> {
        let source = self.graph_ref().merged(record.cell)?;
        let merged = source.merged()?;
        let mut compared = FirstPanic::NONE;
        let same = panics.guard(|| merged.commit(&mut compared)).unwrap_or(false);
        panics.keep(compared.take());
        // A value that was both written and joined in one transaction gets a version even if it is unchanged.
        Some(same && !record.announced && !(record.joined && record.edited))
    }
}

impl Taken {
    /// The value; a clone if something else holds it.
    fn own<T: Clone + 'static>(&mut self) -> &mut T {
        if self.value.get_mut::<T>().is_none() {
            let held = self.value.get::<T>().expect("a cell holds values of its reacton's type");
            self.value = Value::in_form(held.clone(), self.arc_backed);
        }
        self.value.get_mut().expect("the value was just created")
    }
}

impl Graph {
    /// Takes a value out of its cell for an edit, by the program or by another store, if it is written entry by entry.
    pub(super) fn take_merged(&mut self, id: CellId, by_program: bool) -> Option<Editing> {
        let cell = self.cell_mut(id).filter(|cell| cell.writes.is_merged())?;
        if by_program && cell.writes.is_refused() {
            return Some(Editing::Refused);
        }
        let (version, arc_backed) = (cell.version, cell.arc_backed);
        let shares = cell.watchers.contains(Role::Links);
        let source = cell.body.source()?.clone();
        Some(match cell.value.take() {
            Some(value) => Editing::Value(Taken { value, version, arc_backed, shares, source }),
            None => Editing::Lent,
        })
    }

    /// Puts a value back. What is returned may run user code when it is dropped.
    fn put_back(
        &mut self,
        id: CellId,
        taken: Taken,
        touched: bool,
        note: impl FnOnce(&mut Self, bool) -> bool,
    ) -> Option<Value> {
        let is_change = note(self, touched);
        let displaced = self.put(id, taken.value);
        if is_change {
            self.changed(id);
        } else if self.cell(id).is_some_and(|cell| cell.version != taken.version) {
            // A read was refused meanwhile.
            self.changed_to(id, taken.version);
        }
        displaced
    }
}
