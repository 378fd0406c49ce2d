//! The end of cells and of a whole graph: what they hold is the user's, and each drop of it may panic.

use super::{Body, Cell, CellId, Graph, Known};
use crate::panics::FirstPanic;
use crate::value::Value;

/// A drop that is to happen later, and the cell that held the value.
pub(crate) struct Deferred {
    pub(crate) cell: CellId,
    /// Called to drop the value, or dropped with the same effect.
    pub(crate) drop: Box<dyn FnOnce()>,
}

/// Drops what the cells held, each whatever the drops of the others do.
pub(crate) fn drop_cells(mut cells: Vec<Cell>) -> FirstPanic {
    let mut first = FirstPanic::NONE;
    let mut at = 0;
    first.guard_rest(|| {
        while let Some(cell) = cells.get_mut(at) {
            // Each is dropped where it stands, and is gone even if its drop panics.
            if let Some(Value::Counted(_)) = cell.value {
                cell.value = None;
            }
            at += 1;
            if !matches!(cell.body, Body::Vacant | Body::Source(Known::Plain(_))) {
                cell.body = Body::Vacant;
            }
        }
    });
    first
}

impl Graph {
    /// Drops all that is left, each whatever the drops of the others do.
    pub(crate) fn drop_all(self) -> FirstPanic {
        let Self { cells, displaced, deferred, abandoned, records, ownership, .. } = self;
        let mut first = drop_cells(cells);
        first.drop_each(displaced);
        first.drop_each(records.into_values());
        first.drop_each(deferred.into_iter().chain(abandoned));
        first.drop_each(ownership.into_cleanups());
        first
    }
}
