//! Writes of numbers, `bool` and `char`: no user code compares or drops them, so one borrow of the graph is enough.

use super::{CellId, Graph, Special};
use crate::value::{Scalar, Value};

/// The outcome of writing a scalar.
pub(crate) enum ScalarWrite {
    /// Nothing to do: equal, or part of an open transaction.
    Silent,
    Committed,
    /// To be reported to the extensions.
    Watched,
}

impl Graph {
    /// Replaces a scalar in one borrow. `None` for any other cell. The type is known, so a value that was just stored
    /// in parts is not loaded as a whole, which would wait for the stores.
    #[inline]
    pub(crate) fn write_scalar<T: 'static>(
        &mut self,
        id: CellId,
        new: &T,
        open: bool,
    ) -> Option<ScalarWrite> {
        let now = Scalar::new(new)?;
        let (cell, records) = self.cell_and_records(id)?;
        let watched = !cell.watchers.is_empty();
        let Some(Value::Scalar(old)) = &cell.value else { return None };
        let same = cell.writes.same_written(old, new)?;
        cell.special = Special::Nothing;
        if open && (watched || !same) {
            records.note_scalar::<T>(id, cell);
        }
        if same {
            return Some(ScalarWrite::Silent);
        }
        if let Some(Value::Scalar(old)) = &mut cell.value {
            *old = now;
        }
        if open {
            self.changed(id);
            return Some(ScalarWrite::Silent);
        }
        self.changed_for_good(id);
        Some(if watched { ScalarWrite::Watched } else { ScalarWrite::Committed })
    }

    /// As part of the open transaction, replaces a scalar of any type. Returns `false` and does nothing for any other
    /// cell.
    pub(crate) fn write_scalar_in_batch(&mut self, id: CellId, new: Scalar) -> bool {
        let Some(cell) = self.cell_mut(id).filter(|cell| !cell.writes.is_refused()) else {
            return false;
        };
        let Some(Value::Scalar(old)) = cell.value else { return false };
        let Some(same) = cell.writes.same_scalar(old, new) else { return false };
        cell.keep_written();
        if !cell.watchers.is_empty() || !same {
            self.remember(id);
        }
        if !same {
            drop(self.put(id, Value::Scalar(new)));
            self.changed(id);
        }
        true
    }
}
