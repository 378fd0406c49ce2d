//! An item of a list: its id, and three registers, which are merged separately (M6).

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::collections::changes::Handle;
use crate::collections::position::Position;

/// The identity of an item of a [`ReactonList`](crate::ReactonList). It stays the same when the item is moved or
/// replaced, and no other item ever has it.
///
/// It can be converted to a number and back. It is serialized as a text.
///
/// # Examples
/// ```
/// # use reacton_core::{ItemId, ReactonList};
/// let mut queue = ReactonList::new();
/// let second = queue.push("two");
/// queue.insert(0, "one");
/// assert_eq!((queue.index_of(second), queue.id_at(1)), (Some(1), Some(second)));
/// assert_eq!(ItemId::from(u128::from(second)), second);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId {
    /// The store that made it; 0 for none.
    pub(super) site: u64,
    /// Counts the items of that store in this list. The bits above [`COUNTED`] count how often the item was put back.
    pub(super) number: u64,
}

/// So many bits of a number count items.
const COUNTED: u32 = 48;

impl From<ItemId> for u128 {
    fn from(id: ItemId) -> Self {
        Self::from(id.site) << 64 | Self::from(id.number)
    }
}

impl From<u128> for ItemId {
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is the number")]
    fn from(id: u128) -> Self {
        Self { site: (id >> 64) as u64, number: id as u64 }
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.site, self.number)
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({self})")
    }
}

/// The key of a register of an item, which is merged as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ItemKey {
    pub(super) id: ItemId,
    pub(super) register: Register,
}

/// An [`ItemKey`] as it is sent, in plain numbers, because keys are serialized: site and number of the item, and the
/// register.
pub(super) type SentKey = (u64, u64, u8);

/// The registers of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Register {
    /// Whether the item exists: put once, and removed for good.
    Existence = 0,
    /// The position of the item.
    Position = 1,
    /// The value of the item.
    Value = 2,
}

impl ItemId {
    /// Parses an id from its displayed text.
    #[cfg(feature = "serde")]
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let (site, number) = text.split_once('-')?;
        let parse = |text| u64::from_str_radix(text, 16).ok();
        Some(Self { site: parse(site)?, number: parse(number)? })
    }

    /// The id under which the item is put back after its removal. It is the same in each store, so an item that two stores put back is
    /// there once. `None` after 65,535 times.
    pub(super) fn again(self) -> Option<Self> {
        Some(Self { number: self.number.checked_add(1 << COUNTED)?, ..self })
    }

    /// Whether it is the id of an item that was put back. Several stores may put its existence.
    pub(super) fn was_put_back(self) -> bool {
        self.number >> COUNTED > 0
    }

    pub(super) fn key(self, register: Register) -> ItemKey {
        ItemKey { id: self, register }
    }

    /// The keys of its existence, its position and its value.
    pub(super) fn keys(self) -> [ItemKey; 3] {
        [Register::Existence, Register::Position, Register::Value].map(|one| self.key(one))
    }
}

impl ItemKey {
    pub(super) fn sent(self) -> SentKey {
        (self.id.site, self.id.number, self.register as u8)
    }

    /// `None` if there is no such register.
    pub(super) fn of((site, number, register): SentKey) -> Option<Self> {
        let keys = ItemId { site, number }.keys();
        keys.get(usize::from(register)).copied()
    }
}

/// The content of a register, and how it is sent.
pub enum ListItem<T> {
    /// The item exists. Its position and its value are sent separately.
    Exists,
    /// A new item: all three registers.
    New(Position, Arc<T>),
    /// Its position.
    At(Position),
    /// Its value.
    Holds(Arc<T>),
}

impl<T: 'static> Handle for ListItem<T> {
    type Item = Self;

    fn new(item: Self) -> Self {
        item
    }

    fn item(&self) -> &Self {
        self
    }

    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Exists, Self::Exists) => true,
            (Self::At(one), Self::At(other)) => one == other,
            (Self::Holds(one), Self::Holds(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl<T> Clone for ListItem<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Exists => Self::Exists,
            Self::New(position, value) => Self::New(position.clone(), Arc::clone(value)),
            Self::At(position) => Self::At(position.clone()),
            Self::Holds(value) => Self::Holds(Arc::clone(value)),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for ListItem<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str("Exists"),
            Self::New(position, value) => {
                f.debug_tuple("New").field(position).field(value).finish()
            }
            Self::At(position) => f.debug_tuple("At").field(position).finish(),
            Self::Holds(value) => f.debug_tuple("Holds").field(value).finish(),
        }
    }
}

/// The place of an item in the order of the list: by its position, and by its id if a defect made two positions equal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::collections) struct Place {
    pub(in crate::collections) position: Position,
    pub(in crate::collections) id: ItemId,
}

/// An item, and where it stands or stood. Two are equal if they are the same item, wherever that is.
#[derive(Debug, Clone)]
pub struct Placed(pub(super) Place);

impl Placed {
    pub(super) fn id(&self) -> &ItemId {
        &self.0.id
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.id.cmp(&other.0.id)
    }
}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Placed {}
