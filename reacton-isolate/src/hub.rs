//! One store's side of all its links: it sends the commits, applies what arrives, and forwards it.
//!
//! [`Sync`] decides what is sent, accepted and forwarded. The hub encodes, installs and sends it.

mod arrivals;
pub(crate) mod calls;
mod clocks;
mod closing;
mod end;
mod handshake;
mod held;
mod incoming;
mod links;
mod merging;
mod outgoing;
pub(crate) mod owner;
pub(crate) mod progress;
mod queued;
mod refusal;
mod route;
mod scalar;
mod seats;
pub(crate) mod sinks;
mod subscriptions;
mod sweeping;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use reacton_core::wiring::{Extension, Role, Wiring, Written, next_site};
use reacton_core::{ChangeStamp, FirstPanic, ReactonRef, ReactonStore, RefId};

use self::calls::Calls;
pub(crate) use self::end::Link;
use self::end::SentEvent;
use self::held::LastBytes;
use self::links::Links;
pub(crate) use self::owner::{ArrivalPolicy, Owner};
use self::queued::QueuedEntries;
use self::refusal::Refusals;
use self::route::Routes;
pub(crate) use self::route::{PollOnDrop, PoolMember, PoolRoute};
use crate::error::LinkError;
use crate::interrupt::{interrupt, is_hooked};
use crate::sync::{LinkId, Sync};
use crate::wire::change::{Change, Version};
use crate::wire::message::IsolateMessage;

/// Connects a store to others. An extension of the store, which lives as long as the store.
pub(crate) struct Hub {
    sync: RefCell<Sync>,
    /// The links of the store, and the pools whose members it has spawned.
    links: RefCell<Links>,
    /// Links that are still to be opened: those of replacement workers.
    announced: RefCell<BTreeMap<LinkId, Rc<dyn Owner>>>,
    /// The link to the store that spawned this one.
    parent: Cell<Option<LinkId>>,
    draining: Cell<bool>,
    /// The worker's function is running: it may still work on a transaction after the turn.
    in_function: Cell<bool>,
    /// A transaction was applied, and all observers of it were called.
    worked: Cell<bool>,
    /// The number of values that arrived with the version already held.
    repeats: Cell<u64>,
    /// How often the workers of this store have raised its clock by very much, if there is a store above.
    leaps: Cell<u8>,
    /// Subscriptions begun or ended in the open batch; they are sent together.
    toggled: RefCell<BTreeMap<LinkId, BTreeMap<RefId, bool>>>,
    /// Subscriptions that begin when an answer has come over the link.
    resumed_later: RefCell<BTreeMap<LinkId, BTreeSet<RefId>>>,
    last_bytes: LastBytes,
    queued: RefCell<QueuedEntries>,
    refusals: RefCell<Refusals>,
    /// Events about the transactions of the open batch, for tracing.
    events: RefCell<Vec<SentEvent>>,
    calls: Calls,
    /// In a simulation, other stores may take steps in the middle of a message or a commit. A field, because reading a
    /// thread-local for each message would be too slow.
    simulated: bool,
    /// An async worker stores its future here, to be polled step by step.
    polls_stepwise: Cell<bool>,
    async_run: RefCell<Option<Box<dyn Any>>>,
}

impl Hub {
    #[inline]
    pub(crate) fn find(store: &ReactonStore) -> Option<Rc<Self>> {
        Wiring::of(store).extension()
    }

    /// The hub of `store`, created on first use.
    pub(crate) fn of(store: &ReactonStore) -> Rc<Self> {
        Wiring::of(store).extend(|| Self {
            sync: RefCell::new(Sync::new(next_site())),
            links: RefCell::default(),
            announced: RefCell::default(),
            parent: Cell::new(None),
            draining: Cell::new(false),
            in_function: Cell::new(false),
            worked: Cell::new(false),
            repeats: Cell::new(0),
            leaps: Cell::new(0),
            toggled: RefCell::default(),
            resumed_later: RefCell::default(),
            last_bytes: LastBytes::default(),
            queued: RefCell::default(),
            refusals: RefCell::default(),
            events: RefCell::default(),
            calls: Calls::default(),
            simulated: is_hooked(),
            polls_stepwise: Cell::new(false),
            async_run: RefCell::new(None),
        })
    }

    /// A point at which a simulation may switch to another store.
    #[inline]
    fn interruptible(&self) {
        if self.simulated {
            interrupt();
        }
    }

    /// Announces the link of this number, which `owner` opens when [`start`](Self::start) is called. Until then the
    /// store does not end by itself.
    pub(crate) fn announce(&self, link: LinkId, owner: Rc<dyn Owner>) {
        self.announced.borrow_mut().insert(link, owner);
    }

    pub(crate) fn is_announced(&self, link: LinkId) -> bool {
        self.announced.borrow().contains_key(&link)
    }

    /// Cancels the announcement of a link. Returns whether it was announced.
    pub(crate) fn withdraw(&self, link: LinkId) -> bool {
        self.announced.borrow_mut().remove(&link).is_some()
    }

    /// Lets the owner of an announced link open it.
    pub(crate) fn start(&self, store: &ReactonStore, link: LinkId) {
        let owner = self.announced.borrow_mut().remove(&link);
        if let Some(owner) = owner {
            owner.start(store, self);
        }
    }

    #[inline]
    pub(crate) fn link(&self, id: LinkId) -> Option<Rc<Link>> {
        self.links.borrow().get(id).cloned()
    }

    /// Applies one message. Returns the number of transactions in it.
    pub(crate) fn receive(
        &self,
        store: &ReactonStore,
        id: LinkId,
        message: IsolateMessage,
    ) -> usize {
        // After an isolate was disposed, nothing from it is applied.
        let Some(link) = self.link(id) else { return 0 };
        match message {
            IsolateMessage::ReactonValueChanged { clock, changes } => {
                self.take_changes(store, id, &link, clock, changes);
                return 1;
            }
            IsolateMessage::ReactonSubscribe { held } => self.catch_up(store, id, &link, held),
            IsolateMessage::ReactonUnsubscribe { ids } => {
                self.sync.borrow_mut().peer_unsubscribed(id, &ids);
            }
            IsolateMessage::ValueError { error } => link.report(store, error),
            IsolateMessage::Answered(answer) => {
                answer.deliver();
                link.report_crossed();
            }
            IsolateMessage::Drain if self.parent.get() == Some(id) => self.drain(store),
            // Only the store that spawned this one may end it.
            IsolateMessage::Drain => {
                let reason = String::from("a worker cannot drain the store that spawned it");
                link.report(store, LinkError::Malformed { reason });
            }
            IsolateMessage::Mark { clock } => self.take_mark(store, id, &link, clock),
            IsolateMessage::Marked { mark, clock, paused } => {
                self.take_marked(store, id, &link, mark, clock, paused);
            }
            IsolateMessage::Sweep { clock, ids } => self.take_sweep(store, id, clock, &ids),
            IsolateMessage::Closed { reason } => self.closed(store, id, reason),
            IsolateMessage::HandshakeAck { mismatches } => {
                // Only a worker acknowledges, to its main store.
                if let Some(owner) = &link.owner {
                    Rc::clone(owner).acknowledged(store, self, &mismatches);
                }
            }
            // The handshake is complete before the first turn.
            IsolateMessage::HandshakeInit { .. } => {}
        }
        0
    }

    /// As [`receive`](Self::receive), for one change that its sender wrote itself. Counts it as received.
    pub(crate) fn receive_one(&self, store: &ReactonStore, id: LinkId, change: Change) -> usize {
        let Some(link) = self.link(id) else { return 0 };
        link.count_received();
        self.take_changes(store, id, &link, change.version.clock, [change]);
        1
    }

    /// The link to the store that spawned this one, while it is open.
    pub(crate) fn parent(&self) -> Option<LinkId> {
        self.parent.get().filter(|id| self.links.borrow().get(*id).is_some())
    }

    pub(crate) fn version(&self, id: RefId) -> Version {
        self.sync.borrow().version(id)
    }

    /// Whether a transaction was applied and all observers of it were called without a panic.
    pub(crate) fn has_worked(&self) -> bool {
        self.worked.get()
    }

    /// The number of values that arrived with the version already held.
    pub(crate) fn repeats(&self) -> u64 {
        self.repeats.get()
    }

    /// Lets this store end once it has applied everything queued before and its own isolates have ended.
    pub(crate) fn drain(&self, store: &ReactonStore) {
        self.draining.set(true);
        Wiring::of(store).drain();
        if let Some(id) = self.parent.get()
            && let Some(link) = self.link(id)
            && let Some(member) = &link.member
        {
            member.drain();
        }
    }

    /// Lets an async worker store its future here.
    pub(crate) fn set_polls_stepwise(&self) {
        self.polls_stepwise.set(true);
    }

    pub(crate) fn polls_stepwise(&self) -> bool {
        self.polls_stepwise.get()
    }

    /// Stores the future of an async worker, and returns the earlier one.
    pub(crate) fn replace_async_run(&self, run: Option<Box<dyn Any>>) -> Option<Box<dyn Any>> {
        self.async_run.replace(run)
    }

    /// Sends the last message of this side of a link.
    pub(crate) fn send_drain(&self, id: LinkId) {
        if let Some(link) = self.link(id).filter(|link| !link.is_sink())
            && !link.drained.replace(true)
        {
            link.outbox.send(IsolateMessage::Drain);
        }
    }

    /// Counts a call that was answered over this link. No transaction follows that would report the shorter queue.
    pub(crate) fn count_returned(&self, id: LinkId) {
        if let Some(link) = self.link(id) {
            link.count_received();
            link.report_crossed();
        }
    }

    /// Counts a message that came over this link.
    pub(crate) fn count_received(&self, id: LinkId) {
        if let Some(link) = self.links.borrow().get(id) {
            link.count_received();
        }
    }

    /// The pool of this number.
    pub(crate) fn pool(&self, number: u64) -> Option<Rc<dyn PoolRoute>> {
        self.links.borrow().pool(number).cloned()
    }

    /// Adds a pool: writes of its jobs are queued from now on.
    pub(crate) fn add_pool(&self, pool: Rc<dyn PoolRoute>) {
        self.links.borrow_mut().add_pool(pool);
    }

    /// Removes a pool that has ended.
    pub(crate) fn remove_pool(&self, store: &ReactonStore, number: u64) {
        let orphans = self.links.borrow_mut().remove_pool(number);
        Self::unsync(store, orphans);
    }
}

impl Extension for Hub {
    #[inline]
    fn role(&self) -> Role {
        Role::Links
    }

    fn committed(&self, store: &ReactonStore, written: &[Written]) {
        if written.iter().any(|write| write.by_entries || write.is_of_family()) {
            return self.committed_by_entries(store, written);
        }
        let version = self.sync.borrow_mut().commit(written.iter().map(|write| write.id));
        self.interruptible();
        let routes = self.routes(written.iter().map(|write| write.id), None);
        if let ([write], Routes::One(route)) = (written, &routes)
            && self.send_scalar(store, *write, version, route)
        {
            return;
        }
        self.send_written(store, written, version, &routes);
    }

    fn batch_ended(&self, _: &ReactonStore) {
        if !self.toggled.borrow().is_empty() {
            self.send_toggled();
        }
        // Checked before it is taken: there are events only if tracing has a subscriber for them.
        if !self.events.borrow().is_empty() {
            self.events.take().iter().for_each(SentEvent::emit);
        }
        self.calls.batch_ended(self);
    }

    fn refusal(&self, reacton: ReactonRef) -> Option<String> {
        self.explain_refusal(reacton)
    }

    fn turn_begins(&self, store: &ReactonStore) {
        self.report_odd_values(store);
    }

    /// A worker is drained when its main end is closed, or, as a store with a thread of its own, when it was asked to
    /// drain and its own isolates have ended.
    fn is_drained(&self, store: &ReactonStore) -> bool {
        let links = self.links.borrow();
        let parent = self.parent.get().map(|id| (id, links.get(id)));
        if let Some((_, None)) = parent {
            return true;
        }
        // Checked last: once this returns true, the store is no longer a member of its pool.
        let resigns = || match parent {
            Some((_, Some(link))) => link.member.as_ref().is_none_or(|member| member.resign()),
            _ => true,
        };
        self.draining.get()
            && links.to_stores().count() == usize::from(parent.is_some())
            && self.announced.borrow().is_empty()
            && Wiring::of(store).has_nothing_left()
            && resigns()
    }

    /// Everything queued for the worker is done: closes its own pools and drains its isolates.
    fn drained(&self, _: &ReactonStore) {
        let pools: Vec<_> = self.links.borrow().pools().cloned().collect();
        for pool in pools {
            pool.close();
        }
        let parent = self.parent.get();
        let below: Vec<_> =
            self.links.borrow().to_stores().filter(|id| Some(*id) != parent).collect();
        for child in below {
            self.send_drain(child);
        }
    }

    fn accepts(&self, source: u64, id: RefId, (clock, site): ChangeStamp) -> bool {
        let link = self.link(LinkId(source));
        link.is_some_and(|link| {
            let (source, version) = (LinkId(source), Version { clock, site });
            self.wins(source, &link, id, version) || self.may_join(source, &link, id, version)
        })
    }

    fn sources(&self, id: RefId) -> Vec<u64> {
        self.links.borrow().links_bringing(id).map(|(link, _)| link.0).collect()
    }

    fn decode(&self, source: u64, id: RefId, payload: &dyn Any) -> Option<Box<dyn Any>> {
        let link = self.link(LinkId(source))?;
        link.slot(id)?.decode(payload.downcast_ref()?)
    }

    fn brings_entry(&self, store: &ReactonStore, id: RefId, name: &dyn Any) -> bool {
        self.is_entry_stale(store, id, name)
    }

    fn with_queued(
        &self,
        store: &ReactonStore,
        id: RefId,
        name: Option<&dyn Any>,
    ) -> Option<Box<dyn Any>> {
        self.with_queued_entries(store, id, name)
    }

    fn disposed(&self) {
        let links = self.links.borrow_mut().take();
        // The last message of the worker itself is sent when its thread ends.
        let parent = self.parent.get();
        let children: Vec<_> =
            links.by_id.into_iter().filter(|(id, _)| Some(*id) != parent).collect();
        for (_, link) in &children {
            link.cancel_and_close();
        }
        // All peers are notified. Dropping values of the program may panic, so it comes last.
        let mut panics = FirstPanic::default();
        self.calls.end(&mut panics);
        let living = children.iter().filter_map(|(_, link)| link.owner.clone());
        for owner in living.chain(self.announced.take().into_values()) {
            panics.guard(|| owner.end_restarts());
        }
        for child in children {
            panics.guard(|| drop(child));
        }
        for pool in links.pools.into_values() {
            panics.guard(|| drop(pool));
        }
        panics.resume();
    }
}
