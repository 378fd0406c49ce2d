//! Edits of a list: insert, remove, move and set.

use std::sync::Arc;

use super::item::{Place, Register};
use super::{ItemId, ListItem, ListPlace, ReactonList};
use crate::collections::position::Position;
use crate::collections::tree::Tree;

impl<T: 'static> ReactonList<T> {
    /// Adds an item at the end, and returns its id.
    pub fn push(&mut self, item: T) -> ItemId {
        self.insert(usize::MAX, item)
    }

    /// Inserts an item before the one at `index`, or at the end if the list is shorter. Returns its id.
    pub fn insert(&mut self, index: usize, item: T) -> ItemId {
        self.insert_arc(index, Arc::new(item))
    }

    /// Removes an item, and returns its value.
    pub fn remove(&mut self, place: impl ListPlace) -> Option<Arc<T>> {
        let (place, _) = self.order.nth(place.__index(self)?)?;
        let place = place.clone();
        let removed = self.order.remove(&place);
        self.remove_registers(place.id);
        removed.map(|(_, item)| item)
    }

    /// Removes the last item, and returns its value.
    pub fn pop(&mut self) -> Option<Arc<T>> {
        self.remove(self.len().checked_sub(1)?)
    }

    /// Replaces the value of an item, and returns the old one. Returns `None`, and changes nothing, if there is no such
    /// item.
    pub fn set(&mut self, place: impl ListPlace, item: T) -> Option<Arc<T>> {
        self.set_arc(place.__index(self)?, Arc::new(item))
    }

    /// Edits a copy of an item's value, which then replaces it. Returns the result of `edit`, or `None` without calling
    /// it if there is no such item.
    pub fn update<U>(&mut self, place: impl ListPlace, edit: impl FnOnce(&mut T) -> U) -> Option<U>
    where
        T: Clone,
    {
        let index = place.__index(self)?;
        let mut item = self.get(index)?.clone();
        let result = edit(&mut item);
        self.set_arc(index, Arc::new(item));
        Some(result)
    }

    /// Moves an item to the index `to`, or to the end if the list is shorter. Returns whether there is such an item.
    ///
    /// If another store moves it at the same time, the newer move wins. If both stores removed and inserted it instead,
    /// it would be in the list twice.
    pub fn move_to(&mut self, place: impl ListPlace, to: usize) -> bool {
        let Some(from) = place.__index(self) else { return false };
        let to = to.min(self.len() - 1);
        if from != to {
            // The item itself is not one of its neighbours.
            let before = if to > from { Some(to) } else { to.checked_sub(1) };
            let position = self.between(before, before.map_or(0, |before| before + 1));
            self.move_item(from, position);
        }
        true
    }

    /// Removes all items.
    pub fn clear(&mut self) {
        if let Some(open) = &mut self.open {
            open.keep_whole(&self.registers, &self.order, &self.ahead);
        }
        self.registers.clear();
        self.ahead = Tree::new();
        // Dropped at the end, which is user code.
        let _removed = std::mem::take(&mut self.order);
    }

    /// Removes the items from the index `len` on.
    pub fn truncate(&mut self, len: usize) {
        while self.len() > len {
            self.pop();
        }
    }

    /// Removes the items for which `keep` returns `false`.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        let over = self.order.iter().filter(|(_, item)| !keep(item));
        for id in over.map(|(place, _)| place.id).collect::<Vec<_>>() {
            self.remove(id);
        }
    }

    pub(super) fn insert_arc(&mut self, index: usize, item: Arc<T>) -> ItemId {
        let index = index.min(self.len());
        let position = self.between(index.checked_sub(1), index);
        self.insert_last(position, item)
    }

    /// Adds a new item at a position that no item has any more.
    pub(super) fn insert_at(&mut self, position: Position, item: Arc<T>) -> ItemId {
        self.last += 1;
        self.insert_last(position, item)
    }

    /// Adds an item, whose number was assigned last.
    fn insert_last(&mut self, position: Position, item: Arc<T>) -> ItemId {
        let id = ItemId { site: self.site, number: self.last };
        self.insert_new(id, position, item);
        id
    }

    /// Adds an item that no other store was told of.
    pub(super) fn insert_new(&mut self, id: ItemId, position: Position, item: Arc<T>) {
        if let Some(open) = &mut self.open {
            open.unsent.insert(id, ());
        }
        self.write_item(id, position, item);
    }

    pub(super) fn write_item(&mut self, id: ItemId, position: Position, item: Arc<T>) {
        self.write(id, Register::Existence, ListItem::Exists);
        self.write(id, Register::Position, ListItem::At(position.clone()));
        self.write(id, Register::Value, ListItem::Holds(Arc::clone(&item)));
        self.order.insert(Place { position, id }, item);
    }

    pub(super) fn set_arc(&mut self, index: usize, item: Arc<T>) -> Option<Arc<T>> {
        let place = self.order.nth(index)?.0.clone();
        self.send_whole(place.id);
        self.write(place.id, Register::Value, ListItem::Holds(Arc::clone(&item)));
        self.order.insert(place, item)
    }

    pub(super) fn move_item(&mut self, from: usize, position: Position) {
        let Some((place, _)) = self.order.nth(from) else { return };
        let place = place.clone();
        self.send_whole(place.id);
        self.write(place.id, Register::Position, ListItem::At(position.clone()));
        if let Some((Place { id, .. }, item)) = self.order.remove(&place) {
            self.order.insert(Place { position, id }, item);
        }
    }

    /// Makes a position between those of the items at two indices. Its number is also that of a new item.
    fn between(&mut self, before: Option<usize>, after: usize) -> Position {
        self.last += 1;
        let position = |index: usize| self.order.nth(index).map(|(place, _)| &place.position);
        Position::between(before.and_then(position), position(after), self.site, self.last)
    }

    fn write(&mut self, id: ItemId, register: Register, item: ListItem<T>) {
        let key = id.key(register);
        if let Some(open) = &mut self.open {
            open.keep(key, &self.registers);
        }
        self.registers.put(key, item);
    }

    /// If no other store knows the item, its next edit sends all of it.
    fn send_whole(&mut self, id: ItemId) {
        if !self.is_unsent(id) {
            return;
        }
        for register in [Register::Existence, Register::Position, Register::Value] {
            if let Some((item, _)) = self.registers.row(&id.key(register)) {
                self.write(id, register, item);
            }
        }
    }

    fn remove_registers(&mut self, id: ItemId) {
        let [existence, position, value] = id.keys();
        if let Some(open) = &mut self.open {
            for key in id.keys() {
                open.keep(key, &self.registers);
            }
        }
        self.registers.remove(&existence);
        self.registers.discard(&position);
        self.registers.discard(&value);
    }

    /// Whether it is remembered that an item was removed.
    pub(super) fn knows_removal(&self, id: ItemId) -> bool {
        self.registers.is_removed(&id.key(Register::Existence))
    }

    fn is_unsent(&self, id: ItemId) -> bool {
        self.open.as_ref().is_some_and(|open| open.unsent.get(&id).is_some())
    }
}
