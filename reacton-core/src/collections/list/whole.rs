//! Two lists: the difference between them, and edits that make one equal to the other.

use std::sync::Arc;

use super::item::{ItemKey, Place, Placed};
use super::joining::shown;
use super::{ListItem, ReactonList};
use crate::collections::changes::KeyedChanges;
use crate::collections::diffs::Diff;
use crate::collections::patch::{Entry, Patch};
use crate::merge::Compose;

impl<T: 'static> ReactonList<T> {
    /// The changes of the items whose registers were edited.
    pub(super) fn patch(&self, edits: &KeyedChanges<ItemKey, ListItem<T>>) -> Patch<Placed, T> {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        let mut edits = edits.pairs().peekable();
        while let Some((ItemKey { id, .. }, ..)) = edits.peek().copied() {
            let mut touched = [None; 3];
            while let Some((key, before, _)) = edits.next_if(|(key, ..)| key.id == *id) {
                touched[key.register as usize] = Some(before);
            }
            let before = shown(*id, |register| {
                let now = || self.registers.get(&id.key(register));
                touched[register as usize].unwrap_or_else(now)
            });
            match (before, self.item(*id)) {
                (Some((one, old)), Some((two, new))) if one == two && Arc::ptr_eq(&old, &new) => {}
                (old, new) => {
                    removed.extend(old);
                    added.extend(new);
                }
            }
        }
        removed.sort_unstable_by(|(one, _): &(Place, _), (two, _)| one.cmp(two));
        added.sort_unstable_by(|(one, _): &(Place, _), (two, _)| one.cmp(two));
        let index = |place: &Place| self.order.rank(place).0;
        let old_index = |(before, (place, _)): (usize, &(Place, _))| {
            let added = added.partition_point(|(other, _)| other < place);
            index(place) - added + before
        };
        let olds: Vec<_> = removed.iter().enumerate().map(old_index).collect();
        let news: Vec<_> = added.iter().map(|(place, _)| index(place)).collect();
        let entry = |(place, value): (Place, Arc<T>)| Entry { id: Placed(place), value };
        Patch::new(
            olds.into_iter().zip(removed.into_iter().map(entry)),
            news.into_iter().zip(added.into_iter().map(entry)),
        )
    }

    pub(super) fn all_inserted(&self) -> Patch<Placed, T> {
        let all = self.order.iter().enumerate();
        let all = all.map(|(index, (place, value))| {
            (index, Entry { id: Placed(place.clone()), value: Arc::clone(value) })
        });
        Patch::new([], all)
    }

    /// The changes from this list to another one. Nodes that both share are skipped.
    fn difference(&self, other: &Self) -> Patch<Placed, T> {
        let (mut removed, mut added) = (Vec::new(), Vec::new());
        for (place, old, new) in self.order.difference(&other.order) {
            if old.zip(new).is_some_and(|(old, new)| Arc::ptr_eq(old, new)) {
                continue;
            }
            let entry = |value| Entry { id: Placed(place.clone()), value: Arc::clone(value) };
            removed.extend(old.map(|old| (self.order.rank(place).0, entry(old))));
            added.extend(new.map(|new| (other.order.rank(place).0, entry(new))));
        }
        let mut patch = Patch::new(removed, added);
        patch.drop_equal(&mut |_, _| false);
        patch
    }

    /// Replaces all items by those of another list. Concurrent edits of other stores to the old items are dropped.
    pub(super) fn replace_whole(&mut self, other: &Self) {
        if self.open.is_none() {
            self.registers.replace(&other.registers);
            self.take_order(other);
            return;
        }
        // Existence is put once, so the items are new.
        self.clear();
        self.last = self.last.max(other.last);
        for (_, item) in other.order.iter() {
            self.insert_arc(usize::MAX, Arc::clone(item));
        }
    }

    /// Edits the items that differ from another list. An item that was removed meanwhile is inserted as a new one if
    /// other stores know of the removal.
    pub(super) fn restore_whole(&mut self, other: &Self) {
        if self.open.is_none() {
            self.registers.restore(&other.registers);
            self.take_order(other);
            return;
        }
        self.last = self.last.max(other.last);
        for step in self.difference(other).list() {
            match step {
                Diff::Insert { index, new } => _ = self.insert_arc(index, new),
                Diff::Remove { index, .. } => drop(self.remove(index)),
                Diff::Set { index, new, .. } => drop(self.set_arc(index, new)),
                Diff::Move { from, to } => _ = self.move_to(from, to),
            }
        }
    }

    fn take_order(&mut self, other: &Self) {
        self.last = self.last.max(other.last);
        self.ahead = other.ahead.clone();
        let _before = std::mem::replace(&mut self.order, other.order.clone());
    }
}
