//! How the items of a list are sent and joined (M6).
//!
//! The registers are merged as other entries are: for each, the largest version wins. The list is computed from them:
//! an item is in it if all of its three registers exist. Existence is put once, under a new id, so a removal has a
//! larger version, and is final.
//!
//! Only the existence of an item that was put back by undo may be put more than once, by several stores. One of them may
//! win over a removal that it does not know. So of such an item, registers that are newer than a removal are kept.

use std::mem;
use std::sync::Arc;

use super::item::{ItemKey, Place, Register};
use super::{ItemId, ListItem, ReactonList};
use crate::collections::keyed::Keyed;
use crate::collections::tree::Tree;
use crate::merge::{Edit, Version};

type Registers<T> = Keyed<ItemKey, ListItem<T>>;
type Order<T> = Tree<Place, Arc<T>>;

/// The edits that were not sent to other stores yet.
pub(super) struct Open<T> {
    /// The items that were never sent.
    pub(super) unsent: Tree<ItemId, ()>,
    /// The old contents of the registers that the open transaction has edited.
    before: Tree<ItemKey, Option<(ListItem<T>, Version)>>,
    /// The list before it was replaced as a whole.
    whole: Option<Whole<T>>,
}

/// A list from before an edit.
struct Whole<T> {
    registers: Registers<T>,
    order: Order<T>,
    ahead: Tree<ItemId, ()>,
}

impl<T: 'static> Open<T> {
    pub(super) const NOTHING: Self = Self { unsent: Tree::new(), before: Tree::new(), whole: None };

    pub(super) fn keep(&mut self, key: ItemKey, registers: &Registers<T>) {
        if self.whole.is_none() && self.before.get(&key).is_none() {
            self.before.insert(key, registers.row(&key));
        }
    }

    pub(super) fn keep_whole(
        &mut self,
        registers: &Registers<T>,
        order: &Order<T>,
        ahead: &Tree<ItemId, ()>,
    ) {
        let (registers, order, ahead) = (registers.clone(), order.clone(), ahead.clone());
        self.whole.get_or_insert(Whole { registers, order, ahead });
    }
}

impl<T: 'static> ReactonList<T> {
    /// The place and the value of an item, if all of its registers exist.
    pub(super) fn item(&self, id: ItemId) -> Option<(Place, Arc<T>)> {
        shown(id, |register| self.registers.get(&id.key(register)))
    }

    pub(super) fn is_there(&self, id: ItemId) -> bool {
        self.registers.get(&id.key(Register::Existence)).is_some()
    }

    pub(super) fn join_put(&mut self, key: ItemKey, item: ListItem<T>, version: Version) -> bool {
        let id = key.id;
        let [existence, position, value] = id.keys();
        if key.register != Register::Existence
            && let Some(removal) = self.registers.removal(&existence)
            && (version < removal || !id.was_put_back())
        {
            return false;
        }
        let before = self.item(id);
        let is_there = self.is_there(id);
        let mut join = |key, item| self.registers.join(Edit::Put(key, item), version);
        let won = match (key.register, item) {
            (Register::Existence, ListItem::New(at, held)) => {
                let is_new = join(existence, ListItem::Exists);
                if !is_new && !is_there {
                    return false;
                }
                let moved = join(position, ListItem::At(at));
                join(value, ListItem::Holds(held)) || moved || is_new
            }
            (Register::Existence, item @ ListItem::Exists)
            | (Register::Position, item @ ListItem::At(_))
            | (Register::Value, item @ ListItem::Holds(_)) => join(key, item),
            _ => return false,
        };
        self.show_again(before.as_ref(), id);
        won
    }

    pub(super) fn join_removal(&mut self, id: ItemId, version: Version) -> bool {
        let before = self.item(id);
        let won = self.registers.join(Edit::Remove(id.key(Register::Existence)), version);
        if won && !self.is_there(id) {
            self.forget_registers(id, version);
        }
        self.show_again(before.as_ref(), id);
        won
    }

    pub(super) fn join_reset(&mut self, version: Version) -> bool {
        let won = self.registers.join(Edit::Reset, version);
        if won {
            self.rebuild();
        }
        won
    }

    /// Updates the order after the registers of an item have changed.
    pub(super) fn show_again(&mut self, before: Option<&(Place, Arc<T>)>, id: ItemId) {
        if let Some((place, _)) = before {
            self.order.remove(place);
        }
        if let Some((place, item)) = self.item(id) {
            self.order.insert(place, item);
        }
        let has = |register| self.registers.get(&id.key(register)).is_some();
        if !has(Register::Existence) && (has(Register::Position) || has(Register::Value)) {
            self.ahead.insert(id, ());
        } else if self.ahead.len() > 0 {
            self.ahead.remove(&id);
        }
    }

    /// Restores the old contents of all registers that the open transaction has edited. The list is equal, but some
    /// registers may differ: an item that was moved away and back has another position.
    pub(super) fn put_back(&mut self) {
        let Some(open) = &mut self.open else { return };
        let nothing = Open { unsent: open.unsent.clone(), ..Open::NOTHING };
        let before = mem::replace(&mut **open, nothing);
        if let Some(Whole { registers, order, ahead }) = before.whole {
            (self.registers, self.ahead) = (registers, ahead);
            let _replaced = mem::replace(&mut self.order, order);
        }
        self.registers.forget_edits();
        for (key, row) in before.before.iter() {
            let shown = self.item(key.id);
            self.registers.put_back(*key, row.clone());
            self.show_again(shown.as_ref(), key.id);
        }
    }

    /// Forgets the position and the value of an item that was removed in this version.
    pub(super) fn forget_registers(&mut self, id: ItemId, removal: Version) {
        for register in [Register::Position, Register::Value] {
            let key = id.key(register);
            let version = self.registers.row(&key).map(|(_, version)| version);
            if !id.was_put_back() || version.is_some_and(|version| version < removal) {
                self.registers.discard(&key);
            }
        }
        self.ahead.remove(&id);
    }

    /// Computes the order from the registers.
    fn rebuild(&mut self) {
        let ids: Vec<_> = self.registers.iter().map(|(key, _)| key.id).collect();
        let shown = mem::take(&mut self.order);
        self.ahead = Tree::new();
        for id in ids {
            self.show_again(None, id);
        }
        drop(shown);
    }
}

/// The place and the value of an item with these registers.
pub(super) fn shown<'l, T: 'static>(
    id: ItemId,
    register: impl Fn(Register) -> Option<&'l ListItem<T>>,
) -> Option<(Place, Arc<T>)> {
    register(Register::Existence)?;
    match (register(Register::Position)?, register(Register::Value)?) {
        (ListItem::At(position), ListItem::Holds(item)) => {
            Some((Place { position: position.clone(), id }, Arc::clone(item)))
        }
        _ => None,
    }
}

impl<T> Clone for Whole<T> {
    fn clone(&self) -> Self {
        let Self { registers, order, ahead } = self;
        Self { registers: registers.clone(), order: order.clone(), ahead: ahead.clone() }
    }
}

impl<T> Clone for Open<T> {
    fn clone(&self) -> Self {
        Self { unsent: self.unsent.clone(), before: self.before.clone(), whole: self.whole.clone() }
    }
}
