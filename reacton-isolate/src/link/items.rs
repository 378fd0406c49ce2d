//! The items that a link puts into the inbox of the store at its other end. The hub selects the code that applies them.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use reacton_core::{Contents, InlineWords, Merging, RefId, SharedItem, SharedWords};

use super::latest::{Pending, Slot};
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::edits::Composed;
use crate::wire::message::IsolateMessage;
use crate::wire::value::{Encoded, Payload};

/// One short change as numbers: the number of the link, and those of the change.
pub(crate) struct Short;

impl Short {
    #[inline]
    pub(crate) fn read([link, change @ ..]: InlineWords) -> (LinkId, Change) {
        (LinkId(link), Change::from_words(change))
    }
}

/// One change with its value or its edits in an `Arc`, and the numbers of the link and the change.
pub(crate) struct Handed {
    announced: bool,
    has_edits: bool,
}

impl Handed {
    /// What is handed over by count, and what reads it.
    pub(super) fn of(
        payload: Payload,
        announced: bool,
    ) -> Option<(Arc<dyn Any + Send + Sync>, &'static Self)> {
        match payload {
            Payload::Bytes(_) => None,
            Payload::Counted(value) => Some((value, Self::reader(announced, false))),
            Payload::Edits(edits) => Some((edits, Self::reader(announced, true))),
        }
    }

    fn reader(announced: bool, has_edits: bool) -> &'static Self {
        match (announced, has_edits) {
            (false, false) => &Self { announced: false, has_edits: false },
            (false, true) => &Self { announced: false, has_edits: true },
            (true, false) => &Self { announced: true, has_edits: false },
            (true, true) => &Self { announced: true, has_edits: true },
        }
    }

    pub(crate) fn has_edits(&self) -> bool {
        self.has_edits
    }

    pub(crate) fn payload(&self, value: Arc<dyn Any + Send + Sync>) -> Payload {
        if self.has_edits {
            Payload::Edits(value.downcast().expect("an item with edits holds them"))
        } else {
            Payload::Counted(value)
        }
    }

    #[inline]
    pub(crate) fn read(
        &self,
        [link, id, clock, site]: SharedWords,
        value: Arc<dyn Any + Send + Sync>,
    ) -> (LinkId, Change) {
        (LinkId(link), self.change([link, id, clock, site], self.payload(value)))
    }

    fn change(&self, [_, id, clock, site]: SharedWords, payload: Payload) -> Change {
        let version = Version { clock, site };
        Change { id: RefId::from_u64(id), version, announced: self.announced, payload }
    }

    pub(crate) fn list(&self, words: SharedWords, contents: &mut Contents) {
        let nothing = Payload::Bytes(Encoded::from(&[][..]));
        list(contents, LinkId(words[0]), &[self.change(words, nothing)]);
    }
}

/// One message of a link.
pub(crate) struct Item {
    pub(crate) link: LinkId,
    pub(crate) message: IsolateMessage,
}

impl Item {
    pub(crate) fn list(&self, contents: &mut Contents) {
        list(contents, self.link, self.changes());
    }

    pub(crate) fn changes(&self) -> &[Change] {
        match &self.message {
            IsolateMessage::ReactonValueChanged { changes, .. } => changes,
            _ => &[],
        }
    }
}

/// The changes in an item that may carry entries, and the number of its link. `None` if it is of another kind.
pub(crate) fn changes_in(item: &dyn Any) -> Option<(LinkId, Cow<'_, [Change]>)> {
    if let Some(item) = item.downcast_ref::<Item>() {
        return Some((item.link, Cow::Borrowed(item.changes())));
    }
    let SharedItem { words, value, .. } = item.downcast_ref()?;
    let (link, change) = Handed::reader(false, true).read(*words, Arc::clone(value));
    Some((link, Cow::Owned(vec![change])))
}

/// Represents in the inbox all pending messages of the link.
pub(crate) struct Token {
    pub(crate) link: LinkId,
    pub(super) pending: Arc<Slot>,
}

impl Token {
    /// Takes all pending messages. The token has already left the inbox: the other order loses a wake-up.
    pub(crate) fn take(&self) -> Vec<IsolateMessage> {
        let pending: Pending = {
            let mut slot = self.pending.lock();
            std::mem::take(&mut *slot)
        };
        pending.into_messages()
    }

    /// What is pending of the reacton `id` that is made of entries: `find` looks into it.
    pub(crate) fn composed<U>(&self, id: RefId, find: impl FnOnce(&Composed) -> U) -> Option<U> {
        self.pending.lock().composed(id).map(find)
    }

    /// The same pending messages, which may grow until the token is taken.
    pub(crate) fn again(&self) -> Self {
        Self { link: self.link, pending: Arc::clone(&self.pending) }
    }

    pub(crate) fn list(&self, contents: &mut Contents) {
        contents.merging(self.link.0, Arc::clone(&self.pending) as Arc<dyn Merging>);
    }
}

/// Lists what the changes of one transaction write.
pub(crate) fn list(contents: &mut Contents, link: LinkId, changes: &[Change]) {
    for (index, Change { id, version, .. }) in changes.iter().enumerate() {
        contents.change(link.0, *id, version.stamp(), index);
    }
}
