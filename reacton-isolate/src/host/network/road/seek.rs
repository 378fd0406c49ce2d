//! The beginning of a road to another machine: the client asks one machine after another for a place, and sends the first
//! frames along with the question, if they are few. A machine that accepts the worker starts it at once, before the client
//! has read the answer.

use std::io::IoSlice;
use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::far::{Absent, Far, killed};
use super::{Move, Road};
use crate::error::Refusal;
use crate::host::choice::Search;
use crate::host::network::bytes::{Direction, Side};
use crate::host::network::machine::{Assigned, Connection, Machine, Place};
use crate::host::simulated::Simulated;
use crate::host::virtual_time::VirtualTimer;
use crate::host::world::World;
use crate::host::{Failure, Host};
use crate::link::RoadSender;
use crate::worker::carrier::CarrierError;

/// A client that looks for a machine.
pub(super) struct Seek {
    until: Instant,
    /// Lets the time pass until then.
    _timer: VirtualTimer,
    /// The worker, for each machine that accepts it.
    absent: Absent,
    asked: Option<Asked>,
}

/// A machine was asked.
struct Asked {
    search: Search,
    number: usize,
    connection: Arc<Connection>,
    assigned: Assigned,
    /// The first frames went along with the question.
    early: bool,
    /// Its answer, on the way to the client.
    reply: Option<Result<(), Refusal>>,
}

/// The machine that has accepted a worker.
pub(super) struct At {
    pub(super) connection: Arc<Connection>,
    pub(super) place: Option<Place>,
    pub(super) assigned: Option<Assigned>,
}

/// The result of a step of a search.
enum Sought {
    /// This machine was asked.
    Asked(Asked),
    /// None can be asked now.
    None,
    /// The client has read that a machine has accepted the worker.
    Found,
}

impl Seek {
    /// Begins to look for a machine. `timeout` is that of the handshake.
    pub(super) fn new(host: &Arc<Simulated>, timeout: Duration, absent: Absent) -> Self {
        // So much earlier that its error is the one that says why, as on real machines.
        let within = timeout.saturating_sub((timeout / 10).min(Duration::from_millis(500)));
        let now = host.now();
        let until = now.checked_add(within).unwrap_or(now);
        let timer = host.time.set_timer(within, Waker::noop().clone());
        Self { until, _timer: timer, absent, asked: None }
    }

    fn is_late(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Whether a machine has accepted the worker, and the client has not read that.
    fn is_accepted(&self) -> bool {
        self.asked.as_ref().is_some_and(|asked| matches!(asked.reply, Some(Ok(()))))
    }
}

impl Road {
    /// Calls `add` for each thing that can happen next before the client has found a machine.
    pub(super) fn seek_moves(&self, add: &mut impl FnMut(Move)) {
        let seek = self.seek.borrow();
        // Nothing, in the middle of a step of the search.
        let Some(seek) = &*seek else { return };
        if let Some(next) = self.next_of(seek) {
            add(next);
        }
        if seek.is_accepted() {
            self.far_moves(add);
            if self.is_due(&self.up(), Direction::Up) {
                add(Move::Send(Direction::Up));
            }
        }
    }

    /// Returns how the search can continue. That is decided here and not by the step itself: before it, time passes, and
    /// a client whose time is over may not end a worker that is in the middle of a step.
    fn next_of(&self, seek: &Seek) -> Option<Move> {
        let is_lost = |asked: &Asked| asked.connection.is_lost(Side::Main);
        let (can_go_on, next) =
            if self.is_given_up(seek) || seek.asked.as_ref().is_some_and(is_lost) {
                let is_free = !seek.is_accepted() || self.is_over() || self.can_be_killed();
                (is_free, Move::Turn)
            } else {
                let crosses = match &seek.asked {
                    None => self.machines.iter().any(|machine| machine.connection().is_some()),
                    Some(Asked { connection, .. }) => connection.crosses(),
                };
                (crosses, Move::Seek)
            };
        can_go_on.then_some(next)
    }

    fn is_given_up(&self, seek: &Seek) -> bool {
        self.down.has_ended() || seek.is_late(self.host.now())
    }

    /// Continues the search. Returns whether it has failed.
    pub(super) fn seek(&self) -> bool {
        let Some(mut seek) = self.seek.take() else { return false };
        let sought = match seek.asked.take() {
            None => self.ask_next(Search::new(self.machines.iter().map(|at| at.load()))),
            Some(asked) => self.follow_up(asked, &seek.absent),
        };
        self.sought(seek, sought)
    }

    /// The client ends its search, or turns from a lost machine to the next one. Returns whether the search has failed.
    pub(super) fn turn(&self, world: &World) -> bool {
        let Some(mut seek) = self.seek.take() else { return false };
        let is_given_up = self.is_given_up(&seek);
        if let Some(asked) = seek.asked.take() {
            self.abandon(&asked, world);
            self.far.replace(Far::Absent(seek.absent.clone()));
            if !is_given_up {
                let sought = self.ask_next(asked.search);
                return self.sought(seek, sought);
            }
        }
        let why = if self.down.has_ended() {
            CarrierError::Failed(String::from("it was given up"))
        } else {
            self.unreachable()
        };
        self.sought(seek, Err(why))
    }

    /// Records the result of a step. Returns whether the search has failed.
    fn sought(&self, seek: Seek, sought: Result<Sought, CarrierError>) -> bool {
        let asked = match sought {
            Ok(Sought::Found) => {
                self.seeks.set(false);
                return false;
            }
            Ok(Sought::Asked(asked)) => Some(asked),
            Ok(Sought::None) => None,
            Err(error) => {
                self.give_up(&error);
                return true;
            }
        };
        self.seek.replace(Some(Seek { asked, ..seek }));
        false
    }

    fn unreachable(&self) -> CarrierError {
        let hosts: Vec<_> = self.machines.iter().map(|machine| machine.name()).collect();
        let reason = String::from("it does not answer");
        CarrierError::Unreachable { host: hosts.join(", "), reason }
    }

    /// Asks the next machine; if there is none, the search begins again when something has changed.
    fn ask_next(&self, mut search: Search) -> Result<Sought, CarrierError> {
        while let Some(number) = search.ask_next() {
            let machine = &self.machines[number];
            if let Some(connection) = machine.connection() {
                let (assigned, early) = (machine.assign(), self.ask(&connection));
                let reply = None;
                let asked = Asked { search, number, connection, assigned, early, reply };
                return Ok(Sought::Asked(asked));
            }
        }
        match search.refused(false) {
            Some((number, why)) => {
                Err(CarrierError::Refused { host: self.machines[number].name(), why })
            }
            None => Ok(Sought::None),
        }
    }

    /// Opens a stream for the question. Returns whether the first frames go along with it: not if there are many.
    fn ask(&self, connection: &Arc<Connection>) -> bool {
        self.open_stream();
        self.stream().join(Arc::clone(connection));
        let early = self.first.borrow().early().filter(|_| !self.host.random.one_in(4));
        if let Some(bytes) = &early {
            let sent = self.end_of(Direction::Down).send(&[IoSlice::new(bytes)]);
            sent.expect("a fresh stream has not ended");
        }
        early.is_some()
    }

    /// Something has crossed the network.
    fn follow_up(&self, mut asked: Asked, absent: &Absent) -> Result<Sought, CarrierError> {
        let machine = &self.machines[asked.number];
        match asked.reply.take() {
            None => {
                asked.reply = Some(self.accept(machine, &asked.connection, absent));
                Ok(Sought::Asked(asked))
            }
            Some(Ok(())) => {
                self.set_out(asked);
                Ok(Sought::Found)
            }
            Some(Err(why)) => {
                asked.search.refuse(asked.number, why);
                self.ask_next(asked.search)
            }
        }
    }

    /// The machine reads the question. If there is a place, the process of the worker reads what follows.
    fn accept(
        &self,
        machine: &Machine,
        connection: &Arc<Connection>,
        absent: &Absent,
    ) -> Result<(), Refusal> {
        let place = Some(machine.reserve()?);
        let connection = Arc::clone(connection);
        self.at.replace(Some(At { connection, place, assigned: None }));
        self.far.replace(Far::Reading(Box::default(), absent.clone()));
        self.leaves.set(false);
        Ok(())
    }

    /// The client reads that the machine has accepted the worker: the frames of the link follow.
    fn set_out(&self, asked: Asked) {
        if let Some(at) = &mut *self.at.borrow_mut() {
            at.assigned = Some(asked.assigned);
        }
        let left = self.first.take().left(asked.early);
        if !self.down.attach_held(self.end_of(Direction::Down), left) {
            // Main has given up in the meantime.
            self.stream().end(Side::Main);
        }
    }

    /// The client has given up, or has lost the connection. The machine notices that later. A worker there was never
    /// allowed to begin, so only its place matters.
    fn abandon(&self, asked: &Asked, world: &World) {
        let place = self.at.take().and_then(|at| at.place);
        if !self.is_over() {
            self.end_process(killed(true), world);
        }
        if let Some(place) = place {
            self.machines[asked.number].abandon(place, &asked.connection);
        }
    }

    /// Called when the simulation is over.
    pub(super) fn stop_seeking(&self, world: &World) {
        if let Some(asked) = self.seek.take().and_then(|seek| seek.asked) {
            self.abandon(&asked, world);
        }
        self.give_up(&CarrierError::Failed(String::from("its simulation is over")));
    }

    /// The worker was not started.
    fn give_up(&self, error: &CarrierError) {
        drop(self.far.replace(Far::Over(killed(true))));
        let Some(main) = self.main.take() else { return };
        self.closed.set(true);
        main.end.fail(error);
        let failure = Failure::of(error.clone());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        self.signal.end();
    }
}
