//! A patch as steps by index: removals from the back, insertions and moves from the front, then replacements.

use std::sync::Arc;

use super::{Entry, Piece};
use crate::collections::diffs::Diff;

/// The steps from the old list to the new one.
pub(super) fn of<I: Ord + Clone, T>(piece: &Piece<I, T>) -> Vec<Diff<T>> {
    let pairs = piece.in_both();
    let mut is_gone = vec![true; piece.removed.len()];
    for (old, _) in &pairs {
        is_gone[*old] = false;
    }
    let mut diffs = Vec::new();
    for (before, (kept, entry)) in piece.removed.iter().enumerate().rev() {
        if is_gone[before] {
            diffs.push(Diff::Remove { index: kept + before, old: Arc::clone(&entry.value) });
        }
    }
    insert_and_move(piece, &pairs, &mut diffs);
    for (old, before) in pairs {
        let (old, (kept, entry)) = (&piece.removed[old].1.value, &piece.added[before]);
        if !Arc::ptr_eq(old, &entry.value) {
            let (old, new) = (Arc::clone(old), Arc::clone(&entry.value));
            diffs.push(Diff::Set { index: kept + before, old, new });
        }
    }
    diffs
}

/// The insertions and moves, in the order of the new list.
// The items before the next place are in their final order, except for those that are still to be moved further back.
fn insert_and_move<I: Ord + Clone, T>(
    piece: &Piece<I, T>,
    pairs: &[(usize, usize)],
    diffs: &mut Vec<Diff<T>>,
) {
    let stay = piece.in_place();
    let came = unsettled(&piece.added, stay.iter().map(|(_, new)| *new));
    let (movers, mut number) = (movers(piece, pairs, &stay), vec![None; piece.added.len()]);
    for (mover, (_, new)) in movers.iter().enumerate() {
        number[*new] = Some(mover);
    }
    let mut waiting = Waiting::new(movers.len());
    let mut passed = 0;
    for (order, (added, settled)) in came.iter().enumerate() {
        let index = settled + order;
        while movers.get(passed).is_some_and(|(stood, _)| stood < settled) {
            passed += 1;
        }
        let place = index + waiting.before(passed);
        let Some(mover) = number[*added] else {
            let new = Arc::clone(&piece.added[*added].1.value);
            diffs.push(Diff::Insert { index: place, new });
            continue;
        };
        let (stood, _) = movers[mover];
        let (from, to) = if mover < passed {
            let placed = came.partition_point(|(_, settled)| *settled <= stood);
            (stood + placed, place - 1)
        } else {
            (index + stood - settled, place)
        };
        let from = from + waiting.before(mover);
        if from != to {
            diffs.push(Diff::Move { from, to });
        }
        waiting.take(mover);
    }
}

/// The entries that do not stay, each with the number of staying items before it.
fn unsettled<I, T>(
    entries: &[(usize, Entry<I, T>)],
    stay: impl Iterator<Item = usize>,
) -> Vec<(usize, usize)> {
    let mut stay = stay.peekable();
    let mut stayed = 0;
    let mut found = Vec::new();
    for (at, (kept, _)) in entries.iter().enumerate() {
        if stay.next_if_eq(&at).is_some() {
            stayed += 1;
        } else {
            found.push((at, kept + stayed));
        }
    }
    found
}

/// The moved items in their old order, each with the number of staying items before it, and its index among the added
/// ones.
fn movers<I, T>(
    piece: &Piece<I, T>,
    pairs: &[(usize, usize)],
    stay: &[(usize, usize)],
) -> Vec<(usize, usize)> {
    let mut goal = vec![None; piece.removed.len()];
    for (old, new) in pairs {
        goal[*old] = Some(*new);
    }
    let left = unsettled(&piece.removed, stay.iter().map(|(old, _)| *old));
    left.into_iter().filter_map(|(old, stood)| Some((stood, goal[old]?))).collect()
}

/// Which movers have not been moved yet (a tree of sums: Fenwick, "A new data structure for cumulative frequency tables", 1994).
struct Waiting {
    sums: Vec<usize>,
}

impl Waiting {
    fn new(movers: usize) -> Self {
        Self { sums: (1..=movers).map(|end| end & end.wrapping_neg()).collect() }
    }

    /// How many of the first `end` ones are still to be moved.
    fn before(&self, mut end: usize) -> usize {
        let mut sum = 0;
        while end > 0 {
            sum += self.sums[end - 1];
            end &= end - 1;
        }
        sum
    }

    fn take(&mut self, mover: usize) {
        let mut end = mover + 1;
        while let Some(sum) = self.sums.get_mut(end - 1) {
            *sum -= 1;
            end += end & end.wrapping_neg();
        }
    }
}
