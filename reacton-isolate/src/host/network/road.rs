//! One road of a simulation: what can happen next on it, and main's end.

mod far;

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::far::{Absent, Far, killed};
use super::bytes::{Direction, End, Stream};
use crate::host::road::{self, Limits, MainEnd, Step, Stop};
use crate::host::signal::Signal;
use crate::host::simulated::Simulated;
use crate::host::world::World;
use crate::host::{Host, Start};
use crate::link::{SendCounter, Sender};
use crate::sync::LinkId;
use crate::wire::frame::Batch;
use crate::wire::message::IsolateMessage;
use crate::worker::carrier::Ending;
use crate::worker::exit::Exit;

/// Something that can happen on a road.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Move {
    /// The process of the worker is started.
    Begin,
    /// A writer sends some of the queued bytes.
    Send(Direction),
    /// Bytes arrive, or the end of the road.
    Arrive(Direction),
    /// The spawn accepts the worker's answer, or rejects it.
    Answer,
    /// The process exits: its worker has ended, and everything has been sent.
    Exit,
    /// Main learns that the worker has ended.
    Close,
}

impl Move {
    /// Returns its name in a trace.
    pub(in crate::host) fn what(self) -> &'static str {
        match self {
            Self::Begin => "a process starts",
            Self::Send(Direction::Down) => "main writes to a road",
            Self::Send(Direction::Up) => "a worker writes to a road",
            Self::Arrive(Direction::Down) => "a worker reads from its road",
            Self::Arrive(Direction::Up) => "main reads from a road",
            Self::Answer => "an answer to a handshake is taken",
            Self::Exit => "a process exits",
            Self::Close => "main learns how a process has ended",
        }
    }
}

/// Main's side: the role of the keeper of a process.
struct Main {
    end: MainEnd,
    state: Reading,
}

enum Reading {
    Bytes,
    /// The spawn has not accepted the worker's answer yet.
    Answer,
    Stopped(Stop),
}

pub(in crate::host) struct Road {
    link: LinkId,
    stream: Arc<Stream>,
    /// Sends from main to the worker.
    down: Arc<Sender>,
    /// Sends from the worker to main.
    up: Arc<Sender>,
    counter: SendCounter,
    /// The first frames.
    first: RefCell<Batch>,
    /// `None` while a step of main's side is in progress, and at the end.
    main: RefCell<Option<Main>>,
    far: RefCell<Far>,
    signal: Arc<Signal>,
    exit: Arc<Mutex<Option<Exit>>>,
    failure: Arc<Mutex<Option<String>>>,
    host: Arc<Simulated>,
}

impl Road {
    pub(super) fn new(
        host: &Arc<Simulated>,
        start: Start,
        signal: Arc<Signal>,
        exit: Arc<Mutex<Option<Exit>>>,
    ) -> Self {
        let Start { setup, entry, over_the_link } = start;
        // A real keeper limits a restart's handshake by the timeout of its sleep on the socket. Here no time passes
        // meanwhile, so there is no limit.
        let limits = Limits { answer: over_the_link.then_some(Duration::MAX), watchdog: None };
        let end = MainEnd::new(&setup, limits, host.now());
        let mut first = Batch::default();
        first.hello(&road::hello(&setup));
        first.message(&setup.init);
        let counter = SendCounter::default();
        let agent = setup.agent.expect("a worker behind a road has an agent");
        Self {
            link: setup.link,
            stream: Arc::new(Stream::new(host)),
            down: Arc::clone(agent.sender()),
            up: Arc::new(Sender::new(setup.delivery, counter.clone())),
            counter,
            first: RefCell::new(first),
            main: RefCell::new(Some(Main { end, state: Reading::Bytes })),
            far: RefCell::new(Far::Absent(Absent {
                entry,
                shared: setup.shared,
                answers: agent.answers().to_vec(),
                scope: setup.scope,
            })),
            signal,
            exit,
            failure: Arc::default(),
            host: Arc::clone(host),
        }
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn sender(&self) -> Arc<Sender> {
        Arc::clone(&self.down)
    }

    pub(super) fn failure(&self) -> Arc<Mutex<Option<String>>> {
        Arc::clone(&self.failure)
    }

    fn end_of(&self, direction: Direction) -> Arc<End> {
        Arc::new(End { stream: Arc::clone(&self.stream), direction })
    }

    /// Calls `add` for each thing that can happen next.
    pub(super) fn moves(&self, mut add: impl FnMut(Move)) {
        match &*self.far.borrow() {
            Far::Absent(_) => add(Move::Begin),
            Far::Running { actor, .. } if actor.has_ended() && self.up.is_flushed() => {
                add(Move::Exit);
            }
            Far::Reading(..) | Far::Running { end: Some(_), .. }
                if self.stream.has_arrivals(Direction::Down) =>
            {
                add(Move::Arrive(Direction::Down));
            }
            _ => {}
        }
        for (direction, sender) in [(Direction::Down, &self.down), (Direction::Up, &self.up)] {
            if sender.is_due() && self.stream.takes(direction) {
                add(Move::Send(direction));
            }
        }
        match self.main.borrow().as_ref().map(|main| &main.state) {
            Some(Reading::Bytes) if self.stream.has_arrivals(Direction::Up) => {
                add(Move::Arrive(Direction::Up));
            }
            Some(Reading::Answer) if self.signal.is_taken().is_some() => add(Move::Answer),
            Some(Reading::Stopped(_)) if self.is_over() || self.is_to_be_killed() => {
                add(Move::Close);
            }
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        matches!(&*self.far.borrow(), Far::Over(_))
    }

    /// Returns whether main has decided to kill the process, and it can be killed now.
    fn is_to_be_killed(&self) -> bool {
        let main = self.main.borrow();
        let Some(Main { end, state: Reading::Stopped(stop) }) = main.as_ref() else { return false };
        // Otherwise the process ends by itself, within its grace period.
        !(end.has_started() && *stop == Stop::Ended) && self.can_be_killed()
    }

    /// Does one of these things. Returns whether it was the last one.
    pub(super) fn follow(&self, next: Move, world: &World) -> bool {
        match next {
            Move::Begin => self.begin(),
            Move::Send(Direction::Down) => self.down.write_some(),
            Move::Send(Direction::Up) => self.up.write_some(),
            Move::Arrive(Direction::Down) => self.arrive_down(world),
            Move::Arrive(Direction::Up) => self.arrive_up(),
            Move::Answer => self.answer(),
            Move::Exit => self.exit(),
            Move::Close => {
                self.close(world);
                return true;
            }
        }
        false
    }

    /// Bytes arrive at main's side.
    fn arrive_up(&self) {
        let Some(mut main) = self.main.take() else { return };
        if self.stream.receive(Direction::Up, main.end.reader()) {
            let step = main.end.take_frames(self.host.now());
            self.take(&mut main, step);
        } else {
            main.state = Reading::Stopped(Stop::Ended);
        }
        self.main.replace(Some(main));
    }

    fn take(&self, side: &mut Main, step: Step) {
        side.state = match step {
            Step::Read => Reading::Bytes,
            Step::Answer(message) => {
                self.signal.offer(message);
                Reading::Answer
            }
            Step::Stop(why) => Reading::Stopped(why),
        };
    }

    fn answer(&self) {
        let Some(mut main) = self.main.take() else { return };
        let now = self.host.now();
        let mut step = main.end.answered(self.signal.is_taken() == Some(true), now);
        if matches!(step, Step::Read) {
            step = main.end.take_frames(now);
        }
        self.take(&mut main, step);
        self.main.replace(Some(main));
    }

    /// Called when the process has ended or is killed: reports to main how it ended.
    fn close(&self, world: &World) {
        let main = self.main.take();
        let Some(Main { end, state: Reading::Stopped(stop) }) = main else { return };
        let after = end.ran(self.host.now());
        self.down.end();
        if self.can_be_killed() {
            self.end_process(killed(true), world);
        }
        let exit = match &*self.far.borrow() {
            Far::Over(exit) => Some(*exit),
            _ => None,
        };
        if exit.is_some() {
            *self.exit.lock().unwrap_or_else(PoisonError::into_inner) = exit;
        }
        let failure = end.end(stop, Ending { exit, ..Ending::default() }, after);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        self.signal.end();
    }

    /// Called when the simulation is over, and its actors have ended: delivers what they have sent.
    pub(super) fn finish(&self, world: &World) {
        for _ in 0..MAX_MOVES {
            if matches!(&*self.far.borrow(), Far::Absent(_) | Far::Reading(..)) {
                self.end_process(killed(true), world);
            }
            let mut next = None;
            self.moves(|first| next = next.or(Some(first)));
            let Some(next) = next else { break };
            if self.follow(next, world) {
                return;
            }
        }
        self.down.end();
        self.signal.end();
    }
}

/// The maximum number of things that happen on a road after its simulation is over.
const MAX_MOVES: usize = 100_000;
