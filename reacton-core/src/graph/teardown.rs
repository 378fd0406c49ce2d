//! The end of cells and of a whole graph: what they hold is the user's, and each drop of it may panic.

use std::mem;

use super::{Body, Cell, CellId, Graph, SourceRef};
use crate::panics::FirstPanic;
use crate::value::Value;

/// A drop that is to happen later, and the cell that held the value.
pub(crate) struct Deferred {
    pub(crate) cell: CellId,
    /// Called to drop the value, or dropped with the same effect.
    pub(crate) drop: Box<dyn FnOnce()>,
}

/// Drops what the cells held, each whatever the drops of the others do.
pub(crate) fn drop_cells(cells: Vec<Cell>) -> FirstPanic {
    let mut first = FirstPanic::NONE;
    let mut cells = cells.into_iter();
    // Stands here while the value of its cell is dropped: it is dropped too if that panics.
    let mut body = Body::Vacant;
    first.guard_rest(|| {
        body = Body::Vacant;
        for Cell { value, body: its_body, .. } in cells.by_ref() {
            let Some(Value::Shared(value)) = value else {
                drop_body(its_body);
                continue;
            };
            body = its_body;
            drop(value);
            drop_body(mem::replace(&mut body, Body::Vacant));
        }
    });
    first
}

/// Drops what is not known to do nothing: shorter than a drop that looks at each case.
#[inline]
fn drop_body(body: Body) {
    if matches!(body, Body::Vacant | Body::Source(SourceRef::Plain(_))) {
        mem::forget(body);
    }
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
