//! How the hub of a store applies the items that a link has put into the inbox.

use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::{
    Arrival, Contents, FirstPanic, InlineWords, ReactonStore, ReadInline, ReadShared, SharedWords,
};

use super::Hub;
use crate::link::{Handed, Item, ReportItem, Short, Token, list_changes};
use crate::sync::LinkId;

impl ReadInline for Short {
    fn take_in(&self, words: InlineWords, store: &ReactonStore) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        let (link, change) = Self::read(words);
        hub.receive_one(store, link, change)
    }

    fn list(&self, words: InlineWords, contents: &mut Contents) {
        let (link, change) = Self::read(words);
        list_changes(contents, link, &[change]);
    }

    fn payload(&self, words: InlineWords) -> Option<Box<dyn Any>> {
        Some(Box::new(Self::read(words).1.payload))
    }
}

impl ReadShared for Handed {
    fn take_in(
        &self,
        words: SharedWords,
        value: Arc<dyn Any + Send + Sync>,
        store: &ReactonStore,
    ) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        let (link, change) = self.read(words, value);
        hub.receive_one(store, link, change)
    }

    fn list(&self, words: SharedWords, contents: &mut Contents) {
        self.list(words, contents);
    }

    fn payload(&self, value: &Arc<dyn Any + Send + Sync>) -> Option<Box<dyn Any>> {
        Some(Box::new(self.payload(Arc::clone(value))))
    }

    fn has_entries(&self) -> bool {
        self.has_edits()
    }
}

impl Arrival for Item {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Some(hub) = arrive(store, self.link) else { return 0 };
        hub.receive(store, self.link, self.message)
    }

    fn list(&self, contents: &mut Contents) {
        self.list(contents);
    }

    fn payload(&self, index: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(self.changes().get(index)?.payload.clone()))
    }

    fn with_entries(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Arrival for Token {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Some(hub) = arrive(store, self.link) else { return 0 };
        let (mut taken, mut panicked) = (0, FirstPanic::NONE);
        for message in self.take() {
            // A panic of an observer must not drop the messages merged behind, such as Closed.
            taken += panicked.guard(|| hub.receive(store, self.link, message)).unwrap_or(0);
        }
        panicked.resume();
        taken
    }

    fn list(&self, contents: &mut Contents) {
        self.list(contents);
    }

    fn with_entries(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// Reports that the statistics of a link have changed: their reacton is written.
impl ReadInline for ReportItem {
    fn take_in(&self, [link, ..]: InlineWords, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store)
            && let Some(link) = hub.link(LinkId(link))
        {
            link.show_progress(store);
        }
        0
    }
}

/// Counts a message that came over a link. A message of a closed link is dropped by the hub.
fn arrive(store: &ReactonStore, link: LinkId) -> Option<Rc<Hub>> {
    let hub = Hub::find(store)?;
    hub.count_received(link);
    Some(hub)
}
