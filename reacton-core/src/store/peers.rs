//! How a store waits in a simulation, where one store runs at a time: the others take steps, and the simulation has the
//! clock.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::ReactonStore;
use crate::inbox::Waited;

/// The stores that take steps while one waits, and their clock. A store without peers sleeps, and uses the clock of the
/// system.
pub trait Peers: fmt::Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Instant;
    /// Lets the others run until `is_ready` returns `true` or the deadline has passed, and returns whether it is ready.
    /// `waiting` is the number of the waiting store, which takes no turn meanwhile; `None` if the waiting code belongs
    /// to no store. Other threads may call `seems_ready`: if it returns `true`, the waiting thread calls `is_ready`.
    ///
    /// # Panics
    /// If nothing is left that could make it ready, and there is no deadline.
    fn wait_until(
        &self,
        waiting: Option<u64>,
        is_ready: &dyn Fn() -> bool,
        seems_ready: IsReady,
        deadline: Option<Instant>,
    ) -> bool;
    /// As [`wait_until`](Self::wait_until), with a condition that every thread may check.
    fn wait(&self, waiting: Option<u64>, is_ready: IsReady, deadline: Option<Instant>) -> bool {
        self.wait_until(waiting, &*Arc::clone(&is_ready), is_ready, deadline)
    }
    /// Lets one of the others take a step. Returns `false` if none can.
    fn step(&self, waiting: Option<u64>) -> bool;
}

/// Whether what a store waits for has happened. Any thread may call it.
pub type IsReady = Arc<dyn Fn() -> bool + Send + Sync>;

impl ReactonStore {
    pub(crate) fn peers(&self) -> Option<Arc<dyn Peers>> {
        self.inner.peers.borrow().clone()
    }

    pub(crate) fn set_peers(&self, peers: Option<Arc<dyn Peers>>) {
        let displaced = self.inner.peers.replace(peers);
        drop(displaced);
    }

    /// The present time.
    pub(crate) fn now(&self) -> Instant {
        self.inner.peers.borrow().as_ref().map_or_else(Instant::now, |peers| peers.now())
    }

    /// Lets one of the peers take a step. Returns `false` if there are none, or if none can.
    pub(crate) fn step_peers(&self) -> bool {
        // An async worker waits between its polls, not here.
        let peers = if self.turn_state().is_driven() { None } else { self.peers() };
        peers.is_some_and(|peers| peers.step(Some(self.number())))
    }

    /// Waits until something has arrived: asleep, or while its peers take steps.
    pub(crate) fn wait_for_arrival(&self, deadline: Option<Instant>) -> Waited {
        let inbox = self.inbox();
        let Some(peers) = self.peers() else { return inbox.wait(deadline) };
        if inbox.is_empty() && !inbox.is_recheck_asked() && !inbox.is_disconnected() {
            let mailbox = inbox.weak_mailbox();
            let seems_ready: IsReady = Arc::new(move || mailbox.ends_a_wait());
            // Checked also when the channel is empty: other code on this thread may have moved the arrival out of it.
            let is_ready =
                || !inbox.is_empty() || inbox.is_recheck_asked() || inbox.is_disconnected();
            if !peers.wait_until(Some(self.number()), &is_ready, seems_ready, deadline) {
                return Waited::TimedOut;
            }
        }
        if inbox.take_recheck() || !inbox.is_empty() {
            return Waited::Arrived;
        }
        Waited::Disconnected
    }
}
