//! The changes of a list: which items were kept, and which ones were removed and added between them.
//!
//! A patch contains no list. For each removed or added item it has the number of kept items before it. So two patches
//! can be composed, and the index of an item in the old or the new list is the number of kept items before it plus that
//! of the removed or the added ones.

mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::Arc;

use super::diffs::Diff;
use crate::merge::Compose;
use crate::panics::contained;

/// The items that were removed and added. An item that was moved or replaced is in both.
// A short change after a long one is kept separately until it is half as long. So a batch of many short changes takes n
// log n steps.
pub struct Patch<I, T> {
    first: Piece<I, T>,
    later: Vec<Piece<I, T>>,
}

/// An item: its identity and its value.
pub(super) struct Entry<I, T> {
    pub(super) id: I,
    pub(super) value: Arc<T>,
}

/// A part of a patch that is completely composed.
struct Piece<I, T> {
    /// In the order of the old list, each with the number of kept items before it.
    removed: Vec<(usize, Entry<I, T>)>,
    /// In the order of the new list, each with the number of kept items before it.
    added: Vec<(usize, Entry<I, T>)>,
}

impl<I: Ord + Clone, T> Patch<I, T> {
    /// `removed` has items of the old list with their old indices, `added` items of the new list with their new
    /// indices; both are sorted by index. An item that was moved or replaced is in both.
    pub(super) fn new(
        removed: impl IntoIterator<Item = (usize, Entry<I, T>)>,
        added: impl IntoIterator<Item = (usize, Entry<I, T>)>,
    ) -> Self {
        let kept = |(before, (index, entry))| (index - before, entry);
        let removed = removed.into_iter().enumerate().map(kept).collect();
        let added = added.into_iter().enumerate().map(kept).collect();
        Self { first: Piece { removed, added }, later: Vec::new() }
    }

    /// The items that were removed or added, some of them more than once.
    pub(super) fn ids(&self) -> impl Iterator<Item = &I> {
        let pieces = [&self.first].into_iter().chain(&self.later);
        let all = pieces.flat_map(|piece| piece.removed.iter().chain(&piece.added));
        all.map(|(_, entry)| &entry.id)
    }

    /// The entries that were removed, and then those that were added, one time after the other.
    pub(super) fn entries(&self) -> impl Iterator<Item = (bool, &Entry<I, T>)> {
        let pieces = [&self.first].into_iter().chain(&self.later);
        pieces.flat_map(|piece| {
            let removed = piece.removed.iter().map(|(_, entry)| (false, entry));
            removed.chain(piece.added.iter().map(|(_, entry)| (true, entry)))
        })
    }

    fn push(&mut self, piece: Piece<I, T>) {
        self.later.push(piece);
        while self.later.last().is_some_and(|last| 2 * last.len() > self.one_before().len()) {
            self.join_last();
        }
    }

    /// The part before the last one.
    fn one_before(&self) -> &Piece<I, T> {
        match self.later.as_slice() {
            [.., before, _] => before,
            _ => &self.first,
        }
    }

    fn join_last(&mut self) {
        if let Some(last) = self.later.pop() {
            let before = self.later.last_mut().unwrap_or(&mut self.first);
            let both = before.then(&last);
            let parts = (mem::replace(before, both), last);
            // The drop of an item is user code: if it panics, they are composed nevertheless.
            contained(|| drop(parts));
        }
    }

    fn flatten(&mut self) -> &mut Piece<I, T> {
        while !self.later.is_empty() {
            self.join_last();
        }
        &mut self.first
    }
}

impl<I: Ord + Clone + 'static, T: 'static> Compose for Patch<I, T> {
    type Value = T;
    type Change = Diff<T>;

    fn then(&mut self, later: &Self) {
        for piece in [&later.first].into_iter().chain(&later.later) {
            self.push(piece.clone());
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&T, &T) -> bool) {
        self.flatten().drop_equal(same);
    }

    fn is_empty(&self) -> bool {
        self.first.len() == 0 && self.later.iter().all(|piece| piece.len() == 0)
    }

    fn len(&self) -> usize {
        self.later.iter().fold(self.first.len(), |sum, piece| sum + piece.len())
    }

    fn list(&self) -> Vec<Diff<T>> {
        let mut all = self.clone();
        steps::of(all.flatten())
    }
}

impl<I: Ord + Clone, T> Piece<I, T> {
    fn len(&self) -> usize {
        self.removed.len() + self.added.len()
    }

    fn then(&self, later: &Self) -> Self {
        let mut all = Self { removed: Vec::new(), added: Vec::new() };
        let (mut first, mut second) = (Parts::new(self), Parts::new(later));
        let mut kept = 0;
        loop {
            match (first.next(), second.next()) {
                (Part::Remove(entry), _) => {
                    all.removed.push((kept, entry.clone()));
                    first.removed = &first.removed[1..];
                }
                (_, Part::Add(entry)) => {
                    all.added.push((kept, entry.clone()));
                    second.added = &second.added[1..];
                }
                // The item was added and then removed.
                (Part::Add(_), Part::Remove(_)) => {
                    first.added = &first.added[1..];
                    second.removed = &second.removed[1..];
                }
                (Part::Add(entry), Part::Keep(_)) => {
                    all.added.push((kept, entry.clone()));
                    first.added = &first.added[1..];
                    second.kept += 1;
                }
                (Part::Keep(_), Part::Remove(entry)) => {
                    all.removed.push((kept, entry.clone()));
                    second.removed = &second.removed[1..];
                    first.kept += 1;
                }
                (Part::Keep(None), Part::Keep(None)) => return all,
                (Part::Keep(one), Part::Keep(two)) => {
                    let both = one.unwrap_or(usize::MAX).min(two.unwrap_or(usize::MAX));
                    kept += both;
                    first.kept += both;
                    second.kept += both;
                }
            }
        }
    }

    /// Keeps items that were removed and added again at the same place with an equal value. An item that was moved and
    /// has an equal value is only moved.
    fn drop_equal(&mut self, same: &mut dyn FnMut(&T, &T) -> bool) {
        for (old, new) in self.in_both() {
            let (old, new) = (&mut self.removed[old].1.value, &self.added[new].1.value);
            if !Arc::ptr_eq(old, new) && same(old, new) {
                *old = Arc::clone(new);
            }
        }
        let mut equal = self.in_place();
        equal.retain(|(old, new)| {
            Arc::ptr_eq(&self.removed[*old].1.value, &self.added[*new].1.value)
        });
        self.keep(&equal);
        let equal = self.replaced_by_equal(same);
        self.keep(&equal);
    }

    fn keep(&mut self, pairs: &[(usize, usize)]) {
        // Dropped at the end, which is user code.
        let held = |(old, new): &(usize, usize)| {
            [&self.removed[*old], &self.added[*new]].map(|(_, entry)| Arc::clone(&entry.value))
        };
        let _held: Vec<_> = pairs.iter().map(held).collect();
        keep(&mut self.removed, pairs.iter().map(|(old, _)| *old));
        keep(&mut self.added, pairs.iter().map(|(_, new)| *new));
    }

    /// The items that are in both lists, in the order of the new one: those with the same id, and those with the same
    /// `Arc`.
    fn in_both(&self) -> Vec<(usize, usize)> {
        if self.removed.is_empty() || self.added.is_empty() {
            return Vec::new();
        }
        let olds = self.removed.iter().enumerate().map(|(old, (_, entry))| (&entry.id, old));
        let mut olds: BTreeMap<_, _> = olds.collect();
        let mut pairs = Vec::new();
        let mut others = Vec::new();
        for (new, (_, entry)) in self.added.iter().enumerate() {
            match olds.remove(&entry.id) {
                Some(old) => pairs.push((old, new)),
                None => others.push((new, Arc::as_ptr(&entry.value))),
            }
        }
        if !olds.is_empty() && !others.is_empty() {
            let by_count =
                olds.values().map(|old| (Arc::as_ptr(&self.removed[*old].1.value), *old));
            let mut by_count: BTreeMap<_, _> = by_count.collect();
            let held = |(new, value)| Some((by_count.remove(&value)?, new));
            pairs.extend(others.into_iter().filter_map(held));
            pairs.sort_unstable_by_key(|(_, new)| *new);
        }
        pairs
    }

    /// For each place, the equal items at the beginning and at the end of what was removed and added there. So a list
    /// that is set to an equal one, whose items have other ids, has not changed.
    fn replaced_by_equal(&self, same: &mut dyn FnMut(&T, &T) -> bool) -> Vec<(usize, usize)> {
        let in_both = self.in_both();
        let mut old_in_both = vec![false; self.removed.len()];
        let mut new_in_both = vec![false; self.added.len()];
        for (old, new) in in_both {
            (old_in_both[old], new_in_both[new]) = (true, true);
        }
        let mut is_equal = |old: usize, new: usize| {
            let (before, after) = (&self.removed[old].1.value, &self.added[new].1.value);
            !old_in_both[old] && !new_in_both[new] && same(before, after)
        };
        let mut equal = Vec::new();
        let (mut old, mut new) = (0, 0);
        while let (Some((kept, _)), Some((other, _))) = (self.removed.get(old), self.added.get(new))
        {
            if kept != other {
                (old, new) = (old + usize::from(kept < other), new + usize::from(other < kept));
                continue;
            }
            let end =
                |entries: &[(usize, Entry<I, T>)]| entries.partition_point(|(at, _)| at <= kept);
            let (mut old_end, mut new_end) = (end(&self.removed), end(&self.added));
            let next = (old_end, new_end);
            while old < old_end && new < new_end && is_equal(old, new) {
                equal.push((old, new));
                (old, new) = (old + 1, new + 1);
            }
            let front = equal.len();
            while old < old_end && new < new_end && is_equal(old_end - 1, new_end - 1) {
                (old_end, new_end) = (old_end - 1, new_end - 1);
                equal.push((old_end, new_end));
            }
            equal[front..].reverse();
            (old, new) = next;
        }
        equal
    }

    /// The largest number of these that can stay, while the others move.
    fn in_place(&self) -> Vec<(usize, usize)> {
        let mut pairs = self.in_both();
        pairs.retain(|(old, new)| self.removed[*old].0 == self.added[*new].0);
        let olds: Vec<_> = pairs.iter().map(|(old, _)| *old).collect();
        longest_rising(&olds).into_iter().map(|at| pairs[at]).collect()
    }
}

/// Removes the entries at these indices, which count as kept from now on.
fn keep<E>(entries: &mut Vec<(usize, E)>, indices: impl Iterator<Item = usize>) {
    let mut indices = indices.peekable();
    let (mut index, mut more) = (0, 0);
    entries.retain_mut(|(kept, _)| {
        let is_kept = indices.next_if_eq(&index).is_some();
        index += 1;
        more += usize::from(is_kept);
        *kept += more;
        !is_kept
    });
}

/// The indices of a longest rising subsequence (Schensted, "Longest increasing and decreasing subsequences", 1961).
fn longest_rising(values: &[usize]) -> Vec<usize> {
    // For each length, the end of the rising sequence with the smallest last element; and for each element, the one
    // before it in its sequence.
    let mut lasts: Vec<usize> = Vec::new();
    let mut before = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        let length = lasts.partition_point(|last| values[*last] < *value);
        before.push(length.checked_sub(1).map(|length| lasts[length]));
        match lasts.get_mut(length) {
            Some(last) => *last = at,
            None => lasts.push(at),
        }
    }
    let mut rising: Vec<_> =
        std::iter::successors(lasts.last().copied(), |at| before[*at]).collect();
    rising.reverse();
    rising
}

/// A piece, read from its beginning.
struct Parts<'a, I, T> {
    removed: &'a [(usize, Entry<I, T>)],
    added: &'a [(usize, Entry<I, T>)],
    kept: usize,
}

enum Part<'a, I, T> {
    /// This number of items; `None` for all that are left.
    Keep(Option<usize>),
    Remove(&'a Entry<I, T>),
    Add(&'a Entry<I, T>),
}

impl<'a, I, T> Parts<'a, I, T> {
    fn new(piece: &'a Piece<I, T>) -> Self {
        Self { removed: &piece.removed, added: &piece.added, kept: 0 }
    }

    fn next(&self) -> Part<'a, I, T> {
        let (removed, added) = (self.removed.first(), self.added.first());
        match (removed, added) {
            (Some((kept, entry)), _) if *kept == self.kept => Part::Remove(entry),
            (_, Some((kept, entry))) if *kept == self.kept => Part::Add(entry),
            (removed, added) => {
                let next = removed.into_iter().chain(added).map(|(kept, _)| kept - self.kept).min();
                Part::Keep(next)
            }
        }
    }
}

impl<I: Clone, T> Clone for Entry<I, T> {
    fn clone(&self) -> Self {
        Self { id: self.id.clone(), value: Arc::clone(&self.value) }
    }
}

impl<I: Clone, T> Clone for Piece<I, T> {
    fn clone(&self) -> Self {
        Self { removed: self.removed.clone(), added: self.added.clone() }
    }
}

impl<I: Clone, T> Clone for Patch<I, T> {
    fn clone(&self) -> Self {
        Self { first: self.first.clone(), later: self.later.clone() }
    }
}

impl<I, T> fmt::Debug for Patch<I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pieces = [&self.first].into_iter().chain(&self.later);
        let (removed, added) = pieces.fold((0, 0), |(removed, added), piece| {
            (removed + piece.removed.len(), added + piece.added.len())
        });
        f.debug_struct("Patch").field("removed", &removed).field("added", &added).finish()
    }
}

#[cfg(test)]
mod tests;
