//! One end of a link, in the hub of its store: what is shared over it, the isolate at the other end, and the
//! statistics.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::slice;

use reacton_core::{FirstPanic, Mailbox, ReactonStore, RefId, RefMap};

use super::owner::{ArrivalPolicy, Owner};
use super::route::PoolMember;
use super::seats::Seat;
use crate::error::LinkError;
use crate::interrupt::interrupt;
use crate::link::{LinkStats, Outbox, Place, ReceiveCounter, Sent, Totals};
use crate::shared::{SharedSet, SharedSlot};
use crate::sync::{ImplausibleClock, LinkId, Sync};
use crate::wire::change::{Change, ChangeList};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::Answered;

/// A reacton that a link shares.
pub(super) struct LinkSlot {
    pub(super) shared: SharedSlot,
    /// Among what waits on the link.
    pub(super) place: Place,
}

impl LinkSlot {
    fn by_id(shared: &SharedSet) -> RefMap<Self> {
        let slots = shared.slots().iter();
        slots
            .map(|slot| (slot.reacton_ref().id(), Self { shared: *slot, place: Place::default() }))
            .collect()
    }
}

/// One end of a link.
pub(crate) struct Link {
    /// The name of the worker of this link.
    pub(super) worker: String,
    pub(super) outbox: Rc<Outbox>,
    pub(super) incoming: ReceiveCounter,
    pub(super) slots: RefMap<LinkSlot>,
    /// The main store's record of the worker; the worker's end has none.
    pub(super) owner: Option<Rc<dyn Owner>>,
    pub(super) policy: ArrivalPolicy,
    /// Of a worker's end, if the worker is a member of a pool.
    pub(super) member: Option<Rc<dyn PoolMember>>,
    /// Of the main store: keeps its waits open while the link is open. The worker's thread may outlive the link.
    pub(super) expects: Option<Mailbox>,
    /// Of the main store: the seat of the worker.
    pub(super) seat: Option<Seat>,
    /// Drain was the last message sent: nothing follows it (rule 14).
    pub(super) drained: Cell<bool>,
    pub(super) totals: Rc<Totals>,
    /// How often the other end has raised the clock by very much.
    pub(super) leaps: Cell<u8>,
}

/// So often a worker at the end of a road may do that.
pub(super) const MAX_LEAPS: u8 = 2;

impl Link {
    /// The end at the store that spawns.
    pub(crate) fn of_main(
        owner: Rc<dyn Owner>,
        outbox: Rc<Outbox>,
        incoming: ReceiveCounter,
    ) -> Self {
        Self {
            worker: owner.name().to_owned(),
            outbox,
            incoming,
            slots: LinkSlot::by_id(owner.shared()),
            member: None,
            expects: None,
            seat: None,
            drained: Cell::new(false),
            totals: owner.totals(),
            policy: owner.arrival_policy(),
            owner: Some(owner),
            leaps: Cell::new(0),
        }
    }

    /// The end at the worker of this name.
    pub(crate) fn of_worker(
        worker: String,
        outbox: Rc<Outbox>,
        incoming: ReceiveCounter,
        shared: &SharedSet,
    ) -> Self {
        Self {
            worker,
            outbox,
            incoming,
            slots: LinkSlot::by_id(shared),
            owner: None,
            policy: ArrivalPolicy::Merge,
            member: None,
            expects: None,
            seat: None,
            drained: Cell::new(false),
            totals: Rc::default(),
            leaps: Cell::new(0),
        }
    }

    pub(crate) fn with_member(self, member: Option<Rc<dyn PoolMember>>) -> Self {
        Self { member, ..self }
    }

    /// How `id` crosses, if it is shared.
    #[inline]
    pub(super) fn slot(&self, id: RefId) -> Option<&SharedSlot> {
        self.slots.get(&id).map(|slot| &slot.shared)
    }

    /// The slot of `id`, if a change of it that came from `from` is sent on this link, whose number is `link`.
    #[inline]
    pub(super) fn sent(
        &self,
        sync: &Sync,
        link: LinkId,
        id: RefId,
        from: Option<LinkId>,
    ) -> Option<&LinkSlot> {
        let slot = self.slots.get(&id)?;
        (!self.policy.restamps(id) && sync.sends(link, id, from)).then_some(slot)
    }

    pub(crate) fn stats(&self) -> LinkStats {
        let (queued, waiting) = (self.outbox.queued(), self.incoming.waiting());
        LinkStats { queued, waiting, ..self.totals.stats.get() }
    }

    /// The membership of this worker in a pool.
    pub(crate) fn member(&self) -> Option<&dyn PoolMember> {
        self.member.as_deref()
    }

    /// Whether nothing may follow on it (rule 14).
    pub(crate) fn is_drained(&self) -> bool {
        self.drained.get()
    }

    /// Whether there is no store at the other end: it needs no marks, and nothing waits for its end.
    #[inline]
    pub(crate) fn is_sink(&self) -> bool {
        self.outbox.is_sink()
    }

    /// Of a worker's end: the outbox to main.
    pub(crate) fn outbox(&self) -> &Rc<Outbox> {
        &self.outbox
    }

    /// Of a worker's end: sends the answer of a call.
    pub(crate) fn send_answer(&self, answer: Answered) {
        self.outbox.send(IsolateMessage::Answered(answer));
    }

    /// Whether this end is subscribed to `id` when the link begins.
    pub(super) fn is_subscribed(&self, id: RefId) -> bool {
        self.owner.as_ref().is_none_or(|owner| owner.is_subscribed(id))
    }

    /// Counts a message that was applied. A worker reports that its queue is shorter, if main shows that.
    pub(super) fn count_received(&self) {
        self.incoming.count_received();
        if self.owner.is_none() || self.outbox.is_road() {
            self.outbox.report_received(&self.incoming);
        }
    }

    /// Of the main store: shows the statistics in the next turn, if the program has asked for them.
    #[inline]
    pub(super) fn report_crossed(&self) {
        if let Some(main) = self.totals.main.get() {
            self.outbox.report_crossed(main);
        }
    }

    /// Starts reports about the statistics.
    pub(crate) fn watch(&self) {
        self.outbox.reports().want();
        // The worker may have applied something just before it could see this.
        self.report_crossed();
    }

    /// Writes the statistics to their reacton.
    pub(crate) fn show_progress(&self, store: &ReactonStore) {
        if let Some(owner) = &self.owner {
            self.outbox.reports().taken();
            owner.show_progress(store, self.stats());
        }
    }

    #[inline]
    pub(super) fn send_changes(&self, store: &ReactonStore, clock: u64, changes: ChangeList) {
        self.note_sent(&changes);
        self.note_merged(store, self.outbox.send_changes(clock, changes));
    }

    /// As [`send_changes`](Self::send_changes), for a change that this store wrote itself.
    #[inline]
    pub(super) fn send_change(&self, store: &ReactonStore, change: Change, slot: &LinkSlot) {
        self.note_sent(slice::from_ref(&change));
        self.note_merged(store, self.outbox.send_change(change, &slot.place));
    }

    #[inline]
    fn note_sent(&self, changes: &[Change]) {
        let mut stats = self.totals.stats.get();
        stats.transactions_sent += 1;
        stats.changes_sent += changes.len() as u64;
        stats.bytes_sent += size(changes);
        self.totals.stats.set(stats);
    }

    #[inline]
    fn note_merged(&self, store: &ReactonStore, sent: Sent) {
        match sent {
            Sent::Queued => {}
            Sent::Merged => {
                let mut stats = self.totals.stats.get();
                stats.merged += 1;
                self.totals.stats.set(stats);
            }
            Sent::Begun => {
                if let Some(owner) = &self.owner {
                    owner.queued(store);
                }
            }
        }
        self.report_crossed();
    }

    #[inline]
    pub(super) fn note_received(&self, changes: &[Change]) {
        let mut stats = self.totals.stats.get();
        stats.transactions_received += 1;
        stats.changes_received += changes.len() as u64;
        stats.bytes_received += size(changes);
        self.totals.stats.set(stats);
        self.report_crossed();
    }

    /// Ends the isolate at the other end, even in the middle of a callback.
    pub(super) fn cancel_and_close(&self) {
        self.incoming.end();
        // First the flag, then the wake-up: a waiting worker checks the flag when it wakes.
        self.outbox.cancel();
        interrupt();
        self.outbox
            .send(IsolateMessage::ReactonUnsubscribe { ids: self.slots.keys().copied().collect() });
        interrupt();
        self.outbox.send(IsolateMessage::Closed { reason: CloseReason::Disposed });
    }

    /// Reports a message whose clock its sender cannot have reached. None of it was applied.
    #[cold]
    pub(super) fn report_clock(&self, store: &ReactonStore, implausible: ImplausibleClock) {
        let ImplausibleClock { clock, own } = implausible;
        self.report(store, LinkError::Clock { worker: self.worker.clone(), clock, own });
    }

    /// Reports a value that could not be sent: main shows the error, a worker sends it to its main.
    pub(super) fn report(&self, store: &ReactonStore, error: LinkError) {
        let mut panics = FirstPanic::default();
        // A subscriber of tracing is user code.
        panics.guard(|| tracing::warn!(worker = self.worker, %error, "a change could not be sent or applied"));
        match &self.owner {
            Some(owner) => {
                panics.guard(|| owner.report(store, error));
            }
            None => {
                self.outbox.send(IsolateMessage::ValueError { error });
            }
        }
        panics.resume();
    }
}

/// The tracing event of a transaction that was sent over a link. A subscriber of tracing is user code and may write. So
/// it is called when the transaction is on all links and its batch has ended. The events of its own writes are emitted
/// before it returns, so that its guard against recursion works, if it has one.
pub(super) struct SentEvent {
    worker: String,
    reactons: Vec<&'static str>,
}

impl SentEvent {
    /// `None` if tracing has no subscriber for it.
    #[inline]
    pub(super) fn new(link: &Link, changes: &[Change]) -> Option<Self> {
        if !tracing::enabled!(tracing::Level::TRACE) {
            return None;
        }
        let slots = changes.iter().filter_map(|change| link.slot(change.id));
        let reactons = slots.map(|slot| slot.reacton_ref().name()).collect();
        Some(Self { worker: link.worker.clone(), reactons })
    }

    pub(super) fn emit(&self) {
        tracing::trace!(worker = self.worker, reactons = ?self.reactons, "sent");
    }
}

/// The names of the reactons of a transaction, built only if a subscriber reads them.
pub(super) struct Names<'c>(pub(super) &'c Link, pub(super) &'c [Change]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(link, changes) = self;
        let slots = changes.iter().filter_map(|change| link.slot(change.id));
        f.debug_list().entries(slots.map(|slot| slot.reacton_ref().name())).finish()
    }
}

fn size(changes: &[Change]) -> u64 {
    changes.iter().map(|change| change.payload.len() as u64).sum()
}

/// The changes of one transaction: a list, or a single one.
pub(super) trait Transaction: AsRef<[Change]> + IntoIterator<Item = Change> {}

impl<T: AsRef<[Change]> + IntoIterator<Item = Change>> Transaction for T {}
