//! The far end of a road of a simulation: the process of a worker.

use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::{Move, Road, gate};
use crate::host::Host;
use crate::host::actor::Actor;
use crate::host::network::bytes::{Direction, Side};
use crate::host::road::{Introduced, WorkerEnd};
use crate::host::world::World;
use crate::shared::SharedSet;
use crate::wire::frame::{Frame, FrameReader, Hello};
use crate::wire::message::IsolateMessage;
use crate::wire::ticket::CallRef;
use crate::worker::exit::Exit;
use crate::worker::scope::Scope;
use crate::worker::setup::Entry;

/// The worker's side: the role of its process.
pub(super) enum Far {
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
pub(super) struct Arrived {
    reader: Box<FrameReader>,
    hello: Option<Hello>,
}

/// The data with which the process of the worker starts.
#[derive(Clone)]
pub(super) struct Absent {
    /// Taken by the worker that may begin. Another one may have been started before, in vain.
    entry: Arc<Mutex<Option<Entry>>>,
    shared: SharedSet,
    answers: Vec<CallRef>,
    scope: Scope,
}

impl Absent {
    pub(super) fn new(
        entry: Entry,
        shared: SharedSet,
        answers: Vec<CallRef>,
        scope: Scope,
    ) -> Self {
        Self { entry: Arc::new(Mutex::new(Some(entry))), shared, answers, scope }
    }
}

/// Returns a function that takes the worker's function when it is called.
fn taken_late(entry: Arc<Mutex<Option<Entry>>>) -> Entry {
    Box::new(move |store| {
        let entry = entry.lock().unwrap_or_else(PoisonError::into_inner).take();
        entry.map_or(Ok(()), |entry| entry(store))
    })
}

const EXITED: Exit = Exit { code: Some(0), signal: None, core: false, forced: false };

pub(super) fn killed(forced: bool) -> Exit {
    Exit { code: None, signal: Some(9), core: false, forced }
}

impl Road {
    pub(super) fn can_be_killed(&self) -> bool {
        match &*self.far.borrow() {
            Far::Running { actor, .. } => !(actor.is_running() || self.up().is_writing()),
            Far::Absent(_) | Far::Reading(..) => true,
            Far::Over(_) | Far::Busy => false,
        }
    }

    /// Calls `add` for each thing that can happen next at the worker's end.
    pub(super) fn far_moves(&self, add: &mut impl FnMut(Move)) {
        let has_arrivals = self.stream().has_arrivals(Direction::Down);
        match &mut *self.far.borrow_mut() {
            Far::Absent(_) => add(Move::Begin),
            Far::Reading(..) if has_arrivals => add(Move::Arrive(Direction::Down)),
            Far::Running { actor, end, .. } => {
                if actor.has_ended() && self.up().is_flushed() {
                    add(Move::Exit);
                } else if let Some(end) = end {
                    let is_full = self.is_apart() && end.is_full();
                    if has_arrivals && (!is_full || self.stream().is_closed(Side::Far)) {
                        add(Move::Arrive(Direction::Down));
                    }
                    if self.stream().has_report(Direction::Down) {
                        add(Move::Report(Direction::Down));
                    }
                    let is_asked = self.leaves.get();
                    if !is_asked && self.machine_is_ending() {
                        add(Move::Leave);
                    }
                }
            }
            Far::Over(_) | Far::Busy => return,
            Far::Reading(..) => {}
        }
        if self.loses(Side::Far) {
            add(Move::Lose(Direction::Down));
        }
        if self.connection().is_some_and(|connection| connection.has_vanished())
            && self.can_be_killed()
        {
            add(Move::Vanish);
        }
    }

    fn machine_is_ending(&self) -> bool {
        let machine = self.connection().and_then(|connection| connection.machine());
        machine.is_some_and(|machine| machine.is_ending())
    }

    pub(super) fn begin(&self) {
        let far = self.far.replace(Far::Busy);
        let Far::Absent(absent) = far else { return };
        if !self.down.attach_held(self.end_of(Direction::Down), self.first.take().left(false)) {
            // Main has given up in the meantime.
            self.stream().end(Side::Main);
        }
        self.far.replace(Far::Reading(Box::default(), absent));
    }

    /// Bytes arrive at the worker's process.
    pub(super) fn arrive_down(&self, world: &World) {
        let next = match self.far.replace(Far::Busy) {
            Far::Reading(mut arrived, absent) => {
                if self.stream().receive(Direction::Down, &mut arrived.reader) {
                    self.introduce(arrived, absent, world)
                } else {
                    Far::Over(Exit { code: Some(2), ..EXITED })
                }
            }
            Far::Running { mut reader, mut end, actor } => {
                if self.stream().receive(Direction::Down, &mut reader) {
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
                    self.up().attach(end);
                    let shared = &absent.shared;
                    arrived.reader.set_shared(shared.len(), shared.has_entries());
                    arrived.hello = Some(*first);
                }
                Some(Frame::Message(init @ IsolateMessage::HandshakeInit { .. })) => {
                    let Arrived { mut reader, hello } = *arrived;
                    let hello = hello.expect("`Hello` is the first frame");
                    let Absent { entry, shared, answers, scope } = absent;
                    let introduced =
                        Introduced { hello, init, shared, answers, types_differ: false };
                    let (up, counter) = (self.up(), self.counter());
                    let peers = self.host.peers();
                    let (mut end, setup) =
                        WorkerEnd::new(self.link, introduced, up, counter, scope, peers);
                    if self.is_apart() {
                        end.set_gate(gate(&self.host));
                    }
                    let actor = Rc::new(Actor::behind_road(setup, taken_late(entry)));
                    world.add_actor(&actor);
                    end.begin();
                    take_frames(&mut reader, &mut end, &actor);
                    return Far::Running { reader, end: Some(end), actor };
                }
                Some(frame) => panic!("main has begun with another frame: {frame:?}"),
            }
        }
    }

    pub(super) fn exit(&self) {
        let far = self.far.replace(Far::Over(EXITED));
        if let Far::Running { end: Some(end), .. } = far {
            end.end();
        }
        self.up().finish();
        self.stream().end(Side::Far);
    }

    /// An acknowledgement arrives at the worker's process.
    pub(super) fn report_down(&self) {
        if let Some(number) = self.stream().receive_report(Direction::Down) {
            self.at_end(|end| _ = end.take(Frame::Taken(number)));
        }
    }

    /// The machine lets its workers end.
    pub(super) fn leave(&self) {
        self.leaves.set(true);
        self.at_end(WorkerEnd::leave);
    }

    /// Something happens that is not among the bytes.
    fn at_end(&self, happens: impl FnOnce(&mut WorkerEnd)) {
        let mut far = self.far.replace(Far::Busy);
        if let Far::Running { end: Some(end), .. } = &mut far {
            happens(end);
        }
        self.far.replace(far);
    }

    /// Kills the process, as something outside of the program may. The bytes sent last may be lost. Returns `false` if
    /// it cannot be killed now.
    pub(in crate::host::network) fn kill(&self, world: &World) -> bool {
        if self.is_apart() {
            return false;
        }
        // A process that is already ending is not killed.
        let runs = match &*self.far.borrow() {
            Far::Running { actor, .. } => !actor.is_over(),
            _ => true,
        };
        if !(runs && self.can_be_killed()) {
            return false;
        }
        self.stream().lose(Direction::Up);
        self.end_process(killed(false), world);
        true
    }

    pub(super) fn end_process(&self, exit: Exit, world: &World) {
        // Messages from its destructors are not sent.
        self.up().end();
        self.stream().end(Side::Far);
        let far = self.far.replace(Far::Over(exit));
        // Such a step would go on with a worker of no road.
        let is_in_a_step = matches!(far, Far::Busy);
        assert!(!is_in_a_step || thread::panicking(), "a worker is ended in the middle of a step");
        if let Far::Running { actor, end, .. } = far {
            drop(end);
            world.remove_actor(&actor);
            actor.end();
        }
    }

    /// The machine of the worker has gone.
    pub(in crate::host::network) fn vanish(&self, world: &World) {
        if let Some(connection) = self.connection() {
            connection.vanish();
            connection.arm();
        }
        if self.can_be_killed() {
            self.end_process(killed(true), world);
            self.free_place();
        }
    }

    /// A worker that has ended has no place any more.
    pub(super) fn free_place(&self) {
        if self.is_over()
            && let Some(at) = &mut *self.at.borrow_mut()
        {
            at.place = None;
        }
    }
}

fn take_frames(reader: &mut FrameReader, end: &mut WorkerEnd, actor: &Actor) {
    loop {
        match reader.next() {
            Ok(Some(frame)) => {
                end.count_bytes(reader.frame_len());
                if end.take(frame) {
                    actor.accept();
                }
            }
            Ok(None) => return,
            Err(malformed) => panic!("main has sent a malformed frame: {}", malformed.0),
        }
    }
}
