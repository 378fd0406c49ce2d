//! The items that other threads send to a store: boxed, or inline where a box would cost more than everything else.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::contents::Contents;
use crate::graph::Place;
use crate::inbox::{self, InboxItem};
use crate::store::ReactonStore;

/// The receiving end of a store's inbox: made on any thread, then owned by one store.
pub type Inbox = inbox::Inbox<Item>;

/// The sending end of an [`Inbox`].
pub type Mailbox = inbox::Mailbox<Item>;

/// Work on another thread whose result may be sent to a store. A drain of the store waits until this is dropped.
pub type PendingWork = inbox::PendingWork<Item>;

impl Mailbox {
    /// Sends an item. Returns whether the store still accepts items. Never blocks.
    pub fn post(&self, arrival: impl Arrival + 'static) -> bool {
        self.post_item(Item::boxed(arrival))
    }

    /// As [`post`](Self::post), for an item that fits in a few numbers.
    #[inline]
    pub fn post_inline(&self, item: InlineItem) -> bool {
        self.post_item(Item::Inline(item))
    }

    /// As [`post`](Self::post), for a value that is shared by reference count.
    pub fn post_shared(&self, item: SharedItem) -> bool {
        self.post_item(Item::shared(item))
    }

    /// Not generic: compiled once in this crate, not in each crate that sends.
    #[inline(never)]
    fn post_item(&self, item: Item) -> bool {
        self.send(item)
    }
}

/// An item that another thread has sent to a store.
pub trait Arrival: Send {
    /// Applies it. Returns the number of transactions in it: one, or none for a control item.
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize;

    /// Lists the reactons that it writes.
    fn list(&self, contents: &mut Contents) {
        let _ = contents;
    }

    /// The value of the change that it listed with this index.
    fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        let _ = index;
        None
    }

    /// The value that it writes to the reacton with this cell in `store`; `None` if it is computed only in the turn.
    fn written(&self, store: &ReactonStore, cell: Option<&Place>) -> Option<&dyn Any> {
        let _ = (store, cell);
        None
    }

    /// The item itself, for the layer that has sent it, if it may carry entries.
    fn with_entries(&self) -> Option<&dyn Any> {
        None
    }
}

/// The numbers of an [`InlineItem`].
pub type InlineWords = [u64; 7];

/// An item without an allocation: a few numbers, and what reads them. For a short message, memory that one thread
/// allocates and another frees costs more than everything else.
#[derive(Clone, Copy)]
pub struct InlineItem {
    /// The content.
    pub words: InlineWords,
    /// The type that reads the content.
    pub reader: &'static dyn ReadInline,
}

impl fmt::Debug for InlineItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InlineItem").field(&self.words).finish()
    }
}

/// Reads inline items of one kind, as [`Arrival`] does for boxed ones.
pub trait ReadInline: Sync {
    /// As [`Arrival::take_in`].
    fn take_in(&self, words: InlineWords, store: &ReactonStore) -> usize;

    /// As [`Arrival::list`].
    fn list(&self, words: InlineWords, contents: &mut Contents) {
        let _ = (words, contents);
    }

    /// The value of its one change, if it listed one.
    fn payload(&self, words: InlineWords) -> Option<Box<dyn Any>> {
        let _ = words;
        None
    }
}

/// A value in an `Arc` and a few numbers: no further allocation.
pub struct SharedItem {
    /// The content.
    pub words: SharedWords,
    /// The value.
    pub value: Arc<dyn Any + Send + Sync>,
    /// The type that reads the content.
    pub reader: &'static dyn ReadShared,
}

/// As many numbers as fit into the size of an [`InlineItem`].
pub type SharedWords = [u64; 4];

impl fmt::Debug for SharedItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedItem").field(&self.words).finish()
    }
}

/// Reads shared items of one kind, as [`Arrival`] does for boxed ones.
pub trait ReadShared: Sync {
    /// As [`Arrival::take_in`].
    fn take_in(
        &self,
        words: SharedWords,
        value: Arc<dyn Any + Send + Sync>,
        store: &ReactonStore,
    ) -> usize;

    /// As [`Arrival::list`].
    fn list(&self, words: SharedWords, contents: &mut Contents);

    /// The value of its one change.
    fn payload(&self, value: &Arc<dyn Any + Send + Sync>) -> Option<Box<dyn Any>>;

    /// Whether the item may carry entries: see [`Arrival::with_entries`].
    fn has_entries(&self) -> bool {
        false
    }
}

/// The type of the items in the channel. Two enums, so that it is no larger than an inline item.
#[derive(Debug)]
pub enum Item {
    /// A few numbers.
    Inline(InlineItem),
    /// Any other item.
    Other(Other),
}

/// An item that is not inline.
pub enum Other {
    /// A boxed item.
    Boxed(Box<dyn Arrival>),
    /// A value that is shared by reference count.
    Shared(SharedItem),
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boxed(_) => f.write_str("Boxed"),
            Self::Shared(item) => item.fmt(f),
        }
    }
}

/// Does nothing.
struct WakeUp;

impl ReadInline for WakeUp {
    fn take_in(&self, _: InlineWords, _: &ReactonStore) -> usize {
        0
    }
}

/// Reports that pending work has ended. It is counted in a turn, so that the tasks of the store can read the result
/// before a drain ends.
struct WorkEnded;

impl ReadInline for WorkEnded {
    fn take_in(&self, _: InlineWords, store: &ReactonStore) -> usize {
        store.inbox().count_ended_work();
        0
    }
}

// Inline, not boxed: a pool may send one for each job, and another thread would have to free the box.
impl InboxItem for Item {
    fn wake_up() -> Self {
        Self::Inline(InlineItem { words: [0; 7], reader: &WakeUp })
    }

    fn work_ended() -> Self {
        Self::Inline(InlineItem { words: [0; 7], reader: &WorkEnded })
    }
}

impl Item {
    fn boxed(arrival: impl Arrival + 'static) -> Self {
        Self::Other(Other::Boxed(Box::new(arrival)))
    }

    fn shared(shared: SharedItem) -> Self {
        Self::Other(Other::Shared(shared))
    }

    pub(crate) fn take_in(self, store: &ReactonStore) -> usize {
        match self {
            Self::Inline(InlineItem { words, reader }) => reader.take_in(words, store),
            Self::Other(Other::Boxed(arrival)) => arrival.take_in(store),
            Self::Other(Other::Shared(SharedItem { words, value, reader })) => {
                reader.take_in(words, value, store)
            }
        }
    }

    pub(super) fn list(&self, contents: &mut Contents) {
        match self {
            Self::Inline(InlineItem { words, reader }) => reader.list(*words, contents),
            Self::Other(Other::Boxed(arrival)) => arrival.list(contents),
            Self::Other(Other::Shared(SharedItem { words, reader, .. })) => {
                reader.list(*words, contents);
            }
        }
    }

    pub(super) fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        match self {
            Self::Inline(InlineItem { words, reader }) => reader.payload(*words),
            Self::Other(Other::Boxed(arrival)) => arrival.payload(index),
            Self::Other(Other::Shared(SharedItem { value, reader, .. })) => reader.payload(value),
        }
    }

    pub(crate) fn with_entries(&self) -> Option<&dyn Any> {
        match self {
            Self::Other(Other::Boxed(arrival)) => arrival.with_entries(),
            Self::Other(Other::Shared(item)) => item.reader.has_entries().then_some(item),
            Self::Inline(_) => None,
        }
    }

    pub(crate) fn written(&self, store: &ReactonStore, cell: Option<&Place>) -> Option<&dyn Any> {
        match self {
            Self::Other(Other::Boxed(arrival)) => arrival.written(store, cell),
            Self::Inline(_) | Self::Other(Other::Shared(_)) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_takes_no_more_room_than_an_inline_item() {
        assert_eq!(size_of::<Item>(), size_of::<InlineItem>());
        assert_eq!(size_of::<SharedItem>(), size_of::<InlineItem>() - size_of::<u64>());
    }
}
