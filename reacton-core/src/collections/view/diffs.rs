//! The changes of a view as steps by index, which are applied to a list of its rows.

use std::fmt;
use std::sync::Arc;

use super::rows::{Edits, Placed, Rows, Spot};
use crate::collections::changes::KeyedChanges;
use crate::collections::diffs::Diff;
use crate::collections::tree::Tree;
use crate::merge::Compose;

/// The changes of a view, from one state to a later one.
pub struct ViewChanges<K, V: 'static, S> {
    pub(super) edits: Edits<K, V, S>,
    /// The rows after the changes.
    pub(super) rows: Rows<K, V, S>,
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> ViewChanges<K, V, S> {
    /// These rows, as changes of an empty view.
    pub(super) fn of_all(rows: Rows<K, V, S>) -> Self {
        let mut edits = KeyedChanges::new();
        for (key, placed) in rows.all() {
            edits.note(key, None, Some(placed));
        }
        Self { edits, rows }
    }
}

impl<K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Compose
    for ViewChanges<K, V, S>
{
    type Value = Placed<V, S>;
    type Change = Diff<V>;

    fn then(&mut self, later: &Self) {
        self.edits.then(&later.edits);
        self.rows = later.rows.clone();
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&Placed<V, S>, &Placed<V, S>) -> bool) {
        self.edits.drop_equal(same);
    }

    fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    fn len(&self) -> usize {
        self.edits.len()
    }

    fn list(&self) -> Vec<Self::Change> {
        Moving::of(self).list()
    }
}

impl<K: Clone, V: 'static, S: Clone> Clone for ViewChanges<K, V, S> {
    fn clone(&self) -> Self {
        Self { edits: self.edits.clone(), rows: self.rows.clone() }
    }
}

impl<K, V, S> fmt::Debug for ViewChanges<K, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ViewChanges").field("rows", &self.rows.len()).finish_non_exhaustive()
    }
}

/// A row that is inserted, or moved from an old place.
struct Coming<K, V, S> {
    to: Spot<S, K>,
    row: Arc<V>,
    from: Option<Spot<S, K>>,
}

/// A row whose value has changed.
struct Changed<K, V, S> {
    at: Spot<S, K>,
    old: Arc<V>,
    new: Arc<V>,
}

/// A list between the old rows and the new ones.
///
/// At each step it is sorted, if a row that is still at its old place counts by that place. So the index of a row is
/// its index among the new rows, plus the number of rows before it that are still to be removed, minus the number of
/// rows before it that are still to be inserted.
struct Moving<'c, K, V: 'static, S> {
    rows: &'c Rows<K, V, S>,
    removed: Vec<(Spot<S, K>, Arc<V>)>,
    coming: Vec<Coming<K, V, S>>,
    changed: Vec<Changed<K, V, S>>,
    /// The places of rows that are still to be removed or moved.
    old_places: Tree<Spot<S, K>, ()>,
    /// The places of rows that are still to be inserted.
    new_places: Tree<Spot<S, K>, ()>,
}

impl<'c, K: Ord + Clone + 'static, V: 'static, S: Ord + Clone + 'static> Moving<'c, K, V, S> {
    fn of(changes: &'c ViewChanges<K, V, S>) -> Self {
        let mut this = Self {
            rows: &changes.rows,
            removed: Vec::new(),
            coming: Vec::new(),
            changed: Vec::new(),
            old_places: Tree::new(),
            new_places: Tree::new(),
        };
        for (key, old, new) in changes.edits.iter() {
            let spot = |placed: &Placed<V, S>| Spot { sort: placed.sort.clone(), key: key.clone() };
            match (old, new) {
                (None, None) => {}
                (Some(old), None) => {
                    this.old_places.insert(spot(old), ());
                    this.removed.push((spot(old), Arc::clone(&old.row)));
                }
                (old, Some(new)) => {
                    let (to, row) = (spot(new), Arc::clone(&new.row));
                    let from = old.map(spot);
                    if let Some(old) = old.filter(|old| !Arc::ptr_eq(&old.row, &row)) {
                        let (old, new) = (Arc::clone(&old.row), Arc::clone(&row));
                        this.changed.push(Changed { at: to.clone(), old, new });
                    }
                    if from.as_ref().is_none_or(|from| from.cmp(&to).is_ne()) {
                        if let Some(from) = &from {
                            this.old_places.insert(from.clone(), ());
                        }
                        this.new_places.insert(to.clone(), ());
                        this.coming.push(Coming { to, row, from });
                    }
                }
            }
        }
        this.removed.sort_unstable_by(|(one, _), (two, _)| two.cmp(one));
        this.coming.sort_unstable_by(|one, two| one.to.cmp(&two.to));
        this.changed.sort_unstable_by(|one, two| one.at.cmp(&two.at));
        this
    }

    fn position(&self, spot: &Spot<S, K>) -> usize {
        self.rows.rank(spot) + self.old_places.rank(spot).0 - self.new_places.rank(spot).0
    }

    fn list(mut self) -> Vec<Diff<V>> {
        let mut diffs = Vec::new();
        for (spot, old) in std::mem::take(&mut self.removed) {
            diffs.push(Diff::Remove { index: self.position(&spot), old });
            self.old_places.remove(&spot);
        }
        for Coming { to, row, from } in std::mem::take(&mut self.coming) {
            if let Some(old) = from {
                let from = self.position(&old);
                self.old_places.remove(&old);
                let index = self.position(&to);
                if from != index {
                    diffs.push(Diff::Move { from, to: index });
                }
            } else {
                diffs.push(Diff::Insert { index: self.position(&to), new: row });
            }
            self.new_places.remove(&to);
        }
        for Changed { at, old, new } in std::mem::take(&mut self.changed) {
            diffs.push(Diff::Set { index: self.position(&at), old, new });
        }
        diffs
    }
}
