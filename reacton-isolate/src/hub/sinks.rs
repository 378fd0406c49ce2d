//! Sinks: links at whose far end is no store. What is committed is put into a queue, and what is there already is applied as a
//! transaction that arrives.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::wiring::{Moment, Wiring};
use reacton_core::{FirstPanic, ReactonStore, WeakStore};

use super::{ArrivalPolicy, Hub, Link, Owner};
use crate::error::{LinkError, Mismatch};
use crate::link::{Delivery, Far, LinkStats, Outbox, SendCounter, SinkQueue, Totals};
use crate::shared::{SharedSet, SharedSlot};
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::edits::{Edits, Record, RecordBody};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::value::{Encoded, Payload};
use reacton_core::RefId;

/// What a sink is told of, on the thread of its store.
pub trait SinkEvents: 'static {
    /// The first change waits. Called in the middle of a commit: what it writes belongs to the next transaction.
    fn queued(&self, store: &ReactonStore);

    /// The thread of the sink has called [`SinkQueue::notify`].
    fn notified(&self, store: &ReactonStore);

    /// A value was not put into the queue, because it does not encode.
    fn failed(&self, store: &ReactonStore, error: LinkError);
}

/// A value, as it stands in a file.
#[derive(Debug)]
pub enum Stored {
    /// A whole value.
    Whole(Encoded),
    /// The entries of a value that is made of them: the key, and the item; no item for one that is not there.
    Entries(Vec<(Encoded, Option<Encoded>)>),
}

impl Stored {
    fn of(payload: Payload) -> Option<Self> {
        match payload {
            Payload::Bytes(bytes) => Some(Self::Whole(bytes)),
            Payload::Counted(_) => None,
            Payload::Edits(edits) => {
                let edits = Arc::unwrap_or_clone(edits).records.into_iter();
                let entries = edits.filter_map(|Record { key, body, .. }| match body {
                    RecordBody::Bytes(item) => Some((key, Some(item))),
                    RecordBody::Removed | RecordBody::Counted(_) => None,
                });
                Some(Self::Entries(entries.collect()))
            }
        }
    }

    fn into_payload(self, version: Version) -> Payload {
        match self {
            Self::Whole(bytes) => Payload::Bytes(bytes),
            Self::Entries(entries) => {
                let record = |(key, item): (Encoded, Option<Encoded>)| {
                    let body = item.map_or(RecordBody::Removed, RecordBody::Bytes);
                    Record::new(key, version, body)
                };
                let records = entries.into_iter().map(record).collect();
                Payload::Edits(Arc::new(Edits { records, ..Edits::default() }))
            }
        }
    }
}

/// The store's end of a sink. Dropping it ends the sink.
pub struct Sink {
    store: WeakStore,
    link: LinkId,
    queue: Arc<SinkQueue>,
}

impl Sink {
    /// Joins a sink to a store: from now on each committed change of what is listed is put into its queue, and the events are called.
    /// Returns also what the store holds.
    ///
    /// # Errors
    /// If a value of the store does not encode. Then nothing was joined.
    pub fn open(
        store: &ReactonStore,
        name: &str,
        shared: &SharedSet,
        events: Rc<dyn SinkEvents>,
    ) -> Result<(Self, Vec<(RefId, Stored)>), LinkError> {
        let (hub, wiring, link) = (Hub::of(store), Wiring::of(store), LinkId::next());
        let queue = Arc::new(SinkQueue::new(link, wiring.inbox().weak_mailbox()));
        let counter = SendCounter::default();
        let incoming = SendCounter::default().receiving();
        let outbox = Outbox::new(link, Far::Sink(Arc::clone(&queue)), Delivery::Latest, counter);
        let (name, shared_set, totals) = (name.to_owned(), shared.clone(), Rc::default());
        let owner = Rc::new(SinkOwner { name, shared: shared_set, totals, events });
        let end = Link::of_main(owner, Rc::new(outbox), incoming);
        let mut panics = FirstPanic::default();
        // Ends the sink again if this returns an error, or panics.
        let sink = Self { store: store.downgrade(), link, queue };
        let init = hub.open(store, link, end, shared, &mut panics)?;
        panics.resume();
        let IsolateMessage::HandshakeInit { reactons, .. } = init else {
            unreachable!("a link begins with what the store holds")
        };
        let held = reactons.into_iter().filter_map(|reacton| {
            let stored = Stored::of(reacton.payload)?;
            Some((reacton.id, stored))
        });
        Ok((sink, held.collect()))
    }

    /// The queue, for the thread of the sink.
    #[must_use]
    pub fn queue(&self) -> &Arc<SinkQueue> {
        &self.queue
    }

    /// The version of the transaction that [`load`](Self::load) is, if nothing is committed in between.
    #[must_use]
    pub fn next_version(store: &ReactonStore) -> Version {
        Hub::of(store).next_version()
    }

    /// Applies values as one transaction, which is sent on over the other links of the store. Observers are called before this returns.
    ///
    /// # Panics
    /// With the first panic of an observer.
    pub fn load(&self, store: &ReactonStore, values: Vec<(RefId, Stored)>) {
        let hub = Hub::of(store);
        let Some(link) = hub.link(self.link) else { return };
        hub.take_stored(store, (self.link, &link), values);
    }

    /// What the store holds of these.
    ///
    /// # Errors
    /// If a value does not encode.
    pub fn held(
        store: &ReactonStore,
        slots: impl Iterator<Item = SharedSlot>,
    ) -> Result<Vec<(RefId, Stored)>, LinkError> {
        let (wiring, mut panics) = (Wiring::of(store), FirstPanic::default());
        let mut held = Vec::new();
        for slot in slots {
            let payload = slot.pack(wiring, Moment::Committed, &mut panics)?;
            held.extend(Stored::of(payload).map(|stored| (slot.reacton_ref().id(), stored)));
        }
        panics.resume();
        Ok(held)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.queue.close();
        let Some(store) = self.store.upgrade() else { return };
        let Some(hub) = Hub::find(&store) else { return };
        let mut panics = FirstPanic::default();
        hub.close(&store, self.link, &mut panics);
        panics.resume();
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("link", &self.link).finish_non_exhaustive()
    }
}

impl Hub {
    fn next_version(&self) -> Version {
        self.sync.borrow().next_version()
    }

    /// Applies what a file holds as a transaction that arrives from its sink.
    fn take_stored(
        &self,
        store: &ReactonStore,
        (id, link): (LinkId, &Rc<Link>),
        values: Vec<(RefId, Stored)>,
    ) {
        let version = self.next_version();
        let change = |(id, stored): (RefId, Stored)| Change {
            id,
            version,
            announced: false,
            payload: stored.into_payload(version),
        };
        let changes: Vec<_> = values.into_iter().map(change).collect();
        // It is no work of a worker, whose restarts depend on that.
        let worked = self.worked.get();
        self.take_changes(store, id, link, version.clock, changes);
        self.worked.set(worked);
    }
}

/// The store's record of a sink.
struct SinkOwner {
    name: String,
    shared: SharedSet,
    totals: Rc<Totals>,
    events: Rc<dyn SinkEvents>,
}

impl Owner for SinkOwner {
    fn name(&self) -> &str {
        &self.name
    }

    fn shared(&self) -> &SharedSet {
        &self.shared
    }

    fn arrival_policy(&self) -> ArrivalPolicy {
        ArrivalPolicy::Merge
    }

    fn totals(&self) -> Rc<Totals> {
        Rc::clone(&self.totals)
    }

    fn is_subscribed(&self, _: RefId) -> bool {
        true
    }

    fn is_draining(&self) -> bool {
        false
    }

    fn set_refusing(&self, _: bool) -> bool {
        false
    }

    fn start(self: Rc<Self>, _: &ReactonStore, _: &Hub) {}

    fn acknowledged(self: Rc<Self>, _: &ReactonStore, _: &Hub, _: &[Mismatch]) {}

    fn closed(self: Rc<Self>, _: &ReactonStore, _: &Hub, _: CloseReason) {}

    fn report(&self, store: &ReactonStore, error: LinkError) {
        self.events.failed(store, error);
    }

    /// A thread has something to tell.
    fn show_progress(&self, store: &ReactonStore, _: LinkStats) {
        self.events.notified(store);
    }

    fn end_restarts(&self) {}

    fn queued(&self, store: &ReactonStore) {
        self.events.queued(store);
    }
}
