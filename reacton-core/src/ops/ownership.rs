//! Ownership: what an effect or a computed makes while it runs belongs to it, and ends when it runs again or ends.
//! What is made in an untracked root belongs to no run.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;

use crate::graph::{Body, Cell, CellId, Graph, Run, drop_cells};
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::value::Value;

type Cleanup = Box<dyn FnOnce()>;

/// Of this many owners that ended last, the description is kept for messages.
const ENDED_OWNERS: usize = 128;

/// Of this many cells that were removed last with the run that had made them, the owner is kept for messages.
const REMOVED_CELLS: usize = 1024;

/// What one effect or computed has made in its last run.
#[derive(Default)]
struct Belongings {
    cells: Vec<CellId>,
    cleanups: Vec<Cleanup>,
}

/// Who owns what. Kept beside the cells, because few of them own anything.
#[derive(Default)]
pub(crate) struct Ownership {
    belongings: HashMap<CellId, Belongings, BuildHasherDefault<Spread>>,
    /// The owners that ended last, so that a message can name them.
    ended: VecDeque<(CellId, Owner)>,
    /// The cells that were removed last with the run that had made them, each with its owner.
    removed: VecDeque<(CellId, CellId)>,
}

/// Hashes a [`CellId`], which the library numbers itself: one multiplication, which spreads the number over the upper bits.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// An effect or a computed that owned something, as a message names it.
#[derive(Clone)]
enum Owner {
    Effect(&'static Location<'static>),
    Computed(String),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect(made_at) => write!(f, "the effect made at {made_at}"),
            Self::Computed(name) => f.write_str(name),
        }
    }
}

impl Graph {
    /// Makes the run that is going on the owner of a new cell.
    #[inline]
    pub(crate) fn add_to_run(&mut self, cell: CellId) {
        if let Some(owner) = self.running.last().map(|run| run.cell) {
            self.add_to(owner, cell);
        }
    }

    fn add_to(&mut self, owner: CellId, cell: CellId) {
        if let Some(belongings) = self.belongings(owner) {
            belongings.cells.push(cell);
        }
    }

    /// Whether `owner` has made something in its last run.
    pub(crate) fn owns(&self, owner: CellId) -> bool {
        self.cell(owner).is_some_and(Cell::is_owner)
    }

    /// `None` if the owner has ended.
    fn belongings(&mut self, owner: CellId) -> Option<&mut Belongings> {
        self.cell_mut(owner)?.set_owner(true);
        Some(self.ownership.belongings.entry(owner).or_default())
    }

    fn take_belongings(&mut self, owner: CellId) -> Option<Belongings> {
        let cell = self.cell_mut(owner)?;
        if !cell.is_owner() {
            return None;
        }
        cell.set_owner(false);
        let belongings = self.ownership.belongings.remove(&owner)?;
        self.ownership.note_removed(&belongings.cells, owner);
        Some(belongings)
    }

    fn owner(&self, owner: CellId) -> Option<Owner> {
        let cell = self.cell(owner)?;
        match &cell.body {
            Body::Effect(_) => match cell.value {
                Some(Value::MadeAt(made_at)) => Some(Owner::Effect(made_at)),
                _ => None,
            },
            Body::Derived(derived) => {
                let name = self.name(owner);
                let is_local = derived.head().is_none();
                let name = if is_local { name.into() } else { format!("the computed `{name}`") };
                Some(Owner::Computed(name))
            }
            Body::Vacant | Body::Source(_) | Body::Hearing(_) => None,
        }
    }

    /// Keeps the description of a cell that ends, if it has made something in one of its runs.
    fn remember_owner(&mut self, id: CellId) {
        if self.cell(id).is_some_and(Cell::has_owned) {
            self.remember_former_owner(id);
        }
    }

    fn remember_former_owner(&mut self, id: CellId) {
        let Some(owner) = self.owner(id) else { return };
        if self.ownership.ended.len() == ENDED_OWNERS {
            self.ownership.ended.pop_front();
        }
        self.ownership.ended.push_back((id, owner));
    }

    /// Why `cell` is gone, if that is because the effect or computed that made it has run again or has ended.
    pub(crate) fn removed_with_its_run(&self, cell: CellId) -> Option<String> {
        let mut removed = self.ownership.removed.iter().rev();
        let (_, owner) = *removed.find(|(removed, _)| *removed == cell)?;
        let (by, end) = if let Some(by) = self.owner(owner) {
            (by, "has run again")
        } else {
            let (_, by) = self.ownership.ended.iter().find(|(ended, _)| *ended == owner)?;
            (by.clone(), "has ended")
        };
        Some(format!(
            "it was made in a run of {by}, which {end}, and what a run makes is removed with it; make it outside of the \
             run, or in `untracked_root`"
        ))
    }

    /// The cleanups of everything, when all of it ends.
    pub(crate) fn take_cleanups(&mut self) -> Vec<Cleanup> {
        std::mem::take(&mut self.ownership).into_cleanups().collect()
    }
}

impl Ownership {
    pub(crate) fn into_cleanups(self) -> impl Iterator<Item = Cleanup> {
        self.belongings.into_values().flat_map(|belongings| belongings.cleanups)
    }

    fn note_removed(&mut self, cells: &[CellId], owner: CellId) {
        for cell in &cells[cells.len().saturating_sub(REMOVED_CELLS)..] {
            if self.removed.len() == REMOVED_CELLS {
                self.removed.pop_front();
            }
            self.removed.push_back((*cell, owner));
        }
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

    /// Calls `f`. No run owns what is made in it: it lives until it is ended, or until the store ends.
    ///
    /// What an effect or a computed makes in a run is removed before the next run; this is for what is to outlive the run,
    /// such as an entry of a cache. Reads by the store that `f` is given are not tracked.
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

        self.graph().running.push(Run::OF_NOBODY);
        let _end = EndRoot(self);
        f(self)
    }

    /// Ends a cell and all that belongs to it, the innermost first, and then calls the observers of what its end has written.
    /// The first panic of a cleanup, a drop or an observer goes on when everything has ended, unless the thread unwinds
    /// already.
    pub(crate) fn end(&self, cell: CellId) {
        let mut first = self.end_guarded(cell);
        first.keep(self.tell().take());
        first.resume();
    }

    /// Ends a cell and all that belongs to it. No observer is called meanwhile, because what ends would be one of them:
    /// the caller does that afterwards.
    pub(crate) fn end_guarded(&self, cell: CellId) -> FirstPanic {
        if self.graph_ref().owns(cell) {
            let mut first = FirstPanic::NONE;
            self.end_guarded_by(&mut first, |first| {
                self.end_each(vec![End::Owner(cell, 0)], first);
            });
            return first;
        }
        let mut first = FirstPanic::NONE;
        self.phase().telling(|| first.guard(|| self.take_out(cell)));
        first
    }

    /// Takes out a cell to which nothing belongs any more, and drops what it held.
    fn take_out(&self, cell: CellId) {
        let taken = {
            let mut graph = self.graph();
            graph.remember_owner(cell);
            graph.take_out(cell)
        };
        self.release(cell, move || drop_cells(taken).resume());
    }

    /// Ends what `owner` has made in its last run, and what was made in the runs of that. Returns the first panic. Observers are
    /// called by the caller, as after [`end_guarded`](Self::end_guarded).
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

    /// Calls `end`, which ends cells and calls cleanups, and keeps the first panic.
    fn end_guarded_by(&self, first: &mut FirstPanic, end: impl FnOnce(&mut FirstPanic)) {
        // What a cleanup makes belongs to nobody.
        self.graph().running.push(Run::OF_NOBODY);
        self.phase().telling(|| end(first));
        self.graph().running.pop();
    }

    /// Ends a cell, with all that belongs to it.
    fn end_one(&self, cell: CellId, first: &mut FirstPanic) {
        if self.graph_ref().owns(cell) {
            self.end_each(vec![End::Owner(cell, 0)], first);
        } else {
            first.guard(|| self.take_out(cell));
        }
    }

    // A list and no recursion: effects may be nested as deep as a program likes.
    fn end_each(&self, mut ends: Vec<End>, first: &mut FirstPanic) {
        while let Some(end) = ends.pop() {
            match end {
                End::Owner(cell, _) if !self.graph_ref().owns(cell) => {
                    first.guard(|| self.take_out(cell));
                }
                End::Owner(cell, times) => {
                    let belongings = self.graph().take_belongings(cell).unwrap_or_default();
                    if times < self.phase().limit() {
                        // A computed that a cleanup reads may run once more, and own something again.
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

    /// Calls all of them, whatever one of them does. A cleanup may end what has a cleanup, and so on.
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
                // There was no stack for it.
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

/// One step of an end.
enum End {
    /// With all that belongs to it, which has been ended so many times.
    Owner(CellId, u32),
    /// Without a look at what belongs to it.
    Cell(CellId),
    Cleanups(Vec<Cleanup>),
}

impl Belongings {
    /// The steps of their end, the first one last: each cell with what belongs to it, then the cleanups.
    fn into_ends(self) -> Vec<End> {
        let mut ends = Vec::with_capacity(self.cells.len() + 1);
        ends.push(End::Cleanups(self.cleanups));
        ends.extend(self.cells.into_iter().rev().map(|cell| End::Owner(cell, 0)));
        ends
    }
}

/// Calls all of them, whatever one of them does.
pub(crate) fn call_each(first: &mut FirstPanic, cleanups: Vec<Cleanup>) {
    for cleanup in cleanups {
        first.guard(cleanup);
    }
}
