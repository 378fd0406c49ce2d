//! The work after a transaction: the observers of the next round, and the cells to be removed.

use super::{Body, Cell, CellId, Graph, NONE, RunStamp};
use crate::store::code::{Effect, Listener};
use crate::value::Value;

/// A cell to be removed once the observers have been called.
#[derive(Clone, Copy)]
pub(crate) enum Ending {
    /// It has changed for the last time.
    LastValue(CellId),
    /// A member that was never written, or one of a computed family: removed if nothing reads it by then.
    Unread(CellId),
}

impl Graph {
    /// Moves the queued observers to `round`, in the order in which they were made. `false` if there are none; the
    /// memory of the last round is then kept for the next.
    pub(crate) fn next_round(&mut self, round: &mut Vec<(u64, CellId)>) -> bool {
        round.clear();
        if self.queue.is_empty() {
            if self.queue.capacity() < round.capacity() {
                std::mem::swap(round, &mut self.queue);
            }
            return false;
        }
        std::mem::swap(round, &mut self.queue);
        round.sort_unstable_by_key(|(age, _)| *age);
        true
    }

    /// Begins a run of an effect and takes out its closure. `None` if it is no effect, has ended, is running, or still
    /// owns something from its last run.
    #[inline]
    pub(crate) fn begin_effect(&mut self, id: CellId) -> Option<(RunStamp, Effect)> {
        let is_idle = |cell: &Cell| matches!(cell.body, Body::Effect(Some(_)));
        let (stamp, cell) = self.begin(id, is_idle)?;
        match &mut cell.body {
            Body::Effect(effect) => Some((stamp, effect.take()?)),
            _ => None,
        }
    }

    /// Takes out the closure of a subscription, and the value to call it with.
    pub(crate) fn begin_listener(&mut self, id: CellId) -> Option<(Listener, Option<Value>)> {
        let Body::Listener(f) = &mut self.cell_mut(id)?.body else { return None };
        let f = f.take()?;
        let source = self.see_only_source(id);
        Some((f, source.and_then(|source| self.cell(source)?.value.clone())))
    }

    /// The next cell to remove: one that has changed for the last time, or a member without a value or a reader.
    pub(crate) fn next_ending(&mut self) -> Option<CellId> {
        while let Some(ending) = self.ending.pop() {
            match ending {
                Ending::LastValue(cell) => return Some(cell),
                Ending::Unread(id) => {
                    let is_due = |cell: &Cell| cell.ends_unread() && cell.first_reader == NONE;
                    if self.cell(id).is_some_and(is_due) {
                        return Some(id);
                    }
                }
            }
        }
        None
    }

    /// Whether no observer is queued, no cell is to be removed, and the records of computeds are dropped.
    pub(crate) fn is_flushed(&self) -> bool {
        self.queue.is_empty() && self.ending.is_empty() && !self.records.has_derived()
    }
}
