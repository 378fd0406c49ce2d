//! A list as a value that merges: what it sends of its edits, and what it shows.

use std::any::Any;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::item::{ItemKey, Placed, Register, SentKey};
use super::joining::Open;
use super::undo::TouchedItems;
use super::{ItemId, ListItem, ReactonList};
use crate::collections::patch::Patch;
use crate::collections::position::Position;
use crate::collections::tree::Tree;
use crate::merge::{Edit, Loaded, Merge, MergeByCount, Touched, Version, Which, Writer};

impl<T: 'static> Merge for ReactonList<T> {
    type Key = SentKey;
    type Item = ListItem<T>;
    type Changes = Patch<Placed, T>;

    fn begin(&mut self, writer: Writer) {
        self.registers.begin(writer);
        self.site = writer.site;
        if !writer.shares {
            self.open = None;
        } else if self.open.is_none() {
            self.open = Some(Box::new(Open::NOTHING));
        }
    }

    fn __keys_of(name: &dyn Any) -> Vec<SentKey> {
        let id = name.downcast_ref::<ItemId>();
        let registers = [Register::Existence, Register::Position, Register::Value];
        id.map_or_else(Vec::new, |id| registers.map(|register| id.key(register).sent()).to_vec())
    }

    fn __noted_in(&self) -> Option<usize> {
        self.registers.noted_in()
    }

    fn settle(&mut self) -> Option<Self::Changes> {
        self.site = 0;
        self.registers.settle().map(|edits| self.patch(&edits))
    }

    fn replace(&mut self, other: Self) {
        self.replace_whole(&other);
    }

    fn restore(&mut self, other: &Self) {
        self.restore_whole(other);
    }

    fn everything(&self) -> Self::Changes {
        self.all_inserted()
    }

    fn seal(&mut self, version: Version, show: &mut dyn FnMut(Edit<&SentKey, &ListItem<T>>)) {
        let open = self.open.as_deref_mut();
        let mut unsent = open.map_or(Tree::new(), |open| mem::replace(open, Open::NOTHING).unsent);
        let (mut new, mut removed): (Option<NewItem>, Vec<ItemKey>) = (None, Vec::new());
        self.registers.seal(version, &mut |edit| match edit {
            Edit::Put(key, item) => match (key.register, item, &mut new) {
                (Register::Existence, ..) => new = Some(NewItem { id: key.id, position: None }),
                (Register::Position, ListItem::At(at), Some(new)) if new.id == key.id => {
                    new.position = Some(at.clone());
                }
                (
                    Register::Value,
                    ListItem::Holds(held),
                    Some(NewItem { id, position: Some(at) }),
                ) if *id == key.id => {
                    unsent.remove(id);
                    let item = ListItem::New(at.clone(), Arc::clone(held));
                    show(Edit::Put(&id.key(Register::Existence).sent(), &item));
                }
                _ => show(Edit::Put(&key.sent(), item)),
            },
            Edit::Remove(key) => {
                removed.push(*key);
                // What was never sent ends without a trace: no other store knows its id.
                if key.register == Register::Existence && unsent.get(&key.id).is_none() {
                    show(Edit::Remove(&key.sent()));
                }
            }
            Edit::Reset => show(Edit::Reset),
        });
        for key in removed {
            if key.register != Register::Existence || unsent.get(&key.id).is_some() {
                self.registers.forget_removal(&key);
            }
            // Something may have arrived meanwhile.
            self.forget_registers(key.id, version);
        }
        unsent.retain(|id, ()| self.is_there(*id));
        if let Some(open) = &mut self.open {
            open.unsent = unsent;
        }
    }

    fn join(&mut self, edit: Edit<SentKey, ListItem<T>>, version: Version) -> bool {
        match edit {
            Edit::Put(key, item) => {
                ItemKey::of(key).is_some_and(|key| self.join_put(key, item, version))
            }
            // Of which register it is told does not matter: the others are not removed alone.
            Edit::Remove((site, number, _)) => self.join_removal(ItemId { site, number }, version),
            Edit::Reset => self.join_reset(version),
        }
    }

    fn show(
        &self,
        which: Which<'_, SentKey>,
        show: &mut dyn FnMut(Edit<&SentKey, &ListItem<T>>, Version),
    ) {
        let keys = match which {
            Which::All => None,
            Which::Keys(keys) => Some(self.shown_for(keys)),
        };
        let which = keys.as_ref().map_or(Which::All, |keys| Which::Keys(keys));
        self.registers.show(&which, &mut |edit, version| match edit {
            Edit::Put(key, item) => show(Edit::Put(&key.sent(), item), version),
            Edit::Remove(key) => show(Edit::Remove(&key.sent()), version),
            Edit::Reset => show(Edit::Reset, version),
        });
    }

    fn __value_in(item: &ListItem<T>) -> Option<&T> {
        match item {
            ListItem::New(_, held) | ListItem::Holds(held) => Some(held),
            ListItem::Exists | ListItem::At(_) => None,
        }
    }

    /// Each item is one new item again. What is left of an item that was removed, or of which a register is missing, is no item.
    fn __loaded(rows: &mut Vec<(SentKey, ListItem<T>)>, _: Version) -> Loaded {
        let mut items: BTreeMap<ItemId, [Option<ListItem<T>>; 3]> = BTreeMap::new();
        for (key, item) in mem::take(rows) {
            let Some(key) = ItemKey::of(key) else { continue };
            items.entry(key.id).or_default()[key.register as usize] = Some(item);
        }
        for (id, [existence, position, value]) in items {
            let (first, original) = match existence {
                Some(ListItem::New(position, value)) => (Some(position), Some(value)),
                Some(ListItem::Exists) => (None, None),
                _ => continue,
            };
            let position = match position {
                Some(ListItem::At(position)) => Some(position),
                _ => first,
            };
            let value = match value {
                Some(ListItem::Holds(value)) => Some(value),
                _ => original,
            };
            if let (Some(position), Some(value)) = (position, value) {
                rows.push((id.key(Register::Existence).sent(), ListItem::New(position, value)));
            }
        }
        Loaded::Composed
    }

    fn revert(&mut self) {
        self.put_back();
    }

    fn disown(&mut self, key: &SentKey) {
        let Some(key) = ItemKey::of(*key) else { return };
        if key.register == Register::Existence && self.is_there(key.id) {
            // No other store knows it, so nothing that is edited of it could be joined: it is sent as a whole with that.
            let open = self.open.get_or_insert_with(|| Box::new(Open::NOTHING));
            open.unsent.insert(key.id, ());
        } else {
            self.registers.disown(&key);
        }
    }

    fn blank(&mut self) {
        *self = Self { last: self.last, ..Self::new() };
    }

    fn sweep(&mut self, clock: u64) {
        self.registers.sweep(clock);
        // What they belong to was put before them, and would have arrived.
        for id in self.ahead.iter().map(|(id, ())| *id).collect::<Vec<_>>() {
            for key in id.keys() {
                if self.registers.row(&key).is_some_and(|(_, version)| version.clock <= clock) {
                    self.registers.discard(&key);
                }
            }
            self.show_again(None, id);
        }
    }

    fn removals(&self) -> usize {
        self.registers.removals() + self.ahead.len()
    }

    fn newest_clock(&self) -> u64 {
        self.registers.newest_clock()
    }

    fn entries(&self) -> usize {
        self.len()
    }

    const __HAS_PARTS: bool = true;

    fn __ended_with((site, number, register): &SentKey) -> Vec<SentKey> {
        let parts = [Register::Position, Register::Value].map(|part| (*site, *number, part as u8));
        if *register == Register::Existence as u8 { parts.into() } else { Vec::new() }
    }

    const __RECORDS_ENTRIES: bool = true;

    fn __touched(changes: &Self::Changes) -> Option<Box<dyn Touched<Self>>> {
        Some(Box::new(TouchedItems::of(changes)))
    }
}

impl<T: 'static> MergeByCount for ReactonList<T> {
    fn counted(&self, key: &SentKey) -> Option<Arc<ListItem<T>>> {
        let key = ItemKey::of(*key)?;
        let (item, version) = self.registers.row(&key)?;
        if key.register != Register::Existence {
            return Some(Arc::new(item));
        }
        // One record, as long as nothing was edited of it.
        let [_, position, value] = key.id.keys().map(|key| self.registers.row(&key));
        Some(Arc::new(match (position, value) {
            (Some((ListItem::At(at), moved)), Some((ListItem::Holds(held), set)))
                if (moved, set) == (version, version) =>
            {
                ListItem::New(at, held)
            }
            _ => item,
        }))
    }

    fn join_counted(&mut self, key: SentKey, item: Arc<ListItem<T>>, version: Version) -> bool {
        self.join(Edit::Put(key, Arc::unwrap_or_clone(item)), version)
    }
}

impl<T: 'static> ReactonList<T> {
    /// What is asked for by these keys. An item whose existence is asked for may be unknown there, and one that is gone is gone as a
    /// whole (M9).
    fn shown_for(&self, keys: &[SentKey]) -> Vec<ItemKey> {
        let mut all = Vec::new();
        for key in keys.iter().filter_map(|key| ItemKey::of(*key)) {
            let existence = key.id.key(Register::Existence);
            if key.register == Register::Existence && self.is_there(key.id) {
                all.extend(key.id.keys());
            } else if key.register == Register::Existence || self.registers.is_removed(&existence) {
                // Not the registers of an item whose removal was swept: they would hide that it is gone.
                all.push(existence);
                if key.id.was_put_back() && key.register != Register::Existence {
                    all.push(key);
                }
            } else {
                all.push(key);
            }
        }
        all
    }
}

/// An item whose existence was shown as put: its position and its value are shown next.
struct NewItem {
    id: ItemId,
    position: Option<Position>,
}
