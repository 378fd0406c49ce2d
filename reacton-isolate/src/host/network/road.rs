//! One road of a simulation: what can happen next on it, and main's end.

mod far;
mod moves;
mod seek;
mod way;

use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;
use std::time::Duration;

use self::far::{Absent, Far, killed};
pub(in crate::host) use self::moves::Move;
use self::seek::{At, Seek};
use self::way::Way;
use super::bytes::{Direction, End, Side};
use super::machine::{Connection, Machine};
use crate::host::keeper::Receiving;
use crate::host::road::{self, Limits, MainEnd, Step, Stop};
use crate::host::signal::Signal;
use crate::host::simulated::Simulated;
use crate::host::virtual_time::VirtualTimer;
use crate::host::world::World;
use crate::host::{Failure, Host, Start};
use crate::link::Sender;
use crate::sync::LinkId;
use crate::worker::carrier::{Ending, FirstFrames};
use crate::worker::exit::Exit;

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
    way: RefCell<Way>,
    /// Sends from main to the worker.
    down: Arc<Sender>,
    first: RefCell<FirstFrames>,
    /// `None` while a step of main's side is in progress, and at the end.
    main: RefCell<Option<Main>>,
    far: RefCell<Far>,
    signal: Arc<Signal>,
    exit: Arc<Mutex<Option<Exit>>>,
    failure: Arc<Mutex<Option<Failure>>>,
    host: Arc<Simulated>,
    /// The machines on which the worker may run; none for a process.
    machines: Vec<Arc<Machine>>,
    /// The client has not found a machine yet.
    seeks: Cell<bool>,
    /// `None` while a step of the search is in progress.
    seek: RefCell<Option<Seek>>,
    /// Where the worker runs, if that is a machine.
    at: RefCell<Option<At>>,
    /// Main has noticed that the machine is silent.
    is_silent: Cell<bool>,
    /// The worker was asked to end by its machine.
    leaves: Cell<bool>,
    /// Main's end is gone.
    closed: Cell<bool>,
    /// Lets the time of a handshake pass.
    _timer: Option<VirtualTimer>,
}

impl Road {
    pub(super) fn new(
        host: &Arc<Simulated>,
        start: Start,
        signal: Arc<Signal>,
        exit: Arc<Mutex<Option<Exit>>>,
        machines: Vec<Arc<Machine>>,
        timeout: Duration,
    ) -> Self {
        let Start { setup, entry, over_the_link } = start;
        let is_apart = !machines.is_empty();
        // A real keeper limits a restart's handshake by the timeout of its sleep on the socket. With a process no time
        // passes meanwhile, so there is no limit.
        let answer = if is_apart { timeout } else { Duration::MAX };
        let limits = Limits { answer: over_the_link.then_some(answer), watchdog: None };
        let mut end = MainEnd::new(&setup, limits, host.now());
        if is_apart {
            end.set_gate(gate(host));
        }
        let timer = || host.time.set_timer(timeout, Waker::noop().clone());
        let first = FirstFrames::new(&road::hello(&setup), &setup.init);
        let agent = setup.agent.expect("a worker behind a road has an agent");
        let absent = Absent::new(entry, setup.shared, agent.answers().to_vec(), setup.scope);
        Self {
            link: setup.link,
            way: RefCell::new(Way::new(host, setup.delivery)),
            down: Arc::clone(agent.sender()),
            first: RefCell::new(first),
            main: RefCell::new(Some(Main { end, state: Reading::Bytes })),
            seeks: Cell::new(is_apart),
            seek: RefCell::new(is_apart.then(|| Seek::new(host, timeout, absent.clone()))),
            far: RefCell::new(Far::Absent(absent)),
            signal,
            exit,
            failure: Arc::default(),
            host: Arc::clone(host),
            machines,
            at: RefCell::default(),
            is_silent: Cell::new(false),
            leaves: Cell::new(false),
            closed: Cell::new(false),
            _timer: (is_apart && over_the_link).then(timer),
        }
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn sender(&self) -> Arc<Sender> {
        Arc::clone(&self.down)
    }

    pub(super) fn signal(&self) -> Arc<Signal> {
        Arc::clone(&self.signal)
    }

    pub(super) fn failure(&self) -> Arc<Mutex<Option<Failure>>> {
        Arc::clone(&self.failure)
    }

    fn end_of(&self, direction: Direction) -> Arc<End> {
        Arc::new(End { stream: self.stream(), direction })
    }

    /// Returns whether nothing can happen any more.
    pub(super) fn is_finished(&self) -> bool {
        self.is_over() && self.closed.get()
    }

    /// Returns the connection to the machine that has accepted the worker.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        self.at.borrow().as_ref().map(|at| Arc::clone(&at.connection))
    }

    /// As [`connection`](Self::connection), once the client knows.
    pub(super) fn found(&self) -> Option<Arc<Connection>> {
        self.connection().filter(|_| !self.seeks.get())
    }

    /// Calls `add` for each thing that can happen next.
    pub(super) fn moves(&self, mut add: impl FnMut(Move)) {
        if self.seeks.get() {
            return self.seek_moves(&mut add);
        }
        self.far_moves(&mut add);
        for (direction, sender) in [(Direction::Down, &self.down), (Direction::Up, &self.up())] {
            if self.is_due(sender, direction) {
                add(Move::Send(direction));
            }
        }
        self.main_moves(&mut add);
    }

    /// Returns whether a writer can send.
    fn is_due(&self, sender: &Sender, direction: Direction) -> bool {
        sender.is_due() && self.stream().takes(direction) || sender.is_due_apart()
    }

    fn main_moves(&self, add: &mut impl FnMut(Move)) {
        let mut main = self.main.borrow_mut();
        let Some(Main { end, state }) = main.as_mut() else { return };
        match state {
            Reading::Bytes => {
                let is_full = self.is_apart() && end.is_full();
                if (!is_full || self.stream().is_closed(Side::Main))
                    && self.stream().has_arrivals(Direction::Up)
                {
                    add(Move::Arrive(Direction::Up));
                }
                if self.stream().has_report(Direction::Up) {
                    add(Move::Report(Direction::Up));
                }
                let now = self.host.now();
                if self.is_apart() && end.waits_until(now).is_some_and(|until| until <= now) {
                    add(Move::Look);
                }
                if self.machine_is_silent() != self.is_silent.get() {
                    add(Move::Hear);
                }
            }
            Reading::Answer if self.signal.is_taken().is_some() => add(Move::Answer),
            Reading::Stopped(stop) => {
                let is_ended = end.has_started() && *stop == Stop::Ended;
                if self.is_apart() || self.is_over() || !is_ended && self.can_be_killed() {
                    add(Move::Close);
                }
            }
            Reading::Answer => {}
        }
        if self.loses(Side::Main) {
            add(Move::Lose(Direction::Up));
        }
    }

    /// Called before the network to the machine is cut.
    pub(super) fn freeze(&self) {
        if self.connection().is_some_and(|connection| connection.crosses()) {
            self.stream().freeze();
        }
    }

    /// Whether the worker is on another machine.
    fn is_apart(&self) -> bool {
        !self.machines.is_empty()
    }

    fn machine_is_silent(&self) -> bool {
        let machine = self.connection().and_then(|connection| connection.machine());
        machine.is_some_and(|machine| machine.is_silent())
    }

    /// Returns whether an end is about to notice that its connection is lost.
    fn loses(&self, side: Side) -> bool {
        let connection = self.connection();
        connection.is_some_and(|connection| connection.is_lost(side))
            && !self.stream().has_lost_connection(side)
    }

    fn is_over(&self) -> bool {
        matches!(&*self.far.borrow(), Far::Over(_))
    }

    /// Does one of these things. Returns whether it was the last one.
    pub(super) fn follow(&self, next: Move, world: &World) -> bool {
        match next {
            Move::Begin => self.begin(),
            Move::Send(Direction::Down) => self.down.write_some(),
            Move::Send(Direction::Up) => self.up().write_some(),
            Move::Arrive(Direction::Down) => self.arrive_down(world),
            Move::Arrive(Direction::Up) => self.arrive_up(),
            Move::Answer => self.answer(),
            Move::Exit => self.exit(),
            Move::Close => self.close(world),
            Move::Seek => return self.seek(),
            Move::Turn => return self.turn(world),
            Move::Lose(direction) => self.stream().lose_connection(direction.receiver()),
            Move::Report(Direction::Down) => self.report_down(),
            Move::Report(Direction::Up) => self.report_up(),
            Move::Hear => self.hear(),
            Move::Look => self.look(),
            Move::Leave => self.leave(),
            Move::Vanish => self.end_process(killed(true), world),
        }
        self.free_place();
        self.is_finished()
    }

    /// Bytes arrive at main's side.
    fn arrive_up(&self) {
        let Some(mut main) = self.main.take() else { return };
        if self.stream().receive(Direction::Up, main.end.reader()) {
            let step = main.end.take_frames(self.host.now());
            self.take(&mut main, step);
        } else {
            main.state = Reading::Stopped(Stop::Ended);
        }
        self.main.replace(Some(main));
    }

    /// An acknowledgement arrives at main's side.
    fn report_up(&self) {
        let Some(number) = self.stream().receive_report(Direction::Up) else { return };
        let Some(mut main) = self.main.take() else { return };
        main.end.taken(number, self.host.now());
        self.main.replace(Some(main));
    }

    fn hear(&self) {
        let is_silent = self.machine_is_silent();
        self.is_silent.set(is_silent);
        let Some(mut main) = self.main.take() else { return };
        main.end.show_silence(is_silent);
        self.main.replace(Some(main));
    }

    fn look(&self) {
        if let Some(main) = &mut *self.main.borrow_mut()
            && let Some(stop) = main.end.look(self.host.now())
        {
            main.state = Reading::Stopped(stop);
        }
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
        self.closed.set(true);
        self.down.end();
        if self.is_apart() {
            return self.close_apart(end, stop, after);
        }
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
        self.report_end(failure);
    }

    /// As [`close`](Self::close), for a worker on another machine, which may go on for a while.
    fn close_apart(&self, end: MainEnd, stop: Stop, after: Duration) {
        let assigned = self.at.borrow_mut().as_mut().and_then(|at| at.assigned.take());
        drop(assigned);
        let machine = self.connection().and_then(|connection| connection.machine());
        let name = machine.map(|machine| machine.name()).unwrap_or_default();
        let lost = Some(format!("{name} is lost"));
        self.report_end(end.end(stop, Ending { lost, ..Ending::default() }, after));
    }

    fn report_end(&self, failure: Option<String>) {
        let failure = failure.map(Failure::from);
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
        self.signal.end();
    }

    /// Called when the simulation is over, and its actors have ended: delivers what they have sent.
    pub(super) fn finish(&self, world: &World) {
        self.machines.iter().for_each(|machine| machine.come_back());
        if self.seeks.get() {
            return self.stop_seeking(world);
        }
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

/// How many messages may wait at a store before its road is read no further, by the seed: mostly few.
fn gate(host: &Simulated) -> u64 {
    let most = if host.random.one_in(2) { 64 } else { 4 };
    1 + host.random.below(most) as u64
}
