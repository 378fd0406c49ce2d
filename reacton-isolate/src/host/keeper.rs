//! The keeper of a worker elsewhere: the thread that has it started, carries its messages to main, and reports its end.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reacton_core::RefId;

use super::away::Outcome;
use super::road::{self, Limits, MainEnd, Step, Stop};
use super::signal::Signal;
use super::{Failure, threads};
use crate::error::LinkError;
use crate::link::Sender;
use crate::pool::Agent;
use crate::wire::frame::Hello;
use crate::wire::message::{Introduction, IsolateMessage};
use crate::wire::value::within;
use crate::worker::away::Away;
use crate::worker::carrier::{
    Carrier, CarrierError, Departure, FirstFrames, Received, Road, unparking,
};
use crate::worker::options::Options;
use crate::worker::setup::WorkerSetup;

/// The data with which a worker elsewhere is started.
pub(super) struct Keeper {
    pub(super) setup: WorkerSetup,
    /// Main continues during the handshake, and receives its result over the link.
    pub(super) over_the_link: bool,
    pub(super) options: Options,
    pub(super) away: Arc<Away>,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) outcome: Arc<Outcome>,
}

/// How often a receiver that waits for its store looks whether the store has taken in something.
const LOOK: Duration = Duration::from_millis(10);

impl Keeper {
    fn agent(&self) -> &Arc<Agent> {
        self.setup.agent.as_ref().expect("a worker behind a road has an agent")
    }

    /// Returns the sending end of the road, where main's messages wait.
    pub(super) fn sender(&self) -> &Arc<Sender> {
        self.agent().sender()
    }

    /// Starts the thread.
    pub(super) fn start(self) -> io::Result<threads::Thread> {
        // The stack size is meant for the worker's thread, at the other end.
        let options = Options { stack_size: None, ..self.options.clone() };
        threads::start(&options, move |signal| self.run(signal))
    }

    /// The body of the keeper's thread.
    fn run(mut self, signal: &Arc<Signal>) {
        let timeout = self.options.handshake_timeout;
        let limits = Limits {
            // A `spawn` has its own timeout, after which it ends the road.
            answer: self.over_the_link.then_some(timeout),
            watchdog: self.away.process.watchdog,
        };
        let begun = Instant::now();
        let end = MainEnd::new(&self.setup, limits, begun);
        let failure = match self.set_out(begun + timeout) {
            Ok((road, writer)) => self.keep(road, writer, signal, end).map(Failure::from),
            Err(error) => {
                end.fail(&error);
                Some(Failure::of(error))
            }
        };
        if let Some(failure) = failure {
            self.outcome.set_failure(failure);
        }
    }

    /// Has the worker started, and puts its first frames before everything that main has sent since.
    fn set_out(&mut self, until: Instant) -> Result<(Box<dyn Road>, JoinHandle<()>), CarrierError> {
        let sender = Arc::clone(self.sender());
        let first = self.first_frames();
        let departure = Departure {
            name: &self.setup.name,
            path: self.away.path,
            until,
            is_cancelled: &|| sender.has_ended(),
            first: &first,
        };
        let road = self.carrier.set_out(&departure)?;
        let is_too_long = sender.limit_waiting(road.max_value());
        self.agent().limit(road.max_value());
        if let Err(error) = self.check_len(road.max_value(), is_too_long) {
            road.end(Duration::ZERO);
            return Err(error);
        }
        self.setup.init = IsolateMessage::Drain;
        let outward = road.sender();
        if !sender.attach_held(Arc::clone(&outward), first.left(road.has_sent_first())) {
            // Main has given up in the meantime.
            outward.end();
        }
        match start_writer(&sender) {
            Ok(writer) => Ok((road, writer)),
            Err(error) => {
                road.end(Duration::ZERO);
                Err(CarrierError::Failed(format!("there is no thread for its messages: {error}")))
            }
        }
    }

    /// Returns the frames with which the road begins.
    fn first_frames(&mut self) -> FirstFrames {
        if let IsolateMessage::HandshakeInit { reactons, .. } = &mut self.setup.init
            && self.carrier.is_other_program()
        {
            // They were introduced in the order of the list. This runs user code.
            for (reacton, slot) in reactons.iter_mut().zip(self.setup.shared.slots()) {
                reacton.shape = slot.shape();
            }
        }
        FirstFrames::new(&self.hello(), &self.setup.init)
    }

    /// Checks what was encoded before it was known where the worker runs. `written` is what main has written since the
    /// spawn and is too long.
    fn check_len(
        &self,
        max_value: u64,
        written: Option<(RefId, usize)>,
    ) -> Result<(), CarrierError> {
        let failed =
            |reason| CarrierError::Failed(format!("its arguments do not encode: {reason}"));
        within(self.away.args.len(), max_value).map_err(failed)?;
        let IsolateMessage::HandshakeInit { reactons, .. } = &self.setup.init else {
            return Ok(());
        };
        for Introduction { id, name, payload, .. } in reactons {
            let later = written.filter(|(written, _)| written == id).map(|(_, len)| len);
            let len = later.unwrap_or(0).max(payload.longest_part());
            within(len, max_value).map_err(|reason| too_long(name.clone(), reason))?;
        }
        // It is the question of a call, or the value of a member of a family.
        let Some((id, len)) = written else { return Ok(()) };
        let call = self.agent().answers().iter().find(|call| call.id == id);
        let name = call.map_or("a member of a family", |call| call.name);
        within(len, max_value).map_err(|reason| too_long(Cow::Borrowed(name), reason))
    }

    fn hello(&self) -> Hello {
        Hello {
            max_value: self.sender().max_value(),
            path: self.away.path.to_owned(),
            args: self.away.args.to_vec(),
            stack_size: self.options.stack_size.map(|size| size as u64),
            spin: self.options.spin,
            grace: self.away.process.grace,
            limits: self.away.process.limits,
            ..road::hello(&self.setup)
        }
    }

    /// Passes on messages until the worker has ended. Returns why the handshake failed, if it did.
    fn keep(
        &self,
        mut road: Box<dyn Road>,
        writer: JoinHandle<()>,
        signal: &Arc<Signal>,
        mut end: MainEnd,
    ) -> Option<String> {
        let stop = receive(&mut *road, signal, &mut end);
        let after = end.ran(Instant::now());
        self.sender().end();
        let is_left = end.has_started() && stop == Stop::Ended;
        let ending = road.end(if is_left { self.away.process.grace } else { Duration::ZERO });
        if let Some(exit) = ending.exit {
            self.outcome.set_exit(exit);
        }
        let _ = writer.join();
        end.end(stop, ending, after)
    }
}

fn too_long(reacton: Cow<'static, str>, reason: String) -> CarrierError {
    CarrierError::Value(LinkError::Encode { reacton, reason })
}

/// Starts the thread that writes what `sender` sends.
pub(super) fn start_writer(sender: &Arc<Sender>) -> io::Result<JoinHandle<()>> {
    let sender = Arc::clone(sender);
    thread::Builder::new()
        .name(String::from("reacton road"))
        .spawn(move || sender.write_until_ended())
}

/// One end of a road, as the thread sees it that receives there.
pub(super) trait Receiving {
    /// Receives bytes, by a call of `receive` with the place for them.
    fn fill(&mut self, receive: &mut dyn FnMut(&mut Vec<u8>));
    /// Whether so much waits at the store that nothing more may be received.
    fn is_full(&mut self) -> bool;
    /// Wakes the thread when it is not full any more.
    fn wake_when_open(&mut self, waker: Waker);
    /// Called after that, or if it waits no longer.
    fn stop_waiting(&mut self);
}

/// Waits until something happens on the road, and receives only if the store is not too far behind.
pub(super) fn receive_some(
    road: &mut dyn Road,
    end: &mut impl Receiving,
    until: Option<Instant>,
) -> Received {
    if road.is_gated() && end.is_full() {
        end.wake_when_open(unparking());
        let look = Instant::now() + LOOK;
        let until = until.map_or(look, |until| until.min(look));
        let received = end.is_full().then(|| road.receive(None, Some(until)));
        end.stop_waiting();
        if let Some(received) = received {
            return received;
        }
    }
    let mut received = Received::Idle;
    end.fill(&mut |buffer| received = road.receive(Some(buffer), until));
    received
}

/// Passes on messages until the road ends.
fn receive(road: &mut dyn Road, signal: &Arc<Signal>, end: &mut MainEnd) -> Stop {
    loop {
        let mut step = end.take_frames(Instant::now());
        while let Step::Answer(message) = step {
            step = end.answered(signal.answer(message), Instant::now());
            if matches!(step, Step::Read) {
                step = end.take_frames(Instant::now());
            }
        }
        if let Step::Stop(stop) = step {
            return stop;
        }
        let until = end.waits_until(Instant::now());
        match receive_some(road, end, until) {
            // Only a worker is asked to leave.
            Received::Bytes | Received::Leave => {}
            Received::Ended => return Stop::Ended,
            Received::Taken(number) => end.taken(number, Instant::now()),
            Received::Silent(silent) => end.show_silence(silent),
            Received::Idle => {
                if let Some(stop) = end.look(Instant::now()) {
                    return stop;
                }
            }
        }
    }
}

/// Fills a reader of frames.
pub(super) fn fill(
    reader: &mut crate::wire::frame::FrameReader,
    receive: &mut dyn FnMut(&mut Vec<u8>),
) {
    let Ok(()) = reader
        .fill(|buffer| {
            receive(buffer);
            Ok::<_, Infallible>(0)
        })
        .map(drop);
}
