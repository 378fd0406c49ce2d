//! Ownership: what an effect or a computed makes while it runs belongs to it, and ends when it runs again or ends.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::derive::Payload;
use crate::graph::{CellId, Graph, Run};
use crate::store::ReactonStore;

type Cleanup = Box<dyn FnOnce()>;

/// What one effect or computed has made in its last run.
#[derive(Default)]
struct Belongings {
    cells: Vec<CellId>,
    cleanups: Vec<Cleanup>,
}

/// Who owns what. Kept beside the cells, because few of them own anything.
#[derive(Default)]
pub(crate) struct Ownership {
    belongings: HashMap<CellId, Belongings>,
}

impl Graph {
    /// Gives a new cell to whoever is running.
    #[inline]
    pub(crate) fn adopt(&mut self, cell: CellId) {
        if let Some(owner) = self.running.last().map(|run| run.cell) {
            self.give(owner, cell);
        }
    }

    fn give(&mut self, owner: CellId, cell: CellId) {
        if let Some(belongings) = self.belongings(owner) {
            belongings.cells.push(cell);
        }
    }

    /// Whether `owner` has made something in its last run.
    pub(crate) fn owns(&self, owner: CellId) -> bool {
        self.cell(owner).is_some_and(|cell| cell.owns)
    }

    /// `None` if the owner has ended.
    fn belongings(&mut self, owner: CellId) -> Option<&mut Belongings> {
        self.cell_mut(owner)?.owns = true;
        Some(self.ownership.belongings.entry(owner).or_default())
    }

    fn take_belongings(&mut self, owner: CellId) -> Option<Belongings> {
        let cell = self.cell_mut(owner)?;
        if !std::mem::replace(&mut cell.owns, false) {
            return None;
        }
        self.ownership.belongings.remove(&owner)
    }

    /// The cleanups of everything, when all of it ends.
    pub(crate) fn take_cleanups(&mut self) -> Vec<Cleanup> {
        let ownership = std::mem::take(&mut self.ownership);
        ownership.belongings.into_values().flat_map(|belongings| belongings.cleanups).collect()
    }
}

impl ReactonStore {
    /// Calls `cleanup` before `owner` runs again, or when it ends; at once if it has ended.
    pub(crate) fn clean_up_after(&self, owner: CellId, cleanup: Cleanup) {
        if let Some(belongings) = self.graph().belongings(owner) {
            belongings.cleanups.push(cleanup);
            return;
        }
        cleanup();
    }

    /// Ends a cell and all that belongs to it, the innermost first. The first panic of a cleanup goes on when
    /// everything has ended.
    pub(crate) fn end(&self, cell: CellId) {
        if let Some(payload) = self.end_quietly(cell) {
            resume_unwind(payload);
        }
    }

    fn end_quietly(&self, cell: CellId) -> Option<Payload> {
        let first = self.end_belongings(cell);
        let taken = self.graph().take_out(cell);
        drop(taken);
        first
    }

    /// Ends what `owner` has made in its last run. Gives the first panic of a cleanup.
    pub(crate) fn end_belongings(&self, owner: CellId) -> Option<Payload> {
        let belongings = self.graph().take_belongings(owner)?;
        // What a cleanup makes belongs to nobody.
        self.graph().running.push(Run::OF_NOBODY);
        let mut first = None;
        for cell in belongings.cells {
            first = first.or(self.end_quietly(cell));
        }
        first = first.or(call_all(belongings.cleanups));
        self.graph().running.pop();
        first
    }
}

/// Calls all of them, whatever one of them does. Gives the first panic.
pub(crate) fn call_all(cleanups: Vec<Cleanup>) -> Option<Payload> {
    let mut first = None;
    for cleanup in cleanups {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(cleanup)) {
            first.get_or_insert(payload);
        }
    }
    first
}
