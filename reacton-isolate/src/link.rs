//! The sending end of a link: how a message reaches the other store's inbox, alone or merged.

mod flush;
mod items;
mod latest;
mod limits;
#[cfg(feature = "process")]
mod road;
mod sink;
mod stats;

use std::fmt;
use std::sync::Arc;

#[cfg(feature = "process")]
use reacton_core::Arrival;
use reacton_core::{InlineItem, Mailbox, ReadShared, SharedItem};

pub(crate) use self::items::{Handed, Item, Short, Token, changes_in, list as list_changes};
pub(crate) use self::latest::Place;
use self::latest::{Pending, Slot};
#[cfg(feature = "process")]
pub use self::road::RoadSender;
#[cfg(feature = "process")]
pub(crate) use self::road::{FarCall, Sender};
pub use self::sink::{SinkQueue, Taken};
pub use self::stats::LinkStats;
use self::stats::Reports;
pub(crate) use self::stats::{ReceiveCounter, ReportItem, SendCounter, Totals};
use crate::sync::LinkId;
use crate::wire::change::{Change, ChangeList, ChangeWords, Version};
use crate::wire::message::IsolateMessage;
#[cfg(feature = "process")]
use crate::wire::ticket::WorkKey;
use crate::wire::ticket::{Outcome, Ticket};
use crate::wire::value::Payload;

/// What a side receives that falls behind. It applies to both directions of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Every transaction, exactly once, in order. The queue grows as long as the receiver is behind.
    #[default]
    Every,
    /// Consecutive transactions merged into one: the receiver always sees a state that the sender really had.
    /// At most one value of each shared reacton waits.
    Latest,
}

/// The sending end of one direction.
pub(crate) struct Outbox {
    link: LinkId,
    lane: Lane,
    counter: SendCounter,
}

/// How messages reach the other end. An enum, not a trait, so that sending a change makes no virtual call.
enum Lane {
    /// Each message is an item of the inbox.
    Every(Mailbox),
    /// Pending messages are merged in a slot shared by both ends, and the inbox holds one item for all of them.
    Latest(Mailbox, Arc<Slot>),
    /// The other store is in another process, at the end of a road. A cold arm.
    #[cfg(feature = "process")]
    Road(Arc<Sender>),
    /// There is no other store: a thread takes what waits.
    Sink(Arc<SinkQueue>),
}

/// Where the other end of a link is.
#[derive(Clone)]
pub(crate) enum Far {
    /// In this process: the store of this inbox.
    Store(Mailbox),
    /// In another process.
    #[cfg(feature = "process")]
    Road(Arc<Sender>),
    /// There is none.
    Sink(Arc<SinkQueue>),
}

impl From<Mailbox> for Far {
    fn from(mailbox: Mailbox) -> Self {
        Self::Store(mailbox)
    }
}

/// The result of sending a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    Queued,
    Merged,
    /// It is the first one that waits for the thread of a sink.
    Begun,
}

impl Outbox {
    pub(crate) fn new(
        link: LinkId,
        far: impl Into<Far>,
        delivery: Delivery,
        counter: SendCounter,
    ) -> Self {
        let lane = match (far.into(), delivery) {
            (Far::Store(mailbox), Delivery::Every) => Lane::Every(mailbox),
            (Far::Store(mailbox), Delivery::Latest) => Lane::Latest(mailbox, Arc::default()),
            #[cfg(feature = "process")]
            (Far::Road(sender), _) => Lane::Road(sender),
            (Far::Sink(queue), _) => Lane::Sink(queue),
        };
        Self { link, lane, counter }
    }

    /// Sends a message; never blocks. Does nothing if the other store has ended.
    pub(crate) fn send(&self, message: IsolateMessage) -> Sent {
        match &self.lane {
            Lane::Every(mailbox) => {
                self.counter.count_sent();
                mailbox.post(Item { link: self.link, message });
                Sent::Queued
            }
            Lane::Latest(mailbox, pending) => {
                self.merge(mailbox, pending, |slot| slot.merge(message))
            }
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.send(message),
            Lane::Sink(queue) => queue.put(message),
        }
    }

    /// Sends a call as an item of its own, behind everything sent before; it is never merged. Returns `false` if the
    /// call has already ended.
    pub(crate) fn send_call(
        &self,
        number: u64,
        ticket: Arc<Ticket>,
        reader: &'static dyn ReadShared,
    ) -> bool {
        match &self.lane {
            Lane::Every(mailbox) | Lane::Latest(mailbox, _) => {
                self.post_ticket(mailbox, number, ticket, reader);
                true
            }
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.send_call(WorkKey { queued: false, number }, &ticket),
            // It answers none.
            Lane::Sink(_) => false,
        }
    }

    /// Returns a call received through [`send_call`](Self::send_call), with its answer.
    pub(crate) fn send_back(
        &self,
        number: u64,
        ticket: Arc<Ticket>,
        reader: &'static dyn ReadShared,
    ) {
        match &self.lane {
            Lane::Every(mailbox) | Lane::Latest(mailbox, _) => {
                self.post_ticket(mailbox, number, ticket, reader);
            }
            #[cfg(feature = "process")]
            Lane::Road(sender) => {
                sender.send_answer(WorkKey { queued: false, number }, &ticket.take_answer(), true);
            }
            Lane::Sink(_) => {}
        }
    }

    fn post_ticket(
        &self,
        mailbox: &Mailbox,
        number: u64,
        ticket: Arc<Ticket>,
        reader: &'static dyn ReadShared,
    ) {
        self.counter.count_sent();
        let words = [self.link.0, number, 0, 0];
        mailbox.post_shared(SharedItem { words, value: ticket, reader });
    }

    /// Of a worker's end: sends the answer of a call that did not come over the link.
    #[cfg_attr(not(feature = "process"), expect(clippy::unused_self, reason = "as with processes"))]
    pub(crate) fn send_direct_answer(&self, ticket: &Ticket, outcome: Outcome) {
        #[cfg(feature = "process")]
        if let (Lane::Road(sender), Some(key)) = (&self.lane, ticket.key()) {
            return sender.send_answer(key, &outcome, false);
        }
        ticket.complete(outcome);
    }

    /// Sends a transaction, as [`send`](Self::send). If it is one short change of the sender's own, so that the clocks
    /// are equal, it is sent inline, without a message around it.
    #[inline]
    pub(crate) fn send_changes(&self, clock: u64, changes: ChangeList) -> Sent {
        if let (Lane::Every(mailbox), [change]) = (&self.lane, &changes[..])
            && change.version.clock == clock
        {
            if let Some(numbers) = change.to_words() {
                self.post_short(mailbox, numbers);
                return Sent::Queued;
            }
            if !matches!(change.payload, Payload::Bytes(_)) {
                return self.hand_over(mailbox, changes);
            }
        }
        self.send(IsolateMessage::ReactonValueChanged { clock, changes })
    }

    /// As [`send_changes`](Self::send_changes), for a change that its sender wrote itself. `guess` is the reacton's, of this
    /// link.
    #[inline]
    pub(crate) fn send_change(&self, change: Change, guess: &Place) -> Sent {
        let clock = change.version.clock;
        match &self.lane {
            Lane::Every(mailbox) => {
                if let Some(numbers) = change.to_words() {
                    self.post_short(mailbox, numbers);
                    return Sent::Queued;
                }
                self.send_changes(clock, ChangeList::one(change))
            }
            Lane::Latest(mailbox, pending) => {
                // As `merge`, but the change is not copied into a closure.
                let mut slot = pending.lock();
                let was_empty = slot.is_empty();
                let displaced = slot.merge_change(clock, change, guess);
                drop(slot);
                drop(displaced);
                self.merged(mailbox, pending, was_empty)
            }
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.send_change(clock, change),
            Lane::Sink(queue) => queue.put_change(clock, change, guess),
        }
    }

    /// Sends one short change inline.
    #[inline]
    fn post_short(&self, mailbox: &Mailbox, [id, clock, site, first, second, third]: ChangeWords) {
        let words = [self.link.0, id, clock, site, first, second, third];
        self.counter.count_sent();
        mailbox.post_inline(InlineItem { words, reader: &Short });
    }

    /// Sends the one change of a list, with its value or its edits in an `Arc`.
    fn hand_over(&self, mailbox: &Mailbox, changes: ChangeList) -> Sent {
        for Change { id, version: Version { clock, site }, announced, payload } in changes {
            let Some((value, reader)) = Handed::of(payload, announced) else { continue };
            let words = [self.link.0, id.as_u64(), clock, site];
            self.counter.count_sent();
            mailbox.post_shared(SharedItem { words, value, reader });
        }
        Sent::Queued
    }

    /// Calls `merge`. The values that it replaces are returned, to be dropped outside of the lock.
    #[inline]
    fn merge<U>(
        &self,
        mailbox: &Mailbox,
        pending: &Arc<Slot>,
        merge: impl FnOnce(&mut Pending) -> U,
    ) -> Sent {
        let (was_empty, displaced) = {
            let mut slot = pending.lock();
            let was_empty = slot.is_empty();
            (was_empty, merge(&mut slot))
        };
        drop(displaced);
        self.merged(mailbox, pending, was_empty)
    }

    /// Puts the token of a slot into the inbox if it was empty before.
    #[inline]
    fn merged(&self, mailbox: &Mailbox, pending: &Arc<Slot>, was_empty: bool) -> Sent {
        if was_empty {
            self.counter.count_sent();
            mailbox.post(Token { link: self.link, pending: Arc::clone(pending) });
            Sent::Queued
        } else {
            Sent::Merged
        }
    }

    /// Puts an item into the other store's inbox that is no message of the link. Does nothing on a road.
    #[cfg(feature = "process")]
    pub(crate) fn post_apart<A: Arrival + 'static>(&self, item: impl FnOnce(LinkId) -> A) {
        if let Lane::Every(mailbox) | Lane::Latest(mailbox, _) = &self.lane {
            mailbox.post(item(self.link));
        }
    }

    /// Wakes `waker` when the other end has applied all but so many of the messages sent so far. It may be woken late or
    /// not at all if the other end applies something just now. [`stop_waiting`](Self::stop_waiting) has to follow.
    #[cfg(feature = "process")]
    pub(crate) fn wake_when_left(&self, waiting: u64, waker: std::task::Waker) {
        self.counter.flush().register(waker);
        self.counter.flush().notify_from(self.counter.received_when_left(waiting));
    }

    /// The number of messages queued at the other end; merged ones count as one.
    pub(crate) fn queued(&self) -> u64 {
        self.counter.queued()
    }

    /// The counter with which to wait until the other end has applied more. That end notifies from now on, until
    /// [`stop_waiting`](Self::stop_waiting).
    pub(crate) fn wait_for_receiver(&self) -> SendCounter {
        self.counter.flush().notify_from(0);
        // The other end may have missed the request in earlier messages. With this one it sees it. What a road acknowledges is
        // counted by this process, which does not miss it.
        if !self.is_road() {
            self.send(IsolateMessage::ReactonSubscribe { held: Vec::new() });
        }
        self.counter.clone()
    }

    pub(crate) fn stop_waiting(&self) {
        self.counter.flush().notify_from(flush::NEVER);
    }

    /// Of a worker's end: whether to report statistics to the store that spawned the worker.
    pub(crate) fn reports(&self) -> &Reports {
        self.counter.reports()
    }

    /// Of main's end: reports a change of the statistics for the next turn of `main`, if it wants that.
    #[inline]
    pub(crate) fn report_crossed(&self, main: &Mailbox) {
        self.reports().report(main, self.link);
    }

    /// Of a worker's end: reports that it has applied a message counted by `incoming`.
    #[inline]
    pub(crate) fn report_received(&self, incoming: &ReceiveCounter) {
        match &self.lane {
            Lane::Every(mailbox) | Lane::Latest(mailbox, _) => {
                incoming.reports().report(mailbox, self.link);
            }
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.report_received(incoming),
            Lane::Sink(_) => {}
        }
    }

    /// Whether the other end learns only through messages what this one has applied.
    #[inline]
    pub(crate) fn is_road(&self) -> bool {
        match &self.lane {
            Lane::Every(_) | Lane::Latest(..) | Lane::Sink(_) => false,
            #[cfg(feature = "process")]
            Lane::Road(_) => true,
        }
    }

    /// Whether there is no store at the other end.
    #[inline]
    pub(crate) fn is_sink(&self) -> bool {
        matches!(self.lane, Lane::Sink(_))
    }

    /// Tells the store at the other end to end, even in the middle of a callback.
    pub(crate) fn cancel(&self) {
        match &self.lane {
            Lane::Every(mailbox) | Lane::Latest(mailbox, _) => mailbox.cancel(),
            // The end of the road cancels the store at its other end.
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.end(),
            Lane::Sink(queue) => queue.close(),
        }
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("link", &self.link).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use reacton_core::{Inbox, RefId};

    use super::*;
    use crate::wire::value::Encoded;

    fn change(id: &str, clock: u64, announced: bool) -> IsolateMessage {
        let payload = Payload::Bytes(Encoded::from(&[u8::try_from(clock).unwrap_or(0)][..]));
        let version = Version { clock, site: 1 };
        let changes = vec![Change { id: RefId::of(id), version, announced, payload }].into();
        IsolateMessage::ReactonValueChanged { clock, changes }
    }

    /// A value whose drop sends over its own link, once.
    struct Parting(Arc<Outbox>);

    impl Drop for Parting {
        fn drop(&mut self) {
            self.0.send(change("parting", 9, false));
        }
    }

    #[test]
    fn what_is_displaced_is_dropped_outside_of_the_lock() {
        let inbox = Inbox::new();
        let outbox = Arc::new(Outbox::new(
            LinkId(1),
            inbox.mailbox(),
            Delivery::Latest,
            SendCounter::default(),
        ));
        let counted = |clock| {
            let payload = Payload::Counted(Arc::new(Parting(Arc::clone(&outbox))));
            let version = Version { clock, site: 1 };
            let changes =
                vec![Change { id: RefId::of("a"), version, announced: false, payload }].into();
            IsolateMessage::ReactonValueChanged { clock, changes }
        };
        assert_eq!(outbox.send(counted(1)), Sent::Queued);
        // If the lock were held, this would block for ever.
        assert_eq!(outbox.send(counted(2)), Sent::Merged);
        let Lane::Latest(_, pending) = &outbox.lane else { panic!("the link merges") };
        let pending = std::mem::take(&mut *pending.lock());
        assert_eq!(
            pending.changes.len(),
            2,
            "the value and the drop of its counter are two changes"
        );
    }

    #[test]
    fn a_token_is_sent_once_until_it_is_taken() {
        let inbox = Inbox::new();
        let outbox =
            Outbox::new(LinkId(1), inbox.mailbox(), Delivery::Latest, SendCounter::default());
        let sent = [1, 2, 3].map(|clock| outbox.send(change("a", clock, false)));
        assert_eq!((sent, outbox.queued()), ([Sent::Queued, Sent::Merged, Sent::Merged], 1));
    }
}
