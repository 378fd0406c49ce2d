//! The removal of reactons: by the program, or because no reader is left.

use crate::graph::CellId;
use crate::graph::{Ending, drop_cells};
use crate::panics::{FirstPanic, Kept};
use crate::reacton::access::Readable;
use crate::reacton::access::sealed::Place;
use crate::store::ReactonStore;

impl ReactonStore {
    /// Removes `reacton` from this store: its value, its edges and the subscriptions to it. The next read of a static
    /// returns its initial value.
    ///
    /// Effects that read it continue, and no longer depend on it. If it is shared with an isolate, this is also a write
    /// of its initial value, which is sent to the other stores. A member of a shared family is removed there, too.
    ///
    /// # Panics
    /// If it is a local of another store, or was removed before. If its direction in a shared list (`in` or `out`)
    /// forbids this store to write it.
    #[track_caller]
    pub fn remove(&self, reacton: &impl Readable) {
        let Some(Place(id)) = reacton.found(self) else { return };
        self.refuse_if_refused(id);
        let (watched, running) = match self.graph_ref().cell(id) {
            Some(cell) => (!cell.watchers.is_empty(), cell.running),
            None => return,
        };
        let merged = self.graph_ref().merged(id);
        // A computed that removes itself goes on running: its cell has to stay to be found if it reads itself.
        let mut panics = FirstPanic::default();
        if watched || running {
            let taken = self.graph().forget_readers(id);
            panics.guard(|| self.release(id, move || drop_cells(taken).resume()));
        } else {
            panics.guard(|| self.end(id));
        }
        if let Some(source) = &merged
            && let Some(merged) = source.merged()
        {
            merged.ended(self, &mut panics);
        }
        panics.guard(|| {
            let is_shared = self.graph_ref().is_shared_member(id);
            if self.graph_ref().holds_shared_member(id)
                || watched && !is_shared && self.is_member(id)
            {
                // It counts as never written when this is committed.
                self.batch(|store| {
                    store.write(id, Kept::new(reacton.absent(store)));
                    store.graph().end_member(id);
                });
            } else if watched && !is_shared {
                self.write(id, Kept::new(reacton.absent(self)));
            } else {
                self.flush_observers();
            }
        });
        panics.resume();
    }

    fn is_member(&self, id: CellId) -> bool {
        self.graph_ref().cell(id).is_some_and(|cell| cell.body.member().is_some())
    }

    /// Removes a cell once the queued observers have been called.
    pub(crate) fn end_cell(&self, cell: CellId) {
        self.graph().ending.push(Ending::LastValue(cell));
        self.flush_observers();
    }

    /// Removes the cells whose observers have been called for the last time, and members without a value or a reader.
    pub(crate) fn end_cells(&self, first: &mut FirstPanic) {
        while let Some(cell) = { self.graph().next_ending() } {
            first.keep(self.end_guarded(cell).take());
        }
    }
}
