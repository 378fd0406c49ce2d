//! A worker in a simulation: its life, one step at a time.

use std::cell::{Cell, RefCell};

use reacton_core::ReactonStore;

use crate::error::Mismatch;
use crate::life::{Birth, Life};
use crate::worker::Entry;

pub(crate) struct Actor {
    store: ReactonStore,
    /// Away while the worker runs; nothing once it has ended.
    life: RefCell<Option<Life>>,
    entry: RefCell<Option<Entry>>,
    failed: Cell<bool>,
}

impl Actor {
    pub(super) fn new(birth: Birth, entry: Entry) -> (Self, Vec<Mismatch>) {
        let (life, mismatches) = Life::begin(birth);
        let actor = Self {
            store: life.store().clone(),
            life: RefCell::new(Some(life)),
            entry: RefCell::new(Some(entry)),
            // If it died while it took over what its main holds, it says so when its turn comes.
            failed: Cell::new(mismatches.is_none()),
        };
        (actor, mismatches.unwrap_or_default())
    }

    pub(super) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Whether it is in the middle of something, and waits for what the others do.
    pub(super) fn is_running(&self) -> bool {
        self.life.borrow().is_none()
    }

    /// Whether it has something to do but take in what arrived: call its function, or end.
    pub(super) fn is_due(&self) -> bool {
        self.failed.get() || self.entry.borrow().is_some() || self.store.is_disposed()
    }

    /// Does it. Gives whether this was its end.
    pub(super) fn go(&self) -> bool {
        let entry = self.entry.take();
        match entry {
            // A worker that was disposed before it began never begins, as on a thread it may not.
            Some(entry) if !self.failed.get() => self.run(entry),
            _ => return true,
        }
        false
    }

    /// Takes in what came first.
    pub(super) fn take_one(&self) {
        self.run(|store| {
            store.pump_at_most(1);
            Ok(())
        });
    }

    fn run(&self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) {
        let Some(mut life) = self.life.take() else { return };
        if !life.run(f) {
            self.failed.set(true);
        }
        *self.life.borrow_mut() = Some(life);
    }

    /// Says its last word.
    pub(super) fn end(&self) {
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
