//! One end of a link, as the hub of its store keeps it: what is shared over it, who stands behind it, what has crossed.

use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::slice;
use std::sync::Arc;

use reacton_core::{FirstPanic, Mailbox, ReactonStore, RefId, RefMap};

use crate::error::LinkError;
use crate::isolate::supervise::Isolate;
use crate::link::{LinkStats, Outbox, Sent, Traffic};
use crate::pool::{Crew, Jobs};
use crate::shared::{SharedSet, SharedSlot};
use crate::testing::interrupt;
use crate::wire::message::{Change, ChangeList, CloseReason, IsolateMessage};

/// One end of a link.
pub(crate) struct Link {
    /// The worker behind it, or the one whose end this is.
    pub(super) worker: String,
    pub(super) outbox: Rc<Outbox>,
    pub(super) incoming: Arc<Traffic>,
    pub(super) slots: RefMap<SharedSlot>,
    /// What the main store keeps of the isolate; the worker's end has none.
    pub(super) isolate: Option<Rc<Isolate>>,
    /// Of a worker's end: the jobs of the pool that it is a member of.
    pub(super) jobs: Option<Arc<Jobs>>,
    /// Of the main store: while the link is open, it counts on something to arrive. The worker's thread, which may
    /// outlive the link, says nothing about that.
    pub(super) expects: Option<Mailbox>,
    /// Drain was the last thing to be sent: nothing follows it (rule 14).
    pub(super) drained: Cell<bool>,
    pub(super) stats: Rc<Cell<LinkStats>>,
}

impl Link {
    /// The end of the store that spawns.
    pub(crate) fn of_main(
        isolate: Rc<Isolate>,
        outbox: Rc<Outbox>,
        incoming: Arc<Traffic>,
    ) -> Self {
        Self {
            worker: isolate.name().to_owned(),
            outbox,
            incoming,
            slots: isolate.shared().by_id(),
            jobs: None,
            expects: None,
            drained: Cell::new(false),
            stats: isolate.counted(),
            isolate: Some(isolate),
        }
    }

    /// The end of the worker of that name.
    pub(crate) fn of_worker(
        worker: String,
        outbox: Rc<Outbox>,
        incoming: Arc<Traffic>,
        shared: &SharedSet,
    ) -> Self {
        Self {
            worker,
            outbox,
            incoming,
            slots: shared.by_id(),
            isolate: None,
            jobs: None,
            expects: None,
            drained: Cell::new(false),
            stats: Rc::default(),
        }
    }

    pub(crate) fn with_jobs(self, jobs: Option<Arc<Jobs>>) -> Self {
        Self { jobs, ..self }
    }

    pub(crate) fn stats(&self) -> LinkStats {
        let (queued, waiting) = (self.outbox.queued(), self.incoming.on_its_way());
        LinkStats { queued, waiting, ..self.stats.get() }
    }

    pub(crate) fn isolate(&self) -> Option<&Rc<Isolate>> {
        self.isolate.as_ref()
    }

    /// The jobs of the pool that this worker is a member of.
    pub(crate) fn jobs(&self) -> Option<&Jobs> {
        self.jobs.as_deref()
    }

    /// The pool that the worker behind it is a member of.
    #[inline]
    pub(super) fn crew(&self) -> Option<&Rc<Crew>> {
        self.isolate.as_ref()?.crew()
    }

    /// Whether what comes of `id` is taken in as though main had written it: a member of a pool writes so. It need not be
    /// newer than what the other members have written. What goes to all of them is shared as with any worker.
    #[inline]
    pub(super) fn writes_in_mains_name(&self, id: RefId) -> bool {
        self.crew().is_some_and(|crew| !crew.is_for_all(id))
    }

    pub(super) fn takes(&self, id: RefId) -> bool {
        self.isolate.as_ref().is_none_or(|isolate| !isolate.pauses(id))
    }

    /// A message was taken in. A worker reports that its queue is shorter, if main shows that.
    pub(super) fn note_taken(&self) {
        self.incoming.note_taken();
        if self.isolate.is_none() {
            self.outbox.report_taken(&self.incoming);
        }
    }

    /// Of the main store: what has crossed is shown in the next turn, if the program has asked for that.
    #[inline]
    fn report_crossed(&self) {
        if let Some(isolate) = &self.isolate {
            isolate.report_crossed(&self.outbox);
        }
    }

    /// From now on what crosses is reported.
    pub(crate) fn watch(&self) {
        self.outbox.reports().want();
        // The worker may have taken in something meanwhile, and not have seen this.
        self.report_crossed();
    }

    /// What has crossed is reported: the reacton is written.
    pub(crate) fn show_progress(&self, store: &ReactonStore) {
        if let Some(isolate) = &self.isolate {
            self.outbox.reports().taken();
            isolate.show_progress(store, self.stats());
        }
    }

    #[inline]
    pub(super) fn send_changes(&self, clock: u64, changes: ChangeList) {
        self.note_sent(&changes);
        self.note_merged(self.outbox.send_changes(clock, changes));
    }

    /// As [`send_changes`](Self::send_changes), for a change that this store wrote itself.
    #[inline]
    pub(super) fn send_change(&self, change: Change) {
        self.note_sent(slice::from_ref(&change));
        self.note_merged(self.outbox.send_change(change));
    }

    #[inline]
    fn note_sent(&self, changes: &[Change]) {
        let mut stats = self.stats.get();
        stats.transactions_sent += 1;
        stats.changes_sent += changes.len() as u64;
        stats.bytes_sent += size(changes);
        self.stats.set(stats);
    }

    #[inline]
    fn note_merged(&self, sent: Sent) {
        if sent == Sent::Merged {
            let mut stats = self.stats.get();
            stats.merged += 1;
            self.stats.set(stats);
        }
        self.report_crossed();
    }

    #[inline]
    pub(super) fn note_received(&self, changes: &[Change]) {
        let mut stats = self.stats.get();
        stats.transactions_received += 1;
        stats.changes_received += changes.len() as u64;
        stats.bytes_received += size(changes);
        self.stats.set(stats);
        self.report_crossed();
    }

    /// Tells an isolate that it is over.
    pub(super) fn part(&self) {
        // First the flag, then what wakes it: a worker that waits looks at the flag when it wakes.
        self.outbox.cancel();
        interrupt();
        self.outbox
            .send(IsolateMessage::ReactonUnsubscribe { ids: self.slots.keys().copied().collect() });
        interrupt();
        self.outbox.send(IsolateMessage::Closed { reason: CloseReason::Disposed });
    }

    /// Tells of something that did not get across: main shows it, a worker sends it to its main.
    pub(super) fn report(&self, store: &ReactonStore, error: LinkError) {
        let mut panics = FirstPanic::default();
        // A subscriber of tracing is user code.
        panics.guard(|| tracing::warn!(worker = self.worker, %error, "something did not cross"));
        match &self.isolate {
            Some(isolate) => {
                panics.guard(|| isolate.panel().report(store, error));
            }
            None => {
                self.outbox.send(IsolateMessage::Trouble { error });
            }
        }
        panics.resume();
    }
}

/// The event of a transaction that was sent over a link. A subscriber of tracing is user code and may write, so it is called when
/// the transaction is on all links and its batch has ended. A subscriber that guards itself against the events of its own writes
/// is in its guard while these are emitted.
pub(super) struct SentEvent {
    worker: String,
    reactons: Vec<&'static str>,
}

impl SentEvent {
    /// `None` if no subscriber is interested.
    #[inline]
    pub(super) fn new(link: &Link, changes: &[Change]) -> Option<Self> {
        if !tracing::enabled!(tracing::Level::TRACE) {
            return None;
        }
        let slots = changes.iter().filter_map(|change| link.slots.get(&change.id));
        let reactons = slots.map(|slot| slot.reacton_ref().name()).collect();
        Some(Self { worker: link.worker.clone(), reactons })
    }

    pub(super) fn emit(&self) {
        tracing::trace!(worker = self.worker, reactons = ?self.reactons, "sent");
    }
}

/// The reactons of a transaction, spelt out only if somebody listens.
pub(super) struct Names<'c>(pub(super) &'c Link, pub(super) &'c [Change]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(link, changes) = self;
        let slots = changes.iter().filter_map(|change| link.slots.get(&change.id));
        f.debug_list().entries(slots.map(|slot| slot.reacton_ref().name())).finish()
    }
}

fn size(changes: &[Change]) -> u64 {
    changes.iter().map(|change| change.payload.len() as u64).sum()
}

/// The changes of one transaction, in a list or alone.
pub(super) trait Transaction: AsRef<[Change]> + IntoIterator<Item = Change> {}

impl<T: AsRef<[Change]> + IntoIterator<Item = Change>> Transaction for T {}
