//! Undo in a list: of each item that was edited, where it stood and what it held, before and afterwards.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::item::{Place, Placed};
use super::{ItemId, ReactonList};
use crate::collections::patch::Patch;
use crate::collections::position::Position;
use crate::merge::{Renamed, Touched, Way};

/// The items that were inserted, removed, moved and set.
pub(super) struct TouchedItems<T>(BTreeMap<ItemId, Item<T>>);

/// One of them; `None` if it was not there.
struct Item<T> {
    before: Stood<T>,
    after: Stood<T>,
}

/// Where an item stood, and what it held.
type Stood<T> = Option<(Position, Arc<T>)>;

impl<T: 'static> TouchedItems<T> {
    pub(super) fn of(changes: &Patch<Placed, T>) -> Self {
        let mut items = BTreeMap::new();
        for (is_added, entry) in changes.entries() {
            let Placed(Place { position, id }) = &entry.id;
            let stood = Some((position.clone(), Arc::clone(&entry.value)));
            let (before, after) = if is_added { (None, stood) } else { (stood, None) };
            items
                .entry(*id)
                .and_modify(|item: &mut Item<T>| item.after.clone_from(&after))
                .or_insert(Item { before, after });
        }
        Self(items)
    }
}

impl<T: 'static> Touched<ReactonList<T>> for TouchedItems<T> {
    fn append(&mut self, later: &dyn Touched<ReactonList<T>>) {
        let Some(Self(later)) = later.as_any().downcast_ref() else { return };
        for (id, Item { before, after }) in later {
            let new = || Item { before: before.clone(), after: None };
            self.0.entry(*id).or_insert_with(new).after.clone_from(after);
        }
    }

    fn drop_equal(&mut self, same: &mut dyn FnMut(&T, &T) -> bool) {
        self.0.retain(|_, Item { before, after }| match (before, after) {
            (Some((old, before)), Some((new, after))) => {
                old != new || !(Arc::ptr_eq(before, after) || same(before, after))
            }
            (before, after) => before.is_some() || after.is_some(),
        });
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn replay(&self, list: &mut ReactonList<T>, way: Way) -> Renamed {
        let mut renamed = Renamed::new();
        for (id, Item { before, after }) in &self.0 {
            let (from, to) = way.of((after, before), (before, after));
            match (from, to) {
                (_, None) => drop(list.remove(*id)),
                (None, Some((position, value))) => {
                    let new = list.put_back_item(*id, position.clone(), Arc::clone(value));
                    if new != *id {
                        renamed.push((u128::from(*id), u128::from(new)));
                    }
                }
                (Some((from, old)), Some((to, value))) => {
                    if !Arc::ptr_eq(old, value)
                        && let Some(index) = list.index_of(*id)
                    {
                        list.set_arc(index, Arc::clone(value));
                    }
                    if from != to {
                        list.move_back(*id, to);
                    }
                }
            }
        }
        renamed
    }

    fn rename(&mut self, renamed: &Renamed) {
        for (old, new) in renamed {
            if let Some(item) = self.0.remove(&ItemId::from(*old)) {
                self.0.insert(ItemId::from(*new), item);
            }
        }
    }

    fn boxed(&self) -> Box<dyn Touched<ReactonList<T>>> {
        let clone = |(id, item): (&ItemId, &Item<T>)| {
            let Item { before, after } = item;
            (*id, Item { before: before.clone(), after: after.clone() })
        };
        Box::new(Self(self.0.iter().map(clone).collect()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl<T: 'static> ReactonList<T> {
    /// Inserts an item that was removed, where it stood. It keeps its id, unless other stores know that it was removed: to them it would
    /// stay so (M6). Then it gets the [next](ItemId::again) one. An item that is there, because another store has put it back, is moved
    /// and set.
    pub(super) fn put_back_item(
        &mut self,
        id: ItemId,
        position: Position,
        value: Arc<T>,
    ) -> ItemId {
        let mut now = id;
        while self.knows_removal(now) {
            match now.again() {
                Some(next) => now = next,
                None => return self.insert_at(position, value),
            }
        }
        if let Some(index) = self.index_of(now) {
            self.set_arc(index, value);
            self.move_back(now, &position);
        } else if now == id {
            self.write_item(id, position, value);
        } else {
            self.insert_new(now, position, value);
        }
        now
    }

    /// Moves an item to a position that it had, if it is there.
    fn move_back(&mut self, id: ItemId, position: &Position) {
        if let Some(index) = self.index_of(id) {
            self.move_item(index, position.clone());
        }
    }
}
