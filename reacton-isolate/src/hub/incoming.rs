//! Installs the changes of an arriving transaction. User code that runs meanwhile sees and writes all of them or none.

use reacton_core::wiring::{Prepared, Wiring};
use reacton_core::{FirstPanic, ReactonStore, RefId};

use super::Hub;
use super::end::{Link, Names, Transaction};
use super::merging::Arrived;
use super::outgoing::Outgoing;
use super::route::PollOnDrop;
use crate::error::LinkError;
use crate::shared::SharedSlot;
use crate::sync::LinkId;
use crate::wire::change::{Change, ChangeList, Version};
use crate::wire::value::Payload;

/// A transaction that came over a link.
pub(super) struct Arrival<'l, W> {
    pub(super) from: LinkId,
    pub(super) link: &'l Link,
    /// The version under which main applies what a member of a pool has written.
    pub(super) own: Option<Version>,
    /// It is a job of the pool that this store is a member of.
    pub(super) is_job: bool,
    /// The largest clock of the message.
    pub(super) newest: u64,
    /// Whether a change is accepted.
    pub(super) wins: W,
}

/// A change that is decoded.
enum Ready {
    Value(Box<dyn Prepared>),
    Entries(Arrived),
}

/// The result of applying a transaction.
#[derive(Default)]
pub(super) struct Outcome {
    /// The changes to forward.
    pub(super) accepted: Vec<Outgoing>,
    /// Of the values of which entries were removed.
    pub(super) removed: Vec<SharedSlot>,
    /// Why other changes were not installed.
    pub(super) errors: Vec<LinkError>,
    /// Panics of a comparison or a `Drop`. All accepted changes are installed and forwarded nevertheless.
    pub(super) panics: FirstPanic,
    /// What installed values have replaced.
    pub(super) displaced: Vec<Box<dyn Prepared>>,
}

impl Outcome {
    pub(super) fn refuse(&mut self, change: Change, error: Option<LinkError>) {
        self.errors.extend(error);
        self.panics.guard(|| drop(change));
    }
}

impl<'l, W: Fn(&Change) -> bool> Arrival<'l, W> {
    /// The slot of a change that is accepted.
    #[inline]
    pub(super) fn slot(&self, change: &Change) -> Option<&'l SharedSlot> {
        self.link.slot(change.id).filter(|_| (self.wins)(change))
    }
}

impl<W> Arrival<'_, W> {
    /// The version of a change in this store.
    #[inline]
    pub(super) fn version(&self, id: RefId, version: Version) -> Version {
        let own = self.own.filter(|_| self.link.policy.restamps(id));
        own.unwrap_or(version)
    }

    /// The version of all entries of `id`, if they are applied whatever their versions are.
    pub(super) fn restamp(&self, id: RefId) -> Option<Version> {
        self.own.filter(|_| self.is_job || self.link.policy.restamps(id))
    }
}

impl Hub {
    /// Applies a transaction that came over a link.
    pub(super) fn take_changes(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: &Link,
        clock: u64,
        changes: impl Transaction,
    ) {
        // While this is applied, a member of a pool must not count as idle.
        let member = link.member().filter(|member| member.busy());
        let _poll = member.map(|member| PollOnDrop::new(member, store));
        self.accept(store, (id, link), clock, changes, false, |change| {
            let wins = self.wins(id, link, change.id, change.version)
                || change.payload.is_edits() && self.may_join(id, link, change.id, change.version);
            let repeats = !wins && self.sync.borrow().version(change.id) == change.version;
            self.repeats.set(self.repeats.get() + u64::from(repeats));
            wins
        });
    }

    /// Whether a change that came over a link is accepted.
    #[inline]
    pub(super) fn wins(&self, link_id: LinkId, link: &Link, id: RefId, version: Version) -> bool {
        let sync = self.sync.borrow();
        if link.policy.restamps(id) {
            sync.is_subscribed(link_id, id)
        } else {
            sync.accepts(link_id, id, version)
        }
    }

    /// Applies a job of the pool that this store is a member of, whatever its version.
    pub(crate) fn take_job(
        &self,
        store: &ReactonStore,
        id: LinkId,
        link: &Link,
        clock: u64,
        changes: ChangeList,
    ) {
        self.accept(store, (id, link), clock, changes, true, |_| true);
    }

    /// Applies the accepted changes as one transaction.
    fn accept(
        &self,
        store: &ReactonStore,
        (id, link): (LinkId, &Link),
        clock: u64,
        changes: impl Transaction,
        is_job: bool,
        wins: impl Fn(&Change) -> bool,
    ) {
        let reactons = Names(link, changes.as_ref());
        let _span = tracing::trace_span!("transaction", worker = link.worker, ?reactons).entered();
        link.note_received(changes.as_ref());
        let newest =
            changes.as_ref().iter().fold(clock, |clock, change| clock.max(change.version.clock));
        if !self.follow_clock(store, id, link, newest) {
            return;
        }
        // Also of the entries in a job, which are applied whatever their versions are.
        let has_edits = || changes.as_ref().iter().any(|change| change.payload.is_edits());
        let restamps = link.policy.pool().is_some() || is_job && has_edits();
        let own = restamps.then(|| self.sync.borrow_mut().commit(std::iter::empty()));
        let arrival = Arrival { from: id, link, own, is_job, newest, wins };
        if let [change] = changes.as_ref()
            && self.install_scalar(store, &arrival, change)
        {
            self.worked.set(true);
            return;
        }
        Wiring::of(store).take_in(|wiring| {
            let mut outcome = Outcome::default();
            if changes.as_ref().len() > 1 {
                self.install_together(wiring, &arrival, changes, &mut outcome);
            } else {
                for change in changes {
                    self.install_one(wiring, &arrival, change, &mut outcome);
                }
            }
            let Outcome { accepted, removed, errors, mut panics, displaced } = outcome;
            // Forwarded before any observer runs (rule 8).
            if !accepted.is_empty() {
                panics.guard(|| {
                    let routes = self.routes(accepted.iter().map(|change| change.id), Some(id));
                    self.send_out(store, accepted, &routes, Some(id));
                });
            }
            for value in displaced {
                value.release(wiring.store(), &mut panics);
            }
            for error in errors {
                link.report(store, error);
            }
            if !removed.is_empty() {
                let ids = removed.iter().map(|slot| slot.reacton_ref().id());
                self.begin_round_if_worth(store, ids);
            }
            self.resume_later(store, id);
            // After the round of observers, as a panic of one of them.
            panics.resume();
        });
        self.worked.set(true);
    }

    /// Installs a transaction of one change. What user code writes meanwhile is a later transaction.
    #[inline]
    pub(super) fn install_one<W: Fn(&Change) -> bool>(
        &self,
        wiring: Wiring<'_>,
        arrival: &Arrival<'_, W>,
        change: Change,
        outcome: &mut Outcome,
    ) {
        self.interruptible();
        let Some(slot) = arrival.slot(&change) else {
            return self.leave_out(arrival, change, outcome);
        };
        if change.payload.is_edits() {
            return self.install_edits(wiring, arrival, slot, change, outcome);
        }
        let (payload, announced) = (&change.payload, change.announced);
        if let Err(error) = slot.install(wiring, payload, announced, &mut outcome.panics) {
            return outcome.refuse(change, Some(error));
        }
        self.accept_change(arrival, slot, change, outcome);
    }

    /// Installs a transaction of several changes: all accepted ones are decoded, then compared, then installed. User
    /// code runs in the first two steps and when the returned values are released, so never between two installs.
    pub(super) fn install_together<W: Fn(&Change) -> bool>(
        &self,
        wiring: Wiring<'_>,
        arrival: &Arrival<'_, W>,
        changes: impl Transaction,
        outcome: &mut Outcome,
    ) {
        let mut decoded = Vec::with_capacity(changes.as_ref().len());
        for change in changes {
            self.interruptible();
            let Some(slot) = arrival.slot(&change) else {
                self.leave_out(arrival, change, outcome);
                continue;
            };
            if let Payload::Edits(edits) = &change.payload {
                match Self::decode_edits(slot, edits, arrival.newest, outcome) {
                    Some(arrived) => decoded.push((slot, change, Ready::Entries(arrived))),
                    None => outcome.refuse(change, None),
                }
                continue;
            }
            match outcome.panics.guard(|| slot.prepare(wiring, &change.payload)) {
                Some(Ok(value)) => decoded.push((slot, change, Ready::Value(value))),
                Some(Err(error)) => outcome.refuse(change, Some(error)),
                None => outcome.refuse(change, None),
            }
        }
        for (_, change, ready) in &mut decoded {
            self.interruptible();
            match ready {
                Ready::Value(value) => {
                    value.compare(wiring.store(), change.announced, &mut outcome.panics);
                }
                Ready::Entries(arrived) => arrived.compare(wiring, change.announced, outcome),
            }
        }
        outcome.displaced.reserve(decoded.len());
        let mut lost = Vec::new();
        for (slot, change, ready) in decoded {
            self.interruptible();
            // User code may have paused it meanwhile.
            let wins = (arrival.wins)(&change);
            match ready {
                Ready::Value(mut value) => {
                    if wins {
                        value.install(wiring.store());
                        self.accept_change(arrival, slot, change, outcome);
                    } else {
                        lost.push(change);
                    }
                    outcome.displaced.push(value);
                }
                Ready::Entries(arrived) if wins => {
                    self.join_edits(wiring, arrival, slot, arrived, change, outcome);
                }
                Ready::Entries(arrived) => {
                    outcome.panics.guard(|| drop(arrived));
                    self.leave_out(arrival, change, outcome);
                }
            }
        }
        outcome.panics.drop_each(lost);
    }

    /// Records that the value of `payload` was installed.
    #[inline]
    pub(super) fn hold(&self, slot: &SharedSlot, id: RefId, version: Version, payload: &Payload) {
        self.sync.borrow_mut().accept(id, version);
        self.last_bytes.note(slot, version, payload);
    }

    /// Records a change as installed: its version is now the current one.
    #[inline]
    fn accept_change<W>(
        &self,
        arrival: &Arrival<'_, W>,
        slot: &SharedSlot,
        change: Change,
        outcome: &mut Outcome,
    ) {
        let Change { id, version, announced, payload } = change;
        let version = arrival.version(id, version);
        self.hold(slot, id, version, &payload);
        if self.links.borrow().is_relayed(id, arrival.from) {
            outcome.accepted.push(Outgoing { id, version, announced, received: Some(payload) });
        }
    }
}
