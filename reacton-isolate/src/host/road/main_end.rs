//! Main's end of a road: turns frames of the worker into messages for main's inbox, and determines why the worker
//! ended.

use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::gate::Gate;
use crate::error::Mismatch;
use crate::host::keeper::{self, Receiving};
use crate::hub::owner::Silence;
use crate::link::{Outbox, ReceiveCounter, Sent};
use crate::pool::Agent;
use crate::shared::SharedSet;
use crate::wire::change::{Change, ChangeList};
use crate::wire::frame::work::Report;
use crate::wire::frame::{Frame, FrameReader, LastWords};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::WorkKey;
use crate::worker::carrier::{CarrierError, Ending};
use crate::worker::exit::Exit;
use crate::worker::setup::WorkerSetup;

/// Why nothing more is received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The road has ended.
    Ended,
    /// The worker has to be killed, for this reason; `None` if main has asked for it.
    Kill(Option<String>),
}

/// What to do after the bytes that have arrived.
#[derive(Debug)]
pub(crate) enum Step {
    /// More bytes are needed.
    Read,
    /// The spawn has to accept this answer to the handshake before more is read.
    Answer(IsolateMessage),
    /// Nothing more is read.
    Stop(Stop),
}

/// The timeouts of main.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The timeout of the handshake. `None` if the spawn has its own.
    pub(crate) answer: Option<Duration>,
    /// The timeout of a worker that applies nothing although messages are queued for it.
    pub(crate) watchdog: Option<Duration>,
}

/// Main's end of a road.
pub(crate) struct MainEnd {
    /// Sends to main's inbox.
    outbox: Outbox,
    /// Represents the worker in this process.
    agent: Arc<Agent>,
    /// Counts what the worker has applied.
    incoming: ReceiveCounter,
    /// Counts what main has applied.
    receiving: ReceiveCounter,
    limits: Limits,
    reader: FrameReader,
    gate: Gate,
    begun: Instant,
    /// What is shared, by the types of this side.
    shared: SharedSet,
    /// The first values of the worker that do not decode here.
    mismatches: Vec<Mismatch>,
    /// The worker has found no mismatch.
    agreed: bool,
    /// The other end is not heard.
    silent: bool,
    /// When the acknowledgement of the worker was accepted.
    started: Option<Instant>,
    closed: Option<CloseReason>,
    words: Option<LastWords>,
    taken: u64,
    /// The worker has done a job.
    worked: bool,
    /// The call that the worker was answering when a panic ended the process, if any.
    call: Option<WorkKey>,
    /// When the worker last applied something.
    took: Option<Instant>,
}

impl MainEnd {
    /// Returns the end of a road that begins at `begun`, with the messages of `setup`.
    pub(crate) fn new(setup: &WorkerSetup, limits: Limits, begun: Instant) -> Self {
        let main = setup.main.clone();
        let agent = Arc::clone(setup.agent.as_ref().expect("a worker behind a road has an agent"));
        let mut reader = FrameReader::default();
        reader.set_max_value(agent.sender().max_value());
        reader.set_shared(setup.shared.len(), setup.shared.has_entries());
        Self {
            outbox: Outbox::new(setup.link, main, setup.delivery, setup.outgoing.clone()),
            agent,
            incoming: setup.incoming.another(),
            receiving: setup.outgoing.receiving(),
            limits,
            reader,
            gate: Gate::default(),
            begun,
            shared: setup.shared.clone(),
            mismatches: Vec::new(),
            agreed: false,
            silent: false,
            started: None,
            closed: None,
            words: None,
            taken: 0,
            worked: false,
            call: None,
            took: None,
        }
    }

    /// Sets how many messages may wait at main before the road is read no further.
    pub(crate) fn set_gate(&mut self, most: u64) {
        self.gate = Gate::of(most);
    }

    /// Returns the reader for arriving bytes.
    pub(crate) fn reader(&mut self) -> &mut FrameReader {
        &mut self.reader
    }

    pub(crate) fn has_started(&self) -> bool {
        self.started.is_some()
    }

    /// Handles all frames that have arrived completely. Returns what to do next.
    pub(crate) fn take_frames(&mut self, now: Instant) -> Step {
        loop {
            let step = match self.reader.next() {
                Ok(Some(frame)) => self.take(frame, now),
                Ok(None) => return Step::Read,
                Err(malformed) => {
                    let message = format!("it sent a malformed frame: {}", malformed.0);
                    Step::Stop(Stop::Kill(Some(message)))
                }
            };
            if !matches!(step, Step::Read) {
                return step;
            }
        }
    }

    /// Called when the spawn has accepted or rejected the answer. If both sides agree, the worker may begin. Returns
    /// what to do next.
    pub(crate) fn answered(&mut self, taken: bool, now: Instant) -> Step {
        if !(taken && self.agreed) {
            return Step::Stop(Stop::Kill(None));
        }
        self.started = Some(now);
        self.agent.sender().release();
        if self.silent {
            self.show_silence(true);
        }
        Step::Read
    }

    fn take(&mut self, frame: Frame, now: Instant) -> Step {
        match frame {
            Frame::LastWords(words) => self.hear(words),
            Frame::Message(IsolateMessage::Closed { reason }) => self.closed = Some(reason),
            Frame::Message(IsolateMessage::HandshakeAck { mismatches }) => {
                return self.acknowledged(mismatches, now);
            }
            // May arrive after all other frames and before the answer: messages merged in the worker's inbox count at
            // once.
            Frame::Taken(number) => self.taken(number, now),
            _ if self.closed.is_some() => return unexpected(),
            Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. })
                if self.started.is_none() =>
            {
                self.check(&changes);
            }
            Frame::Message(IsolateMessage::ReactonValueChanged { clock, changes }) => {
                // The worker goes on, so the panic reported earlier was caught.
                self.words = None;
                self.agent.sender().note_heard();
                let sent = self.outbox.send_changes(clock, changes);
                self.count(sent);
            }
            Frame::Message(
                message @ (IsolateMessage::ReactonSubscribe { .. }
                | IsolateMessage::ReactonUnsubscribe { .. }
                | IsolateMessage::Marked { .. }
                | IsolateMessage::ValueError { .. }),
            ) => {
                let sent = self.outbox.send(message);
                self.count(sent);
            }
            Frame::Report(report) => {
                self.took = Some(now);
                self.worked |= matches!(report, Report::Ask { done: 1.. } | Report::Done(_));
                match self.agent.hear(report, &self.outbox) {
                    Ok(None) => {}
                    Ok(Some(sent)) => self.count(sent),
                    Err(untrue) => return Step::Stop(Stop::Kill(Some(untrue.to_owned()))),
                }
            }
            Frame::Message(_)
            | Frame::Terms(_)
            | Frame::Hello(_)
            | Frame::Start
            | Frame::Order(_) => {
                return unexpected();
            }
        }
        Step::Read
    }

    /// The worker has applied or merged so many messages.
    pub(crate) fn taken(&mut self, number: u64, now: Instant) {
        // An acknowledgement may overtake an earlier one.
        self.taken = self.taken.max(number);
        self.took = Some(now);
        self.incoming.set_received(number);
        self.outbox.report_received(&self.incoming);
    }

    /// Called when the other end is not heard any more, or is heard again. Shown when the worker has started: its answer
    /// may have arrived before the silence.
    pub(crate) fn show_silence(&mut self, silent: bool) {
        self.silent = silent;
        if self.started.is_some() {
            self.outbox.post_apart(|link| Silence { link, silent });
        }
    }

    /// Checks that first values of a worker of another build decode here. They are not installed. This runs user code.
    fn check(&mut self, changes: &ChangeList) {
        let slots = self.shared.by_id();
        for Change { id, payload, .. } in changes.iter() {
            let Some(slot) = slots.get(id) else { continue };
            let error = slot.undecodable(payload);
            self.mismatches.extend(error.map(|error| Mismatch::Value { error }));
        }
        // They are put into no inbox, so for their sender they count as applied.
        self.agent.sender().count_merged(&self.receiving);
    }

    fn acknowledged(&mut self, mut mismatches: Vec<Mismatch>, now: Instant) -> Step {
        if self.started.is_some() || self.closed.is_some() {
            return unexpected();
        }
        mismatches.append(&mut self.mismatches);
        self.agreed = mismatches.is_empty();
        let ack = IsolateMessage::HandshakeAck { mismatches };
        if self.limits.answer.is_none() {
            // The frame is put into no inbox, so for its sender it counts as applied.
            self.agent.sender().count_merged(&self.receiving);
            return Step::Answer(ack);
        }
        self.outbox.send(ack);
        self.answered(true, now)
    }

    /// Records a panic. The standard library's own panic about panics in destructors says less than the one before it,
    /// so it is ignored.
    fn hear(&mut self, words: LastWords) {
        let is_of_std = words.location.as_ref().is_some_and(|place| place.starts_with("/rustc/"));
        if self.words.is_none() || !is_of_std {
            self.words = Some(words);
        }
    }

    /// Counts a message put into main's inbox. One that is merged there counts as applied.
    fn count(&mut self, sent: Sent) {
        match sent {
            Sent::Merged => self.agent.sender().count_merged(&self.receiving),
            Sent::Queued | Sent::Begun => self.gate.count(self.reader.frame_len()),
        }
    }

    /// Returns the deadline for more bytes. After it, the caller calls [`look`](Self::look).
    pub(crate) fn waits_until(&self, now: Instant) -> Option<Instant> {
        if self.started.is_none() {
            return self.begun.checked_add(self.limits.answer?);
        }
        let watchdog = self.limits.watchdog?;
        now.checked_add((watchdog / 4).max(Duration::from_millis(1)))
    }

    /// Called when no bytes have arrived for a while: checks whether the worker takes too long. Returns `Some` if
    /// nothing more is to be read.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Stop> {
        let message = match (self.started, self.limits.answer) {
            (None, Some(timeout)) if now.duration_since(self.begun) >= timeout => {
                format!("no handshake within {timeout:?}")
            }
            (None, _) => return None,
            (Some(_), _) => self.hangs(now)?,
        };
        Some(Stop::Kill(Some(message)))
    }

    /// Returns an error message if messages are queued for the worker and it has applied nothing for too long.
    fn hangs(&mut self, now: Instant) -> Option<String> {
        let watchdog = self.limits.watchdog?;
        let is_awaited = self.incoming.waiting() > 0 || self.agent.is_awaited();
        if !is_awaited || self.closed.is_some() {
            self.took = Some(now);
            return None;
        }
        let took = *self.took.get_or_insert(now);
        (now.duration_since(took) >= watchdog).then(|| format!("took in nothing for {watchdog:?}"))
    }

    /// Called when the worker could not be started.
    pub(crate) fn fail(self, error: &CarrierError) {
        let message = error.to_string();
        let reason = if error.is_passing() {
            CloseReason::Lost { message, after: Duration::ZERO, worked: false }
        } else {
            CloseReason::Failed { message }
        };
        self.close(reason);
    }

    /// Called when the worker has ended. `after` is how long it ran. Reports the reason to main. Returns why the
    /// handshake failed, if it did.
    pub(crate) fn end(mut self, stop: Stop, ending: Ending, after: Duration) -> Option<String> {
        let reason = self.reason(stop, ending, after);
        self.close(reason)
    }

    /// Returns how long the worker has run.
    pub(crate) fn ran(&self, now: Instant) -> Duration {
        self.started.map_or(Duration::ZERO, |started| now.duration_since(started))
    }

    fn close(self, reason: CloseReason) -> Option<String> {
        self.agent.sender().end();
        let failure = reason.failure().filter(|_| self.started.is_none());
        let failure = failure.map(|(message, _)| message.to_owned());
        if let Some((message, location)) = reason.failure()
            && !matches!(reason, CloseReason::Failed { .. })
        {
            self.agent.fail(self.call, message, location);
        }
        self.outbox.send(IsolateMessage::Closed { reason });
        failure
    }

    fn reason(&mut self, stop: Stop, ending: Ending, after: Duration) -> CloseReason {
        let worked = self.taken > 1 || self.worked;
        let panicked =
            |message, location| CloseReason::Panicked { message, location, after, worked };
        match stop {
            Stop::Kill(Some(message)) => return panicked(message, None),
            Stop::Kill(None) => return CloseReason::Disposed,
            Stop::Ended => {}
        }
        match (self.closed.take(), &ending.lost) {
            // Its host has ended it, and main wants it still.
            (Some(CloseReason::Drained), Some(_)) if !self.agent.sender().has_drained() => {}
            (Some(reason), _) => return reason,
            (None, _) => {}
        }
        if let Some(message) = ending.lost {
            return CloseReason::Lost { message, after, worked };
        }
        let Some(exit) = ending.exit else {
            return panicked(String::from("its process is gone"), None);
        };
        let is_of_a_panic = exit.signal == Some(Signal::ABORT.as_raw()) || exit.code == Some(101);
        match self.words.take() {
            Some(LastWords { message, location, call }) if is_of_a_panic => {
                self.call = call;
                panicked(message, location)
            }
            words => {
                let location = words.and_then(|words| words.location);
                panicked(self.ended_as(exit, &ending.hint), location)
            }
        }
    }

    /// Returns the reason of an end without a message.
    fn ended_as(&self, exit: Exit, hint: &str) -> String {
        let mut message = exit.to_string();
        if exit.signal == Some(Signal::KILL.as_raw()) && !exit.forced {
            message.push_str("; the system may be out of memory");
        }
        if exit.is_success() && self.started.is_none() {
            message.push_str(hint);
        }
        message
    }
}

impl Receiving for MainEnd {
    fn fill(&mut self, receive: &mut dyn FnMut(&mut Vec<u8>)) {
        keeper::fill(&mut self.reader, receive);
    }

    fn is_full(&mut self) -> bool {
        self.gate.is_full(self.receiving.waiting())
    }

    fn wake_when_open(&mut self, waker: Waker) {
        self.outbox.wake_when_left(self.gate.left_when_open(), waker);
    }

    fn stop_waiting(&mut self) {
        self.outbox.stop_waiting();
    }
}

fn unexpected() -> Step {
    Step::Stop(Stop::Kill(Some(String::from("it sent a frame that no worker sends"))))
}
