//! The runs of computeds: how a run begins and ends, and which value or panic it stores.

use std::cell::RefCell;
use std::rc::Rc;

use super::{Body, CellId, Graph, Mark, RunStamp};
use crate::panics::{PanicPayload, panic_message};
use crate::store::code::Derive;
use crate::value::Value;

/// Stored instead of a value: the computation panicked, and so does every read until a source changes.
pub(crate) struct Panicked {
    /// The payload itself, for the first reader, because it cannot be cloned.
    payload: RefCell<Option<PanicPayload>>,
    message: String,
}

impl Panicked {
    fn value(payload: PanicPayload) -> Value {
        let message = panic_message(&*payload);
        Value::new(Self { payload: RefCell::new(Some(payload)), message })
    }

    pub(crate) fn payload(&self) -> PanicPayload {
        self.payload.borrow_mut().take().unwrap_or_else(|| Box::new(self.message.clone()))
    }
}

impl Graph {
    #[inline]
    pub(crate) fn begin_computed(&mut self, id: CellId) -> Option<(RunStamp, Rc<dyn Derive>)> {
        let (stamp, cell) = self.begin(id, |cell| matches!(cell.body, Body::Derived(_)))?;
        match &cell.body {
            Body::Derived(derived) => Some((stamp, Rc::clone(derived))),
            _ => None,
        }
    }

    /// Ends a run of a computed. Returns whether its cell still exists.
    #[inline]
    pub(crate) fn end_computed(&mut self, id: CellId) -> bool {
        let cell = self.finish(id);
        let alive = cell.is_some();
        if let Some(cell) = cell {
            // Otherwise a computed that writes to what it reads would run for ever.
            cell.mark = Mark::Clean;
        }
        self.close_cycles(id);
        alive
    }

    pub(crate) fn has_panicked(&self, id: CellId) -> bool {
        let value = self.cell(id).and_then(|cell| cell.value.as_ref());
        value.is_some_and(|value| value.get::<Panicked>().is_some())
    }

    #[cold]
    pub(crate) fn store_panic(&mut self, id: CellId, payload: PanicPayload, open: bool) {
        self.store_result(id, Panicked::value(payload), None, open);
    }

    /// Stores the value of a computed; `version` is the one that it had before, if any. A transaction remembers the
    /// value from before it, so that a computed that returns to it counts as unchanged.
    pub(crate) fn store_result(
        &mut self,
        id: CellId,
        new: Value,
        version: Option<u64>,
        open: bool,
    ) {
        let Some(cell) = self.cell_mut(id) else {
            self.displaced.push(new);
            return;
        };
        if let Some(old) = cell.value.replace(new) {
            if open {
                self.remember_derived(id, old.clone());
            }
            if let Value::Shared(_) = old {
                self.displaced.push(old);
            }
        }
        self.mark_recomputed(id, version);
    }
}
