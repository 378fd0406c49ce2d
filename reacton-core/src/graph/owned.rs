//! Ownership: the cells and cleanups that an effect or a computed created in its last run, or a scope in its closure.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;

use super::{Body, Cell, CellId, Graph};
use crate::panics::FirstPanic;
use crate::value::Value;

pub(crate) type Cleanup = Box<dyn FnOnce()>;

/// For this many owners, the last to end, the description is kept for messages.
const ENDED_OWNERS: usize = 128;

/// For this many cells, the last to be removed with the run that made them, the owner is kept for messages.
const REMOVED_CELLS: usize = 1024;

/// What one effect or computed created in its last run.
#[derive(Default)]
pub(crate) struct Belongings {
    pub(crate) cells: Vec<CellId>,
    pub(crate) cleanups: Vec<Cleanup>,
    /// Grows with each; at the end of the store, cleanups are called in this order.
    number: u64,
}

/// What each owner created. Kept beside the cells, because few of them own anything.
#[derive(Default)]
pub(crate) struct Ownership {
    belongings: HashMap<CellId, Belongings, BuildHasherDefault<Spread>>,
    /// The owners that ended last, for messages.
    ended: VecDeque<(CellId, Owner)>,
    /// The cells that were last removed with the run that made them, each with its owner.
    removed: VecDeque<(CellId, CellId)>,
    /// The number that was assigned last.
    belongings_made: u64,
}

/// Hashes a [`CellId`]: one multiplication, which spreads the number over the upper bits. The library assigns the ids
/// itself.
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

/// The name in messages of an effect or a computed that owned something.
#[derive(Clone)]
pub(crate) enum Owner {
    Effect(&'static Location<'static>),
    Computed(String),
    Scope(&'static Location<'static>),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Effect(made_at) => write!(f, "the effect made at {made_at}"),
            Self::Computed(name) => f.write_str(name),
            Self::Scope(made_at) => write!(f, "the scope made at {made_at}"),
        }
    }
}

impl Graph {
    /// Makes the running effect, computed or scope the owner of a new cell.
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

    /// Whether `owner` created something in its last run.
    pub(crate) fn owns(&self, owner: CellId) -> bool {
        self.cell(owner).is_some_and(Cell::is_owner)
    }

    /// `None` if the owner has ended.
    pub(crate) fn belongings(&mut self, owner: CellId) -> Option<&mut Belongings> {
        self.cell_mut(owner)?.set_owner(true);
        let Ownership { belongings, belongings_made, .. } = &mut self.ownership;
        Some(belongings.entry(owner).or_insert_with(|| {
            *belongings_made += 1;
            Belongings { number: *belongings_made, ..Belongings::default() }
        }))
    }

    pub(crate) fn take_belongings(&mut self, owner: CellId) -> Option<Belongings> {
        let cell = self.cell_mut(owner)?;
        if !cell.is_owner() {
            return None;
        }
        cell.set_owner(false);
        let belongings = self.ownership.belongings.remove(&owner)?;
        self.ownership.note_removed(&belongings.cells, owner);
        Some(belongings)
    }

    pub(crate) fn owner(&self, owner: CellId) -> Option<Owner> {
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
            Body::Scope => match cell.value {
                Some(Value::MadeAt(made_at)) => Some(Owner::Scope(made_at)),
                _ => None,
            },
            Body::Vacant | Body::Source(_) | Body::Listener(_) => None,
        }
    }

    /// Keeps the description of a cell that ends, if it created something in one of its runs.
    pub(crate) fn remember_owner(&mut self, id: CellId) {
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

    /// The reason in a message if `cell` was removed because the run that made it is over.
    pub(crate) fn removed_with_its_run(&self, cell: CellId) -> Option<String> {
        let mut removed = self.ownership.removed.iter().rev();
        let (_, owner) = *removed.find(|(removed, _)| *removed == cell)?;
        let (by, end) = if let Some(by) = self.owner(owner) {
            (by, "has run again")
        } else {
            let (_, by) = self.ownership.ended.iter().find(|(ended, _)| *ended == owner)?;
            (by.clone(), "has ended")
        };
        if let Owner::Scope(_) = by {
            return Some(format!(
                "it was made in {by}, which {end}, and what a scope makes is removed with it; make it outside of the scope, or in \
                 `untracked_root`"
            ));
        }
        Some(format!(
            "it was made in a run of {by}, which {end}, and what a run makes is removed with it; make it outside of the \
             run, or in `untracked_root`"
        ))
    }

    /// Takes all cleanups, when the store ends.
    pub(crate) fn take_cleanups(&mut self) -> Vec<Cleanup> {
        std::mem::take(&mut self.ownership).into_cleanups().collect()
    }
}

impl Ownership {
    /// The cleanups, ordered by when their owners first created something in their last run.
    pub(crate) fn into_cleanups(self) -> impl Iterator<Item = Cleanup> {
        let mut belongings: Vec<_> = self.belongings.into_values().collect();
        belongings.sort_unstable_by_key(|belongings| belongings.number);
        belongings.into_iter().flat_map(|belongings| belongings.cleanups)
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

/// Calls all cleanups, even if one panics.
pub(crate) fn call_each(first: &mut FirstPanic, cleanups: Vec<Cleanup>) {
    for cleanup in cleanups {
        first.guard(cleanup);
    }
}
