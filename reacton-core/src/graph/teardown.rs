//! The end of cells and of the whole graph. The contents belong to the user, and each drop may panic.

use std::mem;

use super::{Body, Cell, CellId, Graph, SourceRef};
use crate::panics::FirstPanic;
use crate::value::Value;

/// A postponed drop, and the cell that held the value.
pub(crate) struct Deferred {
    pub(crate) cell: CellId,
    /// Drops the value when called; dropping it has the same effect.
    pub(crate) drop: Box<dyn FnOnce()>,
}

/// Drops the contents of the cells, even if one of the drops panics.
pub(crate) fn drop_cells(cells: Vec<Cell>) -> FirstPanic {
    let mut first = FirstPanic::NONE;
    let mut cells = cells.into_iter();
    // Declared first, so that it is dropped even if dropping the value panics.
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

/// Drops a body only if that does something: faster than the generated drop, which checks every case.
#[inline]
fn drop_body(body: Body) {
    if matches!(body, Body::Vacant | Body::Source(SourceRef::Plain(_))) {
        mem::forget(body);
    }
}

impl Graph {
    /// Drops everything that is left, even if one of the drops panics.
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
