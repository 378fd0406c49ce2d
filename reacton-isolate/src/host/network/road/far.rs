//! The far end of a road of a simulation: the process of a worker.

use std::rc::Rc;
use std::sync::Arc;

use super::Road;
use crate::host::Host;
use crate::host::actor::Actor;
use crate::host::network::bytes::Direction;
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
pub(super) struct Absent {
    pub(super) entry: Entry,
    pub(super) shared: SharedSet,
    pub(super) answers: Vec<CallRef>,
    pub(super) scope: Scope,
}

const EXITED: Exit = Exit { code: Some(0), signal: None, core: false, forced: false };

pub(super) fn killed(forced: bool) -> Exit {
    Exit { code: None, signal: Some(9), core: false, forced }
}

impl Road {
    pub(super) fn can_be_killed(&self) -> bool {
        match &*self.far.borrow() {
            Far::Running { actor, .. } => !(actor.is_running() || self.up.is_writing()),
            Far::Absent(_) | Far::Reading(..) => true,
            Far::Over(_) | Far::Busy => false,
        }
    }

    pub(super) fn begin(&self) {
        let far = self.far.replace(Far::Busy);
        let Far::Absent(absent) = far else { return };
        if !self.down.attach_held(self.end_of(Direction::Down), self.first.take()) {
            // Main has given up in the meantime.
            self.stream.end();
        }
        self.far.replace(Far::Reading(Box::default(), absent));
    }

    /// Bytes arrive at the worker's process.
    pub(super) fn arrive_down(&self, world: &World) {
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

    pub(super) fn exit(&self) {
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

    pub(super) fn end_process(&self, exit: Exit, world: &World) {
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
}

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
