//! One road of a simulation and the worker behind it: what can happen next on the road.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::bytes::{Direction, End, Stream};
use crate::host::actor::Actor;
use crate::host::road::{self, Introduced, Limits, MainEnd, Step, Stop, WorkerEnd};
use crate::host::signal::Signal;
use crate::host::simulated::Simulated;
use crate::host::world::World;
use crate::host::{Host, Start};
use crate::link::{SendCounter, Sender};
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::frame::{Batch, Frame, FrameReader, Hello};
use crate::wire::message::IsolateMessage;
use crate::wire::ticket::CallRef;
use crate::worker::carrier::Ending;
use crate::worker::exit::Exit;
use crate::worker::scope::Scope;
use crate::worker::setup::Entry;

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

/// The worker's side: the role of its process.
enum Far {
    /// The process was not started yet.
    Absent(Absent),
    /// The process reads the first frames, which say which worker it is.
    Reading(Box<Arrived>, Absent),
    Running {
        reader: Box<FrameReader>,
        end: Option<WorkerEnd>,
        actor: Rc<Actor>,
    },
    Over(Exit),
    /// A step of the process is in progress.
    Busy,
}

/// What a process has read before it knows everything about its worker.
#[derive(Default)]
struct Arrived {
    reader: Box<FrameReader>,
    hello: Option<Hello>,
}

/// The data with which the process of the worker starts.
struct Absent {
    entry: Entry,
    shared: SharedSet,
    answers: Vec<CallRef>,
    scope: Scope,
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

const EXITED: Exit = Exit { code: Some(0), signal: None, core: false, forced: false };

fn killed(forced: bool) -> Exit {
    Exit { code: None, signal: Some(9), core: false, forced }
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

    fn can_be_killed(&self) -> bool {
        match &*self.far.borrow() {
            Far::Running { actor, .. } => !(actor.is_running() || self.up.is_writing()),
            Far::Absent(_) | Far::Reading(..) => true,
            Far::Over(_) | Far::Busy => false,
        }
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

    fn begin(&self) {
        let far = self.far.replace(Far::Busy);
        let Far::Absent(absent) = far else { return };
        if !self.down.attach_held(self.end_of(Direction::Down), self.first.take()) {
            // Main has given up in the meantime.
            self.stream.end();
        }
        self.far.replace(Far::Reading(Box::default(), absent));
    }

    /// Bytes arrive at the worker's process.
    fn arrive_down(&self, world: &World) {
        let next = match self.far.replace(Far::Busy) {
            Far::Reading(mut arrived, absent) => {
                if self.stream.receive(Direction::Down, &mut arrived.reader) {
                    self.introduce(arrived, absent, world)
                } else {
                    Far::Over(Exit { code: Some(2), ..EXITED })
                }
            }
            Far::Running { mut reader, mut end, actor } => {
                if self.stream.receive(Direction::Down, &mut reader) {
                    let end = end.as_mut().expect("the stream has not ended before");
                    take_frames(&mut reader, end, &actor);
                } else if let Some(end) = end.take() {
                    end.end();
                    actor.refuse();
                }
                Far::Running { reader, end, actor }
            }
            other => other,
        };
        self.far.replace(next);
    }

    /// The process learns which worker it is.
    fn introduce(&self, mut arrived: Box<Arrived>, absent: Absent, world: &World) -> Far {
        loop {
            let frame = arrived.reader.next().unwrap_or_else(|malformed| {
                panic!("main has sent a malformed frame: {}", malformed.0)
            });
            match frame {
                None => return Far::Reading(arrived, absent),
                Some(Frame::Hello(first)) => {
                    let end = self.end_of(Direction::Up);
                    self.up.attach(end);
                    arrived.hello = Some(first);
                }
                Some(Frame::Message(init @ IsolateMessage::HandshakeInit { .. })) => {
                    let Arrived { mut reader, hello } = *arrived;
                    let hello = hello.expect("`Hello` is the first frame");
                    let Absent { entry, shared, answers, scope } = absent;
                    let introduced = Introduced { hello, init, shared, answers };
                    let (up, counter) = (Arc::clone(&self.up), self.counter.clone());
                    let peers = self.host.peers();
                    let (mut end, setup) =
                        WorkerEnd::new(self.link, introduced, up, counter, scope, peers);
                    let actor = Rc::new(Actor::behind_road(setup, entry));
                    world.add_actor(&actor);
                    end.begin();
                    take_frames(&mut reader, &mut end, &actor);
                    return Far::Running { reader, end: Some(end), actor };
                }
                Some(frame) => panic!("main has begun with another frame: {frame:?}"),
            }
        }
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

    fn exit(&self) {
        let far = self.far.replace(Far::Over(EXITED));
        if let Far::Running { end: Some(end), .. } = far {
            end.end();
        }
        self.up.end();
        self.stream.end();
    }

    /// Kills the process, as something outside of the program may. The bytes sent last may be lost. Returns `false` if
    /// it cannot be killed now.
    pub(super) fn kill(&self, world: &World) -> bool {
        // A process that is already ending is not killed.
        let runs = match &*self.far.borrow() {
            Far::Running { actor, .. } => !actor.is_over(),
            _ => true,
        };
        if !(runs && self.can_be_killed()) {
            return false;
        }
        self.stream.lose(Direction::Up);
        self.end_process(killed(false), world);
        true
    }

    fn end_process(&self, exit: Exit, world: &World) {
        // Messages from its destructors are not sent.
        self.up.end();
        self.stream.end();
        let far = self.far.replace(Far::Over(exit));
        if let Far::Running { actor, end, .. } = far {
            drop(end);
            world.remove_actor(&actor);
            actor.end();
        }
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

fn take_frames(reader: &mut FrameReader, end: &mut WorkerEnd, actor: &Actor) {
    loop {
        match reader.next() {
            Ok(Some(frame)) => {
                if end.take(frame) {
                    actor.accept();
                }
            }
            Ok(None) => return,
            Err(malformed) => panic!("main has sent a malformed frame: {}", malformed.0),
        }
    }
}
