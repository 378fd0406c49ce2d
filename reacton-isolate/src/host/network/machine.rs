//! The machines of a simulation: the places for workers on each, and the network to it, which the test cuts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::bytes::Side;
use crate::error::Refusal;
use crate::host::choice::{Hearing, Load, Places};
use crate::host::simulated::Simulated;
use crate::host::virtual_time::VirtualTimer;

/// How long an end of a connection waits for the other one, at least. The ends notice a loss some seconds apart.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const APART: usize = 9;

/// A machine of a simulation.
pub(crate) struct Machine {
    own: Weak<Self>,
    number: usize,
    host: Arc<Simulated>,
    state: Mutex<State>,
}

struct State {
    places: Places,
    /// Workers of other clients.
    others: usize,
    /// Workers of this simulation, since the machine last came.
    placed: usize,
    /// How often the machine has gone.
    gone: u64,
    /// Places that are held for clients that have given up, until the machine notices that.
    abandoned: Vec<Arc<Connection>>,
    /// How many workers the client has there, or on their way.
    assigned: usize,
    /// How many workers run there, as the client last heard.
    heard_of: usize,
    is_ending: bool,
    is_down: bool,
    cut: Option<Cut>,
    hearing: Hearing,
    looked: Instant,
    is_silent: bool,
    connection: Option<Arc<Connection>>,
    /// When something changes by itself.
    timers: Vec<VirtualTimer>,
}

/// A time in which nothing crosses the network to a machine.
#[derive(Clone, Copy)]
struct Cut {
    since: Instant,
    /// `None` while the machine is down.
    until: Option<Instant>,
}

impl Cut {
    fn is_over(self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A connection of the client to a machine. Each end may hold it for lost without the other.
pub(crate) struct Connection {
    machine: Weak<Machine>,
    begun: Instant,
    /// How long the client's end waits, and that of the machine.
    patience: [Duration; 2],
    lost: [AtomicBool; 2],
    /// The workers of the connection have vanished, with their machine.
    vanished: AtomicBool,
}

impl Machine {
    pub(crate) fn new(capacity: usize, host: &Arc<Simulated>) -> Arc<Self> {
        let number = host.machines.fetch_add(1, Ordering::Relaxed);
        let now = host.time.now();
        let state = State {
            places: Places { capacity, per_peer: capacity },
            others: 0,
            placed: 0,
            gone: 0,
            abandoned: Vec::new(),
            assigned: 0,
            heard_of: 0,
            is_ending: false,
            is_down: false,
            cut: None,
            hearing: Hearing::new(now),
            looked: now,
            is_silent: false,
            connection: None,
            timers: Vec::new(),
        };
        Arc::new_cyclic(|own| Self {
            own: Weak::clone(own),
            number,
            host: Arc::clone(host),
            state: Mutex::new(state),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        self.host.time.now()
    }

    pub(crate) fn number(&self) -> usize {
        self.number
    }

    pub(crate) fn name(&self) -> String {
        format!("host {}", self.number)
    }

    fn set_timer(&self, after: Duration) {
        let timer = self.host.time.set_timer(after, Waker::noop().clone());
        self.state().timers.push(timer);
    }

    /// Whether nothing crosses the network now.
    fn is_cut(&self) -> bool {
        let now = self.now();
        self.state().cut.is_some_and(|cut| !cut.is_over(now))
    }

    /// Cuts the network, or leaves it cut for longer. Returns whether anything could cross before.
    pub(super) fn cut(&self, time: Duration) -> bool {
        let now = self.now();
        let until = now.checked_add(time).unwrap_or(now);
        if let Some(connection) = self.present() {
            // What an earlier cut has done is decided.
            let _ = [Side::Main, Side::Far].map(|side| connection.is_lost(side));
            connection.arm();
        }
        self.set_timer(time);
        self.set_timer(time + 2 * Hearing::EACH);
        let mut state = self.state();
        if let Some(cut) = state.cut.as_mut().filter(|cut| !cut.is_over(now)) {
            cut.until = cut.until.map(|before| before.max(until));
            return false;
        }
        state.begin_cut(now, Some(until));
        drop(state);
        // The client shows the silence by then.
        self.set_timer(Duration::from_secs(3) + 2 * Hearing::EACH);
        true
    }

    /// The present connection is lost.
    pub(super) fn sever(&self) {
        if let Some(connection) = self.present() {
            connection.lose();
        }
    }

    /// The machine goes, without a word. Its workers have to be ended after this.
    pub(super) fn go(&self) {
        let now = self.now();
        let mut state = self.state();
        if state.cut.is_none_or(|cut| cut.is_over(now)) {
            state.begin_cut(now, None);
        } else if let Some(cut) = &mut state.cut {
            cut.until = None;
        }
        (state.is_down, state.others, state.placed) = (true, 0, 0);
        state.gone += 1;
        state.abandoned.clear();
        drop(state);
        self.set_timer(Duration::from_secs(3) + 2 * Hearing::EACH);
        if let Some(connection) = self.present() {
            connection.vanish();
            connection.arm();
        }
    }

    /// The machine comes back, with no workers. Also ends a cut.
    pub(crate) fn come_back(&self) {
        let now = self.now();
        let mut state = self.state();
        if let Some(cut) = &mut state.cut {
            cut.until = Some(cut.until.map_or(now, |until| until.min(now)));
        }
        (state.is_down, state.is_ending) = (false, false);
        drop(state);
        self.set_timer(2 * Hearing::EACH);
    }

    /// Refuses further workers. Those that run do what has arrived, and end.
    pub(crate) fn stop(&self) {
        self.state().is_ending = true;
    }

    pub(super) fn is_ending(&self) -> bool {
        self.state().is_ending
    }

    pub(crate) fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Sets how many workers of other clients run there, as many as fit.
    pub(crate) fn occupy(&self, others: usize) {
        let mut state = self.state();
        state.others = others.min(state.places.capacity.saturating_sub(state.placed));
    }

    /// Returns how many workers have a place there.
    pub(crate) fn running(&self) -> usize {
        // An abandoned place is free again when its machine notices that its client is gone.
        let abandoned = std::mem::take(&mut self.state().abandoned);
        let (kept, freed): (Vec<_>, Vec<_>) = abandoned
            .into_iter()
            .partition(|connection| !(connection.is_lost(Side::Far) || connection.crosses()));
        drop(freed);
        let mut state = self.state();
        state.abandoned.extend(kept);
        state.others + state.placed + state.abandoned.len()
    }

    /// Returns whether the client hears nothing from the machine.
    pub(super) fn is_silent(&self) -> bool {
        let now = self.now();
        let mut state = self.state();
        let Some(cut) = state.cut else { return false };
        // After the cut, the first sign of the machine is enough.
        let is_settled = |state: &State| !state.is_silent && cut.is_over(state.looked);
        while !is_settled(&state) && now >= state.looked + Hearing::EACH {
            let look = state.looked + Hearing::EACH;
            state.looked = look;
            let arrived = u64::from(cut.is_over(look));
            state.is_silent = state.hearing.look(look, arrived);
        }
        state.is_silent
    }

    fn present(&self) -> Option<Arc<Connection>> {
        self.state().connection.clone()
    }

    /// Returns the connection of the client. A new one is made if the network allows it.
    pub(super) fn connection(&self) -> Option<Arc<Connection>> {
        let present = self.present().filter(|connection| !connection.is_lost(Side::Main));
        if present.is_some() || self.is_cut() {
            return present;
        }
        let patience = || PATIENCE + Duration::from_secs(self.host.random.below(APART + 1) as u64);
        let connection = Arc::new(Connection {
            machine: Weak::clone(&self.own),
            begun: self.now(),
            patience: [patience(), patience()],
            lost: Default::default(),
            vanished: AtomicBool::new(false),
        });
        self.state().connection.replace(Arc::clone(&connection));
        Some(connection)
    }

    /// Returns what the client knows of the machine.
    pub(super) fn load(&self) -> Load {
        let (running, is_silent) = (self.running(), self.is_silent());
        let is_connected = self.connection().is_some();
        // News may be on their way.
        let is_told = !self.is_cut() && !self.host.random.one_in(4);
        let mut state = self.state();
        if is_told {
            state.heard_of = running;
        }
        Load {
            heard: is_connected && !is_silent,
            running: state.assigned.max(state.heard_of),
            capacity: state.places.capacity,
        }
    }

    /// Called when a client asks for a place.
    pub(super) fn reserve(&self) -> Result<Place, Refusal> {
        let running = self.running();
        let mut state = self.state();
        let of_peer = running - state.others;
        state.places.check(running, of_peer, state.is_ending)?;
        state.placed += 1;
        Ok(Place { machine: Weak::clone(&self.own), gone: state.gone })
    }

    /// Counts a worker of the client, until the result is dropped.
    pub(super) fn assign(&self) -> Assigned {
        self.state().assigned += 1;
        Assigned(Weak::clone(&self.own))
    }

    /// Drops a place whose client has given up.
    pub(super) fn abandon(&self, place: Place, connection: &Arc<Connection>) {
        drop(place);
        if !connection.has_vanished() {
            self.state().abandoned.push(Arc::clone(connection));
        }
    }
}

impl State {
    fn begin_cut(&mut self, now: Instant, until: Option<Instant>) {
        self.cut = Some(Cut { since: now, until });
        (self.hearing, self.looked, self.is_silent) = (Hearing::new(now), now, false);
    }
}

/// The place of a worker on a machine, which is free again when this is dropped.
pub(super) struct Place {
    machine: Weak<Machine>,
    gone: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(machine) = self.machine.upgrade() {
            let mut state = machine.state();
            // A machine that has come back knows nothing of it.
            if state.gone == self.gone {
                state.placed -= 1;
            }
        }
    }
}

/// A worker that the client counts.
pub(super) struct Assigned(Weak<Machine>);

impl Drop for Assigned {
    fn drop(&mut self) {
        if let Some(machine) = self.0.upgrade() {
            machine.state().assigned -= 1;
        }
    }
}

impl Connection {
    /// Returns whether bytes cross now.
    pub(super) fn crosses(&self) -> bool {
        let is_lost = self.lost.iter().any(|lost| lost.load(Ordering::SeqCst));
        !is_lost && self.machine.upgrade().is_some_and(|machine| !machine.is_cut())
    }

    /// Returns whether this end holds the connection for lost.
    pub(super) fn is_lost(&self, side: Side) -> bool {
        let [own, other] = [side, side.other()].map(|side| &self.lost[side as usize]);
        if own.load(Ordering::SeqCst) {
            return true;
        }
        let Some(machine) = self.machine.upgrade() else { return true };
        let (now, cut) = (machine.now(), machine.state().cut);
        // The other end, which has forgotten the connection, says so as soon as it can.
        let is_told = other.load(Ordering::SeqCst) && cut.is_none_or(|cut| cut.is_over(now));
        let has_waited = cut.filter(|cut| cut.since >= self.begun).is_some_and(|cut| {
            let deadline = cut.since + self.patience[side as usize];
            deadline <= now && cut.until.is_none_or(|until| deadline <= until)
        });
        if is_told || has_waited {
            own.store(true, Ordering::SeqCst);
        }
        is_told || has_waited
    }

    /// The connection is lost, and each end will notice that.
    pub(super) fn lose(&self) {
        self.lost.iter().for_each(|lost| lost.store(true, Ordering::SeqCst));
    }

    /// The machine's end is gone, and everything there.
    pub(super) fn vanish(&self) {
        self.vanished.store(true, Ordering::SeqCst);
        self.lost[Side::Far as usize].store(true, Ordering::SeqCst);
    }

    pub(super) fn has_vanished(&self) -> bool {
        self.vanished.load(Ordering::SeqCst)
    }

    pub(super) fn machine(&self) -> Option<Arc<Machine>> {
        self.machine.upgrade()
    }

    /// Lets time pass until each end has lost its patience, if nothing else happens.
    pub(super) fn arm(&self) {
        if let Some(machine) = self.machine.upgrade() {
            self.patience.iter().for_each(|patience| machine.set_timer(*patience));
        }
    }
}
