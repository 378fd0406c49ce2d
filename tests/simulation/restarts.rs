//! L3 in virtual time: restarts with a backoff, counted in a window.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;

const MAX: u32 = 2;
const WITHIN: Duration = Duration::from_secs(60);
const BACKOFF: Duration = Duration::from_secs(1);

/// Longer than any wait of these restarts.
pub(crate) const LONGEST: Duration = Duration::from_secs(3);

/// A limited number of restarts within a minute, each after a second.
pub(crate) const LIMITED: Restart = Restart::OnPanic { max: MAX, within: WITHIN, backoff: BACKOFF };

/// The moments at which an isolate was restarted, as its main store sees them.
pub(crate) struct Timeline {
    simulation: Weak<Simulation>,
    waits_since: Cell<Option<Duration>>,
    restarts: RefCell<Vec<Duration>>,
    has_failed: Cell<bool>,
    fault: RefCell<Option<String>>,
}

impl Timeline {
    pub(crate) fn watch(
        simulation: &Rc<Simulation>,
        store: &ReactonStore,
        isolate: &IsolateStore,
    ) -> Rc<Self> {
        let timeline = Rc::new(Self {
            simulation: Rc::downgrade(simulation),
            waits_since: Cell::default(),
            restarts: RefCell::default(),
            has_failed: Cell::default(),
            fault: RefCell::default(),
        });
        let own = Rc::clone(&timeline);
        store.subscribe(isolate.status(), move |_, status| own.add(status));
        timeline
    }

    fn add(&self, status: &IsolateStatus) {
        let Some(now) = self.simulation.upgrade().map(|simulation| simulation.elapsed()) else {
            return;
        };
        match status {
            IsolateStatus::Restarting { .. } => self.waits_since.set(Some(now)),
            IsolateStatus::Running => {
                let waited = self.waits_since.take().map(|since| now.saturating_sub(since));
                // The status is written some steps after the wait has begun, so a few milliseconds are missing.
                if waited.is_some_and(|waited| waited + Duration::from_millis(10) < BACKOFF) {
                    self.report(format!("it was restarted after {waited:?}"));
                }
                let mut restarts = self.restarts.borrow_mut();
                restarts.push(now);
                let recent = restarts
                    .iter()
                    .filter(|restart| now.saturating_sub(**restart) < WITHIN)
                    .count();
                if recent > MAX as usize {
                    self.report(format!("{recent} restarts within {WITHIN:?}: {restarts:?}"));
                }
            }
            IsolateStatus::Failed { message, .. } => {
                self.has_failed.set(true);
                let restarts = self.restarts.borrow().len();
                if restarts < MAX as usize {
                    self.report(format!("it failed for good after {restarts} restarts: {message}"));
                }
            }
            _ => {}
        }
    }

    fn report(&self, fault: String) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    pub(crate) fn check(&self, node: usize) {
        let fault = self.fault.borrow();
        assert!(fault.is_none(), "node {node}: {}", fault.as_deref().unwrap_or_default());
    }

    /// Returns whether the worker waits for its restart.
    pub(crate) fn waits(&self) -> bool {
        self.waits_since.get().is_some()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.get()
    }
}
