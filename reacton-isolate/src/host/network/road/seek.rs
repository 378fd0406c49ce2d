//! The beginning of a road to another machine: the client asks one machine after another for a place.

use std::sync::{Arc, PoisonError};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::Road;
use super::far::{Far, killed};
use crate::error::Refusal;
use crate::host::choice::Search;
use crate::host::network::bytes::{Direction, Side};
use crate::host::network::machine::{Assigned, Connection, Machine, Place};
use crate::host::simulated::Simulated;
use crate::host::virtual_time::VirtualTimer;
use crate::host::{Failure, Host};
use crate::worker::carrier::CarrierError;

/// A client that looks for a machine.
pub(super) struct Seek {
    until: Instant,
    /// Lets the time pass until then.
    _timer: VirtualTimer,
    asked: Option<Asked>,
}

/// A machine was asked.
struct Asked {
    search: Search,
    number: usize,
    connection: Arc<Connection>,
    assigned: Assigned,
    /// Its answer, on the way to the client.
    reply: Option<Result<Place, Refusal>>,
}

/// The machine on which a worker runs.
pub(super) struct At {
    pub(super) connection: Arc<Connection>,
    pub(super) place: Option<Place>,
    pub(super) assigned: Option<Assigned>,
}

impl Seek {
    /// Begins to look for a machine. `timeout` is that of the handshake.
    pub(super) fn new(host: &Arc<Simulated>, timeout: Duration) -> Self {
        // So much earlier that its error is the one that says why, as on real machines.
        let within = timeout.saturating_sub((timeout / 10).min(Duration::from_millis(500)));
        let now = host.now();
        let until = now.checked_add(within).unwrap_or(now);
        let timer = host.time.set_timer(within, Waker::noop().clone());
        Self { until, _timer: timer, asked: None }
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        now >= self.until
    }
}

impl Road {
    /// Returns whether the search can continue.
    pub(super) fn can_seek(&self, seek: &Seek) -> bool {
        if self.down.has_ended() || seek.is_late(self.host.now()) {
            return true;
        }
        match &seek.asked {
            None => self.machines.iter().any(|machine| machine.connection().is_some()),
            Some(Asked { connection, .. }) => {
                connection.is_lost(Side::Main) || connection.crosses()
            }
        }
    }

    /// Continues the search. Returns whether it has failed.
    pub(super) fn seek(&self) -> bool {
        let Some(mut seek) = self.seek.take() else { return false };
        let failed = if self.down.has_ended() {
            Err(CarrierError::Failed(String::from("it was given up")))
        } else if seek.is_late(self.host.now()) {
            Err(self.unreachable())
        } else {
            match seek.asked.take() {
                None => {
                    let search = Search::new(self.machines.iter().map(|machine| machine.load()));
                    self.ask_next(search)
                }
                Some(asked) => self.follow_up(asked),
            }
        };
        match failed {
            Ok(asked) => {
                let is_found = self.at.borrow().is_some();
                self.seek.replace((!is_found).then_some(Seek { asked, ..seek }));
                false
            }
            Err(error) => {
                self.give_up(seek, &error);
                true
            }
        }
    }

    fn unreachable(&self) -> CarrierError {
        let hosts: Vec<_> = self.machines.iter().map(|machine| machine.name()).collect();
        let reason = String::from("it does not answer");
        CarrierError::Unreachable { host: hosts.join(", "), reason }
    }

    /// Asks the next machine. `None` if it begins again when something has changed.
    fn ask_next(&self, mut search: Search) -> Result<Option<Asked>, CarrierError> {
        while let Some(number) = search.ask_next() {
            let machine = &self.machines[number];
            if let Some(connection) = machine.connection() {
                let assigned = machine.assign();
                return Ok(Some(Asked { search, number, connection, assigned, reply: None }));
            }
        }
        match search.refused(false) {
            Some((number, why)) => {
                Err(CarrierError::Refused { host: self.machines[number].name(), why })
            }
            None => Ok(None),
        }
    }

    /// Something has crossed the network, or is lost.
    fn follow_up(&self, mut asked: Asked) -> Result<Option<Asked>, CarrierError> {
        let machine = &self.machines[asked.number];
        if asked.connection.is_lost(Side::Main) {
            asked.abandon(machine);
            return self.ask_next(asked.search);
        }
        match asked.reply.take() {
            None => {
                asked.reply = Some(machine.reserve());
                Ok(Some(asked))
            }
            Some(Ok(place)) => {
                self.set_out(asked.connection, place, asked.assigned);
                Ok(None)
            }
            Some(Err(why)) => {
                asked.search.refuse(asked.number, why);
                self.ask_next(asked.search)
            }
        }
    }

    /// The machine has accepted the worker: the frames of the link follow.
    fn set_out(&self, connection: Arc<Connection>, place: Place, assigned: Assigned) {
        self.stream.join(Arc::clone(&connection));
        self.at.replace(Some(At { connection, place: Some(place), assigned: Some(assigned) }));
        let far = self.far.replace(Far::Busy);
        let Far::Absent(absent) = far else { return };
        if !self.down.attach_held(self.end_of(Direction::Down), self.first.take()) {
            // Main has given up in the meantime.
            self.stream.end(Side::Main);
        }
        self.far.replace(Far::Reading(Box::default(), absent));
    }

    /// The worker was not started.
    pub(super) fn give_up(&self, seek: Seek, error: &CarrierError) {
        if let Some(mut asked) = seek.asked {
            asked.abandon(&self.machines[asked.number]);
        }
        let Some(main) = self.main.take() else { return };
        self.closed.set(true);
        let far = self.far.replace(Far::Over(killed(true)));
        main.end.fail(error);
        let failure = Failure::of(error.clone());
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
        self.signal.end();
        drop(far);
    }
}

impl Asked {
    /// The client has given up, or has lost the connection: the machine notices that later.
    fn abandon(&mut self, machine: &Machine) {
        if let Some(Ok(place)) = self.reply.take() {
            machine.abandon(place, &self.connection);
        }
    }
}
