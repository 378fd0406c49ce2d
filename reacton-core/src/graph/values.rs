//! The values of cells: reads, writes, and what a change marks.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use super::{CellId, Graph, Mark, NONE, RunStamp, SourceRef};
use crate::value::{Scalar, Value};

/// The replaced value, or the new one if its cell is gone.
pub(crate) type Displaced<T> = (Option<T>, Option<Value>);

/// What a write has to know about a cell.
pub(crate) struct Compared {
    pub(crate) old: Option<Value>,
    pub(crate) source: Option<SourceRef>,
    pub(crate) watched: bool,
    /// It is the first write of a member.
    pub(crate) first: bool,
}

impl Graph {
    /// The value of `id`. The run, if any, depends on it from now on.
    pub(crate) fn take_note(&mut self, id: CellId, run: Option<RunStamp>) -> Option<Value> {
        let value = self.cell(id)?.value.clone();
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        value
    }

    /// As `take_note`, for a scalar; `None` unless it exists and is up to date. The type is known, so tag and number
    /// are loaded as they were stored. A copy of the whole would load across both and wait for the stores.
    #[inline]
    pub(crate) fn read_scalar<T: 'static>(
        &mut self,
        id: CellId,
        run: Option<RunStamp>,
    ) -> Option<Scalar> {
        let cell = self.cell(id)?;
        if cell.mark != Mark::Clean || cell.running {
            return None;
        }
        let Some(Value::Scalar(scalar)) = &cell.value else { return None };
        let scalar = Scalar::new(scalar.get::<T>()?)?;
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        Some(scalar)
    }

    /// As `take_note`, for a value that is no scalar.
    #[inline]
    pub(crate) fn read_shared(&mut self, id: CellId, run: Option<RunStamp>) -> Option<Rc<dyn Any>> {
        let cell = self.cell(id)?;
        let Some(Value::Shared(shared)) = &cell.value else { return None };
        if cell.mark != Mark::Clean || cell.running {
            return None;
        }
        let shared = Rc::clone(shared);
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        Some(shared)
    }

    /// The value of a cell in place, if nothing else holds it.
    #[inline]
    pub(crate) fn value_mut<T: 'static>(&mut self, id: CellId) -> Option<&mut T> {
        self.cell_mut(id)?.value.as_mut()?.get_mut()
    }

    /// Stores a value, which counts as written. Dropping the result, which is the old value, or the new one if the cell
    /// is gone, may run user code.
    #[must_use = "user code may run when this is dropped"]
    pub(crate) fn put(&mut self, id: CellId, value: Value) -> Option<Value> {
        match self.cell_mut(id) {
            Some(cell) => {
                cell.keep_written();
                cell.value.replace(value)
            }
            None => Some(value),
        }
    }

    /// Called when `id` was read while an `update` borrowed its value: its readers have to check again when the value
    /// is back, even if it is unchanged.
    pub(crate) fn miss(&mut self, id: CellId) {
        let version = self.next_version();
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
        }
    }

    pub(crate) fn next_version(&mut self) -> u64 {
        self.versions += 1;
        self.versions
    }

    /// Called when the value of `cell` has changed: marks everything downstream.
    pub(crate) fn changed(&mut self, id: CellId) {
        let version = self.next_version();
        self.changed_to(id, version);
    }

    /// As `changed`, outside of a transaction: the old version cannot come back.
    pub(crate) fn changed_for_good(&mut self, id: CellId) {
        let version = self.next_version();
        self.set_version(id, version, true);
    }

    /// Called when a computed has a new result. Its readers are already marked, because it was marked itself.
    pub(crate) fn mark_recomputed(&mut self, id: CellId, version: Option<u64>) {
        let version = version.unwrap_or_else(|| self.next_version());
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
            cell.mark = Mark::Clean;
        }
    }

    /// Called when `cell` has got back the value that had this version.
    pub(crate) fn changed_to(&mut self, id: CellId, version: u64) {
        self.set_version(id, version, false);
    }

    fn set_version(&mut self, id: CellId, version: u64, for_good: bool) {
        self.topology_epoch += u64::from(!self.frames.is_empty());
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
            if cell.first_reader != NONE {
                self.mark_readers(id.index(), for_good);
            }
        }
    }

    /// Returns what a write has to know about a cell, which is then kept. `None` if the program does not write it, or not as a
    /// whole.
    #[inline]
    pub(crate) fn compared(&mut self, id: CellId) -> Option<Compared> {
        let cell = self.cell_mut(id).filter(|cell| cell.writes.is_whole())?;
        let first = cell.begin_write();
        let (old, source) = (cell.value.clone(), cell.body.source().cloned());
        Some(Compared { old, source, watched: !cell.watchers.is_empty(), first })
    }

    /// Stores a value, in place if nothing else holds the old one, and marks everything downstream. Dropping the result
    /// may run user code.
    pub(crate) fn replace<T: 'static>(
        &mut self,
        id: CellId,
        value: T,
        is_change: bool,
    ) -> Displaced<T> {
        let mut place = Some(value);
        let displaced = self.swap(id, &mut place, is_change);
        (place, displaced)
    }

    /// As `replace`, with the value in `new`. The old value is left there, or returned.
    pub(crate) fn swap<T: 'static>(
        &mut self,
        id: CellId,
        new: &mut Option<T>,
        is_change: bool,
    ) -> Option<Value> {
        let cell = self.cell_mut(id)?;
        cell.keep_written();
        let mut displaced = None;
        if let Some(old) = cell.value.as_mut().and_then(Value::get_mut::<T>) {
            if let Some(new) = new {
                std::mem::swap(old, new);
            }
        } else if let Some(new) = new.take() {
            displaced = cell.value.replace(Value::in_form(new, cell.arc_backed));
        }
        if is_change {
            self.changed(id);
        }
        displaced
    }

    /// Keeps the values of `id` in an `Arc` from now on, and `held` in this one if the cell still holds it.
    pub(crate) fn make_arc_backed<T: 'static>(
        &mut self,
        id: CellId,
        held: &Value,
        arc: Arc<T>,
    ) -> Option<Value> {
        let cell = self.cell_mut(id)?;
        cell.arc_backed = true;
        if cell.value.as_ref().is_some_and(|value| value.is_same_allocation(held)) {
            cell.value.replace(Value::new(arc))
        } else {
            None
        }
    }
}
