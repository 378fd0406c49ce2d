//! A worker's end of a road: turns frames of main into messages for the worker's inbox, and ends the worker.

use std::sync::Arc;
use std::task::Waker;

use reacton_core::{Inbox, Peers};

use super::gate::Gate;
use super::orders::Orders;
use crate::link::{Far, Outbox, ReceiveCounter, SendCounter, Sender, Sent};
use crate::pool::{Queue, Remote};
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::frame::{Frame, Hello};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::CallRef;
use crate::worker::scope::Scope;
use crate::worker::setup::WorkerSetup;

/// A worker's end of a road.
pub(crate) struct WorkerEnd {
    /// Sends to main.
    sender: Arc<Sender>,
    /// Sends to the worker's inbox.
    outbox: Outbox,
    /// Counts what the worker has applied.
    receiving: ReceiveCounter,
    /// Counts what main has applied.
    outgoing: ReceiveCounter,
    /// Handles orders about jobs and calls.
    orders: Orders,
    gate: Gate,
    /// The bytes of the frame that is handled.
    frame_len: usize,
}

/// The content of the first frames of a road.
pub(crate) struct Introduced {
    pub(crate) hello: Hello,
    pub(crate) init: IsolateMessage,
    pub(crate) shared: SharedSet,
    /// The calls that the worker answers.
    pub(crate) answers: Vec<CallRef>,
    /// As [`Terms::types_differ`](crate::wire::frame::Terms::types_differ).
    pub(crate) types_differ: bool,
}

impl WorkerEnd {
    /// Returns the end of the road, and the setup of the worker behind it. The worker sends with `sender`, and `up`
    /// counts what it sends. `link` is a number of this process, where the worker may spawn workers of its own.
    pub(crate) fn new(
        link: LinkId,
        introduced: Introduced,
        sender: Arc<Sender>,
        up: SendCounter,
        scope: Scope,
        peers: Option<Arc<dyn Peers>>,
    ) -> (Self, WorkerSetup) {
        let Introduced { hello, init, shared, answers, types_differ } = introduced;
        let delivery = super::delivery(&hello);
        let inbox = Inbox::new();
        if let Some(spin) = hello.spin {
            inbox.set_spin(spin);
        }
        let remote = |is_pool| Arc::new(Remote::new(Arc::clone(&sender), answers, is_pool));
        let queue = hello.queue.map(remote);
        let mailbox = inbox.weak_mailbox();
        let down = SendCounter::default();
        let end = Self {
            sender: Arc::clone(&sender),
            receiving: down.receiving(),
            outgoing: up.receiving(),
            orders: Orders { link, mailbox, queue: queue.clone(), job: None },
            outbox: Outbox::new(link, Far::Store(inbox.mailbox()), delivery, down),
            gate: Gate::default(),
            frame_len: 0,
        };
        let setup = WorkerSetup {
            name: hello.name,
            link,
            inbox,
            main: Far::Road(sender),
            agent: None,
            delivery,
            shared,
            init,
            types_differ,
            incoming: end.receiving.another(),
            outgoing: up,
            queue: queue.map(Queue::Away),
            scope,
            peers,
        };
        (end, setup)
    }

    /// Sets how many messages may wait for the worker before the road is read no further.
    pub(crate) fn set_gate(&mut self, most: u64) {
        self.gate = Gate::of(most);
    }

    /// Called when the worker exists: makes it look for its first job.
    pub(crate) fn begin(&self) {
        self.orders.begin();
    }

    /// Handles a frame of main. Returns whether the frame allows the worker to begin.
    pub(crate) fn take(&mut self, frame: Frame) -> bool {
        match frame {
            Frame::Start => return true,
            Frame::Message(IsolateMessage::ReactonValueChanged { clock, changes }) => {
                let Some(changes) = self.orders.take_job(clock, changes) else { return false };
                self.sender.note_heard();
                let sent = self.outbox.send_changes(clock, changes);
                self.count(sent);
            }
            Frame::Message(message) => {
                let sent = self.outbox.send(message);
                self.count(sent);
            }
            Frame::Taken(number) => self.outgoing.set_received(number),
            Frame::Order(order) => {
                self.sender.note_heard();
                self.orders.follow(order, &self.outbox);
            }
            Frame::Terms(_) | Frame::Hello(_) | Frame::LastWords(_) | Frame::Report(_) => {}
        }
        false
    }

    /// Called when the host is about to end: the worker does what has arrived, and ends. This is no frame, so the gate does
    /// not count it.
    pub(crate) fn leave(&mut self) {
        self.outbox.send(IsolateMessage::Drain);
    }

    /// Counts a message put into the worker's inbox. One that is merged there counts as applied.
    fn count(&mut self, sent: Sent) {
        match sent {
            Sent::Merged => self.sender.count_merged(&self.receiving),
            Sent::Queued | Sent::Begun => self.gate.count(self.frame_len),
        }
    }

    /// Sets the size of the frame that is handled next.
    pub(crate) fn count_bytes(&mut self, frame_len: usize) {
        self.frame_len = frame_len;
    }

    /// Whether so much waits for the worker that nothing more may be received.
    pub(crate) fn is_full(&mut self) -> bool {
        self.gate.is_full(self.receiving.waiting())
    }

    /// Wakes a thread when it is not full any more. [`stop_waiting`](Self::stop_waiting) has to follow.
    pub(crate) fn wake_when_open(&self, waker: Waker) {
        self.outbox.wake_when_left(self.gate.left_when_open(), waker);
    }

    pub(crate) fn stop_waiting(&self) {
        self.outbox.stop_waiting();
    }

    /// Called when the road has ended. Nothing that the worker sends is applied any more, and the worker has to end, as
    /// after main's `Closed` (rule 15).
    pub(crate) fn end(self) {
        self.outgoing.end();
        self.orders.end();
        self.outbox.cancel();
        self.outbox.send(IsolateMessage::Closed { reason: CloseReason::Disposed });
    }
}
