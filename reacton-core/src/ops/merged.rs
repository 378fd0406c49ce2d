//! Writes of values that are made of entries: each notes what it has touched, and the commit finds out what came out changed.

use std::panic::resume_unwind;

use crate::graph::{CellId, Graph, Record, SourceRef};
use crate::panics::{FirstPanic, guarded, keeping};
use crate::store::ReactonStore;
use crate::value::Value;

/// A value that was taken out of its cell to be edited.
pub(super) struct Taken {
    value: Value,
    version: u64,
    arc_backed: bool,
    source: SourceRef,
}

/// What there is to be edited in a cell that is written entry by entry.
pub(super) enum Editing {
    Value(Taken),
    /// The program may not write it.
    Refused,
    /// It is lent to another edit.
    Lent,
}

impl ReactonStore {
    /// Edits a value in place; one that something else holds is cloned first. `None` if the program may not write it.
    pub(super) fn edit_merged<T: Clone + 'static, U>(
        &self,
        id: CellId,
        editing: Editing,
        f: impl FnOnce(&mut T) -> U,
    ) -> Option<U> {
        let mut taken = match editing {
            Editing::Value(taken) => taken,
            Editing::Refused => return None,
            Editing::Lent => {
                // Refuses the read.
                self.fetch(id, None);
                return None;
            }
        };
        let source = taken.source.clone();
        let merged = source.merged().expect("only a source of entries is taken");
        let mut panics = FirstPanic::NONE;
        // The clone is user code, and so is what an edit calls.
        let result = guarded(|| {
            let value = taken.own::<T>();
            merged.begin(self, value);
            f(value)
        });
        let touched = match taken.value.get_mut::<T>() {
            Some(value) => merged.settle(self, value, &mut panics),
            None => false,
        };
        let displaced = self.graph().put_back(id, taken, touched);
        panics.guard(|| self.release(id, move || drop(displaced)));
        match result {
            Ok(result) => Some(keeping(result, |_| panics.resume()).0),
            Err(payload) => {
                panics.forget();
                resume_unwind(payload)
            }
        }
    }

    /// Edits a value that is written entry by entry. Does nothing if the program may not write it.
    pub(crate) fn edit_entries<T: Clone + 'static>(&self, id: CellId, f: impl FnOnce(&mut T)) {
        self.batch(|store| {
            let editing = store.graph().take_merged(id);
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

    /// As [`commit`](Self::commit) finds out for other values, whether one that is written entry by entry came out as it was; `None` if
    /// the record is of another value.
    #[inline]
    pub(super) fn commit_merged(&self, record: &Record, panics: &mut FirstPanic) -> Option<bool> {
        let source = self.graph_ref().merged(record.cell)?;
        let merged = source.merged()?;
        let mut compared = FirstPanic::NONE;
        let same = panics.guard(|| merged.commit(&mut compared)).unwrap_or(false);
        panics.keep(compared.take());
        Some(same && !record.announced)
    }
}

impl Taken {
    /// The value, which nothing else holds.
    fn own<T: Clone + 'static>(&mut self) -> &mut T {
        if self.value.get_mut::<T>().is_none() {
            let held = self.value.get::<T>().expect("a cell holds values of its reacton's type");
            self.value = Value::in_form(held.clone(), self.arc_backed);
        }
        self.value.get_mut().expect("it was just made")
    }
}

impl Graph {
    /// Takes a value out to be edited, if it is written entry by entry.
    pub(super) fn take_merged(&mut self, id: CellId) -> Option<Editing> {
        let cell = self.cell_mut(id).filter(|cell| cell.writes.is_merged())?;
        if cell.writes.is_refused() {
            return Some(Editing::Refused);
        }
        let (version, arc_backed) = (cell.version, cell.arc_backed);
        let source = cell.body.source()?.clone();
        Some(match cell.value.take() {
            Some(value) => Editing::Value(Taken { value, version, arc_backed, source }),
            None => Editing::Lent,
        })
    }

    /// Puts a value back. What is returned may run user code when it is dropped.
    fn put_back(&mut self, id: CellId, taken: Taken, touched: bool) -> Option<Value> {
        if touched {
            self.note_edit(id);
        }
        let displaced = self.put(id, taken.value);
        if touched {
            self.changed(id);
        } else if self.cell(id).is_some_and(|cell| cell.version != taken.version) {
            // A read was refused meanwhile.
            self.changed_to(id, taken.version);
        }
        displaced
    }
}
