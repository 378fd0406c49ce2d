//! A worker in a simulation: its life, one step at a time, and what it waits for meanwhile.

use std::cell::{Cell, RefCell};

use reacton_core::ReactonStore;
use reacton_core::wiring::Wiring;

use super::random::Random;
use crate::api::worker::Entry;
use crate::error::Mismatch;
use crate::worker::life::{Birth, Life, in_function};

pub(crate) struct Actor {
    store: ReactonStore,
    /// Away while the worker runs; nothing once it has ended.
    life: RefCell<Option<Life>>,
    entry: RefCell<Option<Entry>>,
    stage: Cell<Stage>,
    failed: Cell<bool>,
}

/// Where the worker's thread would be. Between two stages it asks whether it is to end, as
/// [`take_turns`](crate::api::worker::live) does; while it sleeps it asks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before its function.
    Spawned,
    /// In a turn: so many of the items that the turn began with are left.
    Turn(usize),
    /// Blocked on its inbox.
    Asleep,
    /// It has seen that it is to end, or failed.
    Over,
}

/// What a worker can do next.
pub(crate) enum Next {
    /// Take in the first item of its inbox.
    Take,
    /// Call its function, or end.
    Go,
}

impl Actor {
    pub(crate) fn new(birth: Birth, entry: Entry) -> (Self, Vec<Mismatch>) {
        let (life, mismatches) = Life::begin(birth);
        let actor = Self {
            store: life.store().clone(),
            life: RefCell::new(Some(life)),
            entry: RefCell::new(Some(entry)),
            // A worker that died while it took over the values of its main ends in a step of its own.
            stage: Cell::new(if mismatches.is_some() { Stage::Spawned } else { Stage::Over }),
            failed: Cell::new(mismatches.is_none()),
        };
        (actor, mismatches.unwrap_or_default())
    }

    pub(crate) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Whether it is in the middle of something, and waits for what the others do.
    fn is_running(&self) -> bool {
        self.life.borrow().is_none()
    }

    /// What it can do. A worker that sleeps can do nothing before its inbox receives an item.
    pub(crate) fn next(&self) -> Option<Next> {
        let wiring = Wiring::of(&self.store);
        // It is busy if the test is in the middle of something in the worker's place.
        if self.is_running() || wiring.is_busy() {
            return None;
        }
        match self.stage.get() {
            Stage::Spawned | Stage::Over => Some(Next::Go),
            // Only code on the worker's own thread disposes its store, and a look follows that code.
            _ if wiring.is_ended() => Some(Next::Go),
            Stage::Turn(_) | Stage::Asleep => wiring.has_arrivals().then_some(Next::Take),
        }
    }

    /// Whether it sleeps for good though it is to end: on a thread, it would block for ever.
    pub(crate) fn has_missed_its_end(&self) -> bool {
        !self.is_running() && self.next().is_none() && self.is_to_end()
    }

    fn is_to_end(&self) -> bool {
        self.store.is_disposed() || Wiring::of(&self.store).is_disconnected()
    }

    /// Calls its function, or finds that it is to end. Gives whether this was its end.
    pub(crate) fn go(&self) -> bool {
        let entry = self.entry.take();
        match entry {
            Some(entry) if self.stage.get() == Stage::Spawned => {
                self.run_function(entry);
                self.look();
                false
            }
            _ => true,
        }
    }

    /// Takes in what came first: the beginning of a turn, or more of the one that it is in.
    pub(crate) fn take_one(&self, random: &Random) {
        let left = match self.stage.get() {
            Stage::Turn(left) => left,
            // What came after the first item may have come after the turn began.
            _ => 1 + random.below(Wiring::of(&self.store).arrivals()),
        };
        self.stage.set(Stage::Turn(left - 1));
        self.run(|store| {
            Wiring::of(store).take_one();
            Ok(())
        });
        let wiring = Wiring::of(&self.store);
        // Nothing is left if the test has taken turns in the worker's place.
        if left == 1 || !wiring.has_arrivals() || wiring.is_stopped() {
            self.look();
        }
    }

    /// The turn or the function has ended: asks whether it is to end, and goes to sleep otherwise.
    fn look(&self) {
        if self.stage.get() != Stage::Over {
            // What this calls can be interrupted, but not by a step of this worker.
            self.run(|store| {
                Wiring::of(store).ask();
                Ok(())
            });
            self.stage.set(if self.is_to_end() { Stage::Over } else { Stage::Asleep });
        }
    }

    fn run_function(&self, entry: Entry) {
        self.run(|store| in_function(store, entry));
    }

    fn run(&self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) {
        let Some(mut life) = self.life.take() else { return };
        if !life.run(f) {
            self.failed.set(true);
            self.stage.set(Stage::Over);
        }
        *self.life.borrow_mut() = Some(life);
    }

    /// Says its last word.
    pub(crate) fn end(&self) {
        let entry = self.entry.take();
        drop(entry);
        let life = self.life.take();
        if let Some(mut life) = life
            && !self.failed.get()
        {
            life.complete();
        }
    }
}
