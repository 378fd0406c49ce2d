//! Drops of values. A `Drop` is user code and may write, which replaces another value that must be dropped next.

use crate::graph::{CellId, Deferred};
use crate::panics::FirstPanic;
use crate::store::{ReactonStore, names};
use crate::value::{Value, drops_quietly};

/// The maximum depth of nested drops: a `Drop` that writes replaces a value whose `Drop` writes, and so on.
const NESTED_DROPS: u32 = 16;

impl ReactonStore {
    /// Calls `drop`, which drops a value of the cell `id`. Such drops may be nested, because a `Drop` may write. Those
    /// beyond a fixed depth are done after the others, so that they cost no stack.
    #[inline]
    pub(crate) fn release(&self, id: CellId, drop: impl FnOnce() + 'static) {
        if self.may_drop() {
            self.drop_now(drop);
        } else {
            self.drop_later(id, drop);
        }
    }

    /// Whether another drop may be nested.
    #[inline]
    pub(crate) fn may_drop(&self) -> bool {
        self.phase().drops() < NESTED_DROPS
    }

    /// Calls `drop` as a nested drop.
    #[inline]
    pub(crate) fn drop_now(&self, drop: impl FnOnce()) {
        let depth = self.phase().drops() + 1;
        if depth < NESTED_DROPS {
            self.phase().dropping(depth, drop);
        } else {
            self.drop_innermost(drop);
        }
    }

    /// Calls `drop` at the maximum depth, and then the drops that were deferred meanwhile.
    #[cold]
    fn drop_innermost(&self, drop: impl FnOnce()) {
        let mut first = FirstPanic::NONE;
        first.guard(|| self.phase().dropping(NESTED_DROPS, drop));
        first.keep(self.release_deferred().take());
        first.resume();
    }

    /// Calls `drop` when the nested drops have ended.
    #[cold]
    pub(crate) fn drop_later(&self, id: CellId, drop: impl FnOnce() + 'static) {
        self.graph().deferred.push(Deferred { cell: id, drop: Box::new(drop) });
    }

    /// Calls the deferred drops, even if one panics, and those that they defer. Returns the first panic. A round calls
    /// the drops deferred in the round before. A chain in which each drop removes a cell or replaces its value takes a
    /// round for each cell, so only more rounds than cells, and more than the limit, count as a loop.
    fn release_deferred(&self) -> FirstPanic {
        let mut first = FirstPanic::NONE;
        let (limit, cells) = (self.phase().limit() as usize, self.graph_ref().room());
        for _ in 0..limit.saturating_add(cells) {
            let round = std::mem::take(&mut self.graph().deferred);
            if round.is_empty() {
                return first;
            }
            for deferred in round {
                first.guard(|| self.phase().dropping(NESTED_DROPS, deferred.drop));
            }
        }
        let names = {
            let mut graph = self.graph();
            let rest = std::mem::take(&mut graph.deferred);
            let names = names(rest.iter().map(|deferred| graph.name(deferred.cell).into_owned()));
            graph.abandoned.extend(rest);
            names
        };
        first.guard(|| {
            assert!(
                names.is_empty(),
                "drops never settle: after more than {limit} in a row each still writes a value whose `Drop` writes: `{names}`; do \
                 not write in `Drop` to what holds the value",
            );
        });
        first
    }

    /// Drops the value that a write has replaced, which is in one of the two, as [`release`](Self::release) does.
    #[inline]
    pub(super) fn release_from<T: 'static>(
        &self,
        id: CellId,
        place: &mut Option<T>,
        displaced: Option<Value>,
    ) {
        if drops_quietly::<T>() {
            *place = None;
        } else if self.may_drop() {
            self.drop_now(|| {
                *place = None;
                drop(displaced);
            });
        } else {
            let place = place.take();
            self.drop_later(id, move || drop((place, displaced)));
        }
    }
}
