//! Edits in place: the value is lent to user code and then put back.

use std::mem::needs_drop;
use std::panic::resume_unwind;

use super::lint::Before;
use super::write::Begun;
use crate::graph::RecordKind;
use crate::graph::{CellId, Graph};
use crate::panics::{discard, guarded, keeping};
use crate::reacton::access::sealed::Place;
use crate::reacton::access::{Readable, Writable};
use crate::store::ReactonStore;
use crate::value::{Scalar, Value};

impl ReactonStore {
    /// Edits the value of `reacton` in place, which counts as a change, and returns what `f` returns.
    ///
    /// The value is cloned first only if something else holds it, such as a reader or a snapshot. If `f` writes other
    /// reactons, these writes belong to the same transaction. If `f` sets the same reacton, the edited value replaces
    /// the one that was set.
    ///
    /// In a [`batch`](Self::batch), too, the value is edited in place. Then no copy of the earlier value exists, so the
    /// reacton counts as changed even if the batch ends with an equal value. Plain data (a type that needs no `Drop`)
    /// is an exception: it is copied for the edit, and at the end of a batch it is compared with the value from before
    /// the batch. Other stores still hold the earlier value and compare: their observers are called if the edited value
    /// differs, or if it is [touched](Self::touch).
    ///
    /// # Panics
    /// As [`set`](Self::set) does. If `f` reads the same reacton from the store: its value is lent to `f` meanwhile.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::ReactonStore;
    /// let store = ReactonStore::new();
    /// let list = store.reacton(vec![1]);
    /// let length = store.update(&list, |list| { list.push(2); list.len() });
    /// assert_eq!((length, store.get(&list)), (2, vec![1, 2]));
    /// ```
    #[track_caller]
    pub fn update<R: Readable + Writable, U>(
        &self,
        reacton: &R,
        f: impl FnOnce(&mut R::Value) -> U,
    ) -> U
    where
        R::Value: Clone,
    {
        match reacton.cell(self) {
            Some(place) => {
                let begins_entry = reacton.begins_entry(self, &place);
                let _begun = self.begin_edit(reacton, &place);
                let edited = if begins_entry {
                    self.batch(|store| {
                        store.graph().count_as_change(place.0);
                        store.edit(place.0, |value| (f(value), true))
                    })
                } else {
                    self.edit(place.0, |value| (f(value), true))
                };
                match edited {
                    Some(result) => result,
                    None => self.refuse_edit(place.0),
                }
            }
            None => keeping(reacton.absent(self), f).1,
        }
    }

    /// As [`update`](Self::update), but it is a change only if `f` returns `true`. If `f` returns `false`, it must not
    /// have changed the value.
    ///
    /// # Panics
    /// As [`update`](Self::update) does.
    #[track_caller]
    pub fn update_if<R: Readable + Writable>(
        &self,
        reacton: &R,
        f: impl FnOnce(&mut R::Value) -> bool,
    ) where
        R::Value: Clone,
    {
        let Some(place) = reacton.cell(self) else { return };
        let _begun = self.begin_edit(reacton, &place);
        let edited = self.edit(place.0, |value| {
            let changed = f(value);
            (changed, changed)
        });
        if edited.is_none() {
            self.refuse_edit(place.0);
        }
    }

    #[cold]
    #[track_caller]
    fn refuse_edit(&self, id: CellId) -> ! {
        self.refuse_if_refused(id);
        unreachable!("only a refused edit returns nothing")
    }

    /// Keeps a member while its value is edited, and afterwards if it was written.
    fn begin_edit<R: Readable>(&self, reacton: &R, place: &Place) -> Option<Begun<'_>> {
        reacton.begin_write(self, place).then(|| Begun { store: self, id: place.0 })
    }

    /// Returns `None` and does not call `f` if the program may not write this cell.
    fn edit<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> Option<U> {
        let (open, committing) = (self.phase().is_open(), self.phase().is_committing());
        self.batch(|store| {
            // Plain data is copied, so that `f` may read the reacton itself; a value that owns memory is lent.
            let lent =
                if needs_drop::<T>() { store.graph().lend::<T>(id, committing) } else { None };
            if let Some(lent) = lent {
                return Some(store.edit_lent(id, lent, open, f));
            }
            // Plain data outside of a batch is found out to be such when it is copied.
            if !Scalar::is::<T>() && (needs_drop::<T>() || open) && store.graph_ref().is_merged(id)
            {
                return store.edit_by_entries(id, f);
            }
            if open {
                let mut graph = store.graph();
                if graph.is_refused(id) {
                    return None;
                }
                graph.remember(id);
            }
            store.edit_copy(id, f)
        })
    }

    fn edit_lent<T: 'static, U>(
        &self,
        id: CellId,
        mut lent: Lent,
        open: bool,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> U {
        let place = lent.value.get_mut::<T>().expect("only a value without another holder is lent");
        let before = Before::of(place);
        let result = guarded(|| f(&mut *place));
        let left_equal =
            matches!(result, Ok((_, true))) && before.is_some_and(|before| before.equals(place));
        let displaced = match result {
            Ok((_, false)) => self.graph().take_back_unchanged(id, lent, open),
            _ => self.graph().take_back(id, lent.value),
        };
        if left_equal {
            self.report_equal_update(id);
        }
        let release = || self.release(id, move || drop(displaced));
        match result {
            Ok((result, _)) => keeping(result, |_| release()).0,
            Err(payload) => {
                if let Err(second) = guarded(release) {
                    discard(second);
                }
                resume_unwind(payload)
            }
        }
    }

    /// Edits a value that is written entry by entry.
    #[inline(never)]
    fn edit_by_entries<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> Option<U> {
        let editing = self.graph().take_merged(id, true)?;
        self.edit_merged(id, editing, |value| f(value).0)
    }

    fn edit_copy<T: Clone + 'static, U>(
        &self,
        id: CellId,
        f: impl FnOnce(&mut T) -> (U, bool),
    ) -> Option<U> {
        let held = match self.graph_ref().editable(id) {
            Editable::Value(held) => held,
            Editable::Refused => return None,
            Editable::ByEntries => return self.edit_by_entries(id, f),
            // The value is lent to another edit: the read panics.
            Editable::Nothing => {
                self.fetch(id, None).expect("the cell was found, and no user code has run since")
            }
        };
        let value = self.expect_value::<T>(&held).clone();
        drop(held);
        let before = Before::of(&value);
        let (value, (result, changed)) = keeping(value, f);
        if changed {
            if before.is_some_and(|before| before.equals(&value)) {
                self.report_equal_update(id);
            }
            let displaced = {
                let mut graph = self.graph();
                if needs_drop::<T>() {
                    graph.note_edit(id);
                } else {
                    graph.record(id, None, RecordKind::Source);
                }
                graph.replace(id, value, true)
            };
            return Some(keeping(result, |_| self.release(id, move || drop(displaced))).0);
        }
        Some(result)
    }
}

/// A value that was taken out of its cell, with its version.
struct Lent {
    value: Value,
    version: u64,
}

/// What an edit finds in a cell.
enum Editable {
    Value(Value),
    /// The program may not write it.
    Refused,
    ByEntries,
    /// The cell has no value.
    Nothing,
}

impl Graph {
    /// Returns the value of a source, to be copied for an edit.
    fn editable(&self, id: CellId) -> Editable {
        match self.cell(id) {
            Some(cell) if cell.writes.is_whole() => {
                cell.value.clone().map_or(Editable::Nothing, Editable::Value)
            }
            Some(cell) if cell.writes.is_merged() => Editable::ByEntries,
            Some(_) => Editable::Refused,
            None => Editable::Nothing,
        }
    }

    /// Takes a value out to be edited in place, if nothing else holds it. During a commit, the committed values of
    /// shared reactons stay in their cells.
    fn lend<T: 'static>(&mut self, id: CellId, committing: bool) -> Option<Lent> {
        let cell = self.cell(id).filter(|cell| cell.writes.is_whole())?;
        if committing && !cell.watchers.is_empty() {
            return None;
        }
        let noted = self.release_noted(id);
        let cell = self.cell_mut(id)?;
        let version = cell.version;
        if cell.value.as_mut()?.get_mut::<T>().is_some() {
            return cell.value.take().map(|value| Lent { value, version });
        }
        if noted {
            let before = cell.value.clone();
            self.record_of(id)?.before = before;
        }
        None
    }

    /// Puts back an edited value. Dropping the result may run user code.
    fn take_back(&mut self, id: CellId, value: Value) -> Option<Value> {
        self.note_edit(id);
        let displaced = self.put(id, value);
        self.changed(id);
        displaced
    }

    /// Puts back a value that was not edited. Dropping the result may run user code.
    fn take_back_unchanged(&mut self, id: CellId, lent: Lent, open: bool) -> Option<Value> {
        let Some(cell) = self.cell_mut(id) else { return Some(lent.value) };
        if cell.value.is_some() {
            // The reacton was written meanwhile, and that value stays. The lent value is the one from before.
            return self.note_unedited(id, lent.value, lent.version);
        }
        cell.value = Some(lent.value);
        if cell.version != lent.version {
            // The reacton was read while it was lent, and its readers have to check again.
            self.changed_to(id, lent.version);
        }
        if open {
            self.remember(id);
            if let Some(value) = self.cell(id).and_then(|cell| cell.value.clone()) {
                return self.note_unedited(id, value, lent.version);
            }
        }
        None
    }
}
