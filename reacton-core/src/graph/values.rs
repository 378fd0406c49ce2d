//! The values of cells: read, written, and what a change of one marks.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use super::{CellId, Graph, Mark, NONE, RunStamp, SourceRef};
use crate::value::{Scalar, Value};

/// A value that was replaced, or the value that came too late.
pub(crate) type Displaced<T> = (Option<T>, Option<Value>);

/// What a write needs to know of a cell.
pub(crate) struct Compared {
    pub(crate) old: Option<Value>,
    pub(crate) source: Option<SourceRef>,
    pub(crate) watched: bool,
    /// It is the first write of a member.
    pub(crate) first: bool,
}

impl Graph {
    /// The value of `id`, noted as read by the run.
    pub(crate) fn take_note(&mut self, id: CellId, run: Option<RunStamp>) -> Option<Value> {
        let value = self.cell(id)?.value.clone();
        if let Some(stamp) = run {
            self.track(stamp, id);
        }
        value
    }

    /// The same for a scalar; `None` unless it is there and up to date.
    // Of a known type: the tag and the number are loaded as they were stored. A copy of the whole would load across both, which
    // has to wait until the stores are done.
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

    /// The same for anything else.
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

    /// Puts a value into a cell, which counts as written. What comes back may run user code when it is dropped: the value that was there,
    /// or this one if the cell is gone.
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

    /// The value of `id` was read while it was lent to an `update`: its readers have to look again when it
    /// is back, though it may come back unchanged.
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

    /// The value of `cell` is another one now: everything downstream has to look.
    pub(crate) fn changed(&mut self, id: CellId) {
        let version = self.next_version();
        self.changed_to(id, version);
    }

    /// The same outside of a transaction: the version that it had does not come back.
    pub(crate) fn changed_for_good(&mut self, id: CellId) {
        let version = self.next_version();
        self.set_version(id, version, true);
    }

    /// A computed has come out other than it was. Whatever reads it is marked already: it was itself.
    pub(crate) fn mark_recomputed(&mut self, id: CellId, version: Option<u64>) {
        let version = version.unwrap_or_else(|| self.next_version());
        if let Some(cell) = self.cell_mut(id) {
            cell.version = version;
            cell.mark = Mark::Clean;
        }
    }

    /// The value of `cell` is the one that had this version before.
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

    /// What a write of a cell needs to know of it. The cell is kept from then on. `None` if it is not written.
    #[inline]
    pub(crate) fn compared(&mut self, id: CellId) -> Option<Compared> {
        let cell = self.cell_mut(id).filter(|cell| !cell.writes.is_refused())?;
        let first = cell.begin_write();
        let (old, source) = (cell.value.clone(), cell.body.source().cloned());
        Some(Compared { old, source, watched: !cell.watchers.is_empty(), first })
    }

    /// Puts a value into a cell, in place if nothing else holds the old one, and marks everything downstream.
    /// What comes back may run user code when it is dropped.
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

    /// The same for a value that stands in `new`: then the one that it displaces does, or is returned.
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

    /// Keeps the values of `id` in an `Arc` from now on; `held` in this one, if the cell still holds it.
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
