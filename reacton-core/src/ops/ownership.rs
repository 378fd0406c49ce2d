//! Ownership: an effect or a computed owns what its run creates. All of it is removed before the next run, and when the
//! owner ends. No run owns what is created in an untracked root.

use crate::graph::{Belongings, CellId, Cleanup, Run, drop_cells};
use crate::panics::FirstPanic;
use crate::store::ReactonStore;

impl ReactonStore {
    /// Calls `cleanup` before `owner` runs again, or when it ends; at once if it has ended.
    pub(crate) fn clean_up_after(&self, owner: CellId, cleanup: Cleanup) {
        if let Some(belongings) = self.graph().belongings(owner) {
            belongings.cleanups.push(cleanup);
            return;
        }
        cleanup();
    }

    /// Calls `f`. No run owns what `f` makes: it lives until the program ends it, or until the store ends.
    ///
    /// What an effect or a computed makes in a run is removed before the next run. Use this function for what must live
    /// longer, such as an entry of a cache. Reads with the store that is passed to `f` are not tracked.
    ///
    /// # Examples
    /// ```
    /// # use reacton_core::{LocalReacton, ReactonStore};
    /// # use std::{cell::Cell, rc::Rc};
    /// let store = ReactonStore::new();
    /// let (go, made) = (store.reacton(1), Rc::new(Cell::new(None::<LocalReacton<i32>>)));
    /// let slot = Rc::clone(&made);
    /// store.effect(move |cx| {
    ///     let n = cx.get(&go);
    ///     if slot.get().is_none() {
    ///         slot.set(Some(cx.untracked_root(|store| store.reacton(n))));
    ///     }
    /// });
    /// store.set(&go, 2); // runs again; the local is not removed
    /// assert_eq!(made.get().map(|local| store.get(&local)), Some(1));
    /// ```
    pub fn untracked_root<U>(&self, f: impl FnOnce(&Self) -> U) -> U {
        struct EndRoot<'s>(&'s ReactonStore);

        impl Drop for EndRoot<'_> {
            fn drop(&mut self) {
                self.0.graph().running.pop();
            }
        }

        self.graph().running.push(Run::UNOWNED);
        let _end = EndRoot(self);
        f(self)
    }

    /// Removes a cell and everything that it owns, innermost first, then calls the observers of what this has written.
    /// The first panic of a cleanup, a drop or an observer is resumed at the end, unless the thread already unwinds.
    pub(crate) fn end(&self, cell: CellId) {
        let mut first = self.end_guarded(cell);
        first.keep(self.notify_observers().take());
        first.resume();
    }

    /// Removes a cell and everything that it owns. The caller calls the observers afterwards, because the cells to be
    /// removed may be observers.
    pub(crate) fn end_guarded(&self, cell: CellId) -> FirstPanic {
        if self.graph_ref().owns(cell) {
            let mut first = FirstPanic::NONE;
            self.end_guarded_by(&mut first, |first| {
                self.end_each(vec![End::Owner(cell, 0)], first);
            });
            return first;
        }
        let mut first = FirstPanic::NONE;
        self.phase().notifying(|| first.guard(|| self.take_out(cell)));
        first
    }

    /// Removes a cell that owns nothing any more, and drops its contents.
    fn take_out(&self, cell: CellId) {
        let taken = {
            let mut graph = self.graph();
            graph.remember_owner(cell);
            graph.take_out(cell)
        };
        self.release(cell, move || drop_cells(taken).resume());
    }

    /// Removes what `owner` created in its last run, and what that owns. Returns the first panic. The caller calls the
    /// observers, as after [`end_guarded`](Self::end_guarded).
    pub(crate) fn end_belongings(&self, owner: CellId) -> FirstPanic {
        let belongings = self.graph().take_belongings(owner);
        let mut first = FirstPanic::NONE;
        if let Some(belongings) = belongings {
            self.end_guarded_by(&mut first, |first| {
                for cell in belongings.cells {
                    self.end_one(cell, first);
                }
                self.clean_up(first, belongings.cleanups);
            });
        }
        first
    }

    /// Calls `end`, which removes cells and calls cleanups, and keeps the first panic.
    fn end_guarded_by(&self, first: &mut FirstPanic, end: impl FnOnce(&mut FirstPanic)) {
        // Cells that a cleanup creates have no owner.
        self.graph().running.push(Run::UNOWNED);
        self.phase().notifying(|| end(first));
        self.graph().running.pop();
    }

    /// Removes a cell and everything that it owns.
    fn end_one(&self, cell: CellId, first: &mut FirstPanic) {
        if self.graph_ref().owns(cell) {
            self.end_each(vec![End::Owner(cell, 0)], first);
        } else {
            first.guard(|| self.take_out(cell));
        }
    }

    // A list, not recursion, because effects may be nested to any depth.
    fn end_each(&self, mut ends: Vec<End>, first: &mut FirstPanic) {
        while let Some(end) = ends.pop() {
            match end {
                End::Owner(cell, _) if !self.graph_ref().owns(cell) => {
                    first.guard(|| self.take_out(cell));
                }
                End::Owner(cell, times) => {
                    let belongings = self.graph().take_belongings(cell).unwrap_or_default();
                    if times < self.phase().limit() {
                        // A cleanup may read a computed, which then runs again and may own something again.
                        ends.push(End::Owner(cell, times + 1));
                        ends.append(&mut belongings.into_ends());
                    } else {
                        first.guard(|| self.refuse_cleanups(cell, times));
                        first.drop_each(belongings.cleanups);
                        ends.push(End::Cell(cell));
                        ends.extend(belongings.cells.into_iter().map(|cell| End::Owner(cell, 0)));
                    }
                }
                End::Cell(cell) => {
                    first.guard(|| self.take_out(cell));
                }
                End::Cleanups(cleanups) => self.clean_up(first, cleanups),
            }
        }
    }

    /// Calls all cleanups, even if one panics. A cleanup may remove cells with cleanups, and so on.
    fn clean_up(&self, first: &mut FirstPanic, cleanups: Vec<Cleanup>) {
        for cleanup in cleanups {
            let mut cleanup = Some(cleanup);
            let run = &mut || {
                if let Some(cleanup) = cleanup.take() {
                    cleanup();
                }
            };
            first.keep(self.run_nested(run).err());
            if cleanup.is_some() {
                // It could not be called, because there was no stack left.
                first.guard(|| cleanup = None);
            }
        }
    }

    #[cold]
    fn refuse_cleanups(&self, cell: CellId, times: u32) {
        let owner = self.graph_ref().owner(cell).map(|owner| owner.to_string());
        panic!(
            "cleanups never settle: after {times} in a row a cleanup still makes {} run; do not read in a cleanup what it \
             belongs to",
            owner.unwrap_or_default(),
        );
    }
}

/// One step of a removal.
enum End {
    /// Remove a cell with everything that it owns, which has been removed this many times.
    Owner(CellId, u32),
    /// Remove a cell without a check of what it owns.
    Cell(CellId),
    Cleanups(Vec<Cleanup>),
}

impl Belongings {
    /// The steps of the removal, the first one last: each cell with what it owns, then the cleanups.
    fn into_ends(self) -> Vec<End> {
        let mut ends = Vec::with_capacity(self.cells.len() + 1);
        ends.push(End::Cleanups(self.cleanups));
        ends.extend(self.cells.into_iter().rev().map(|cell| End::Owner(cell, 0)));
        ends
    }
}
