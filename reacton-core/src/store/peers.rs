//! How a store waits in a simulation, where one store runs at a time: the others take steps, and the clock is that of
//! the simulation.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::ReactonStore;
use crate::inbox::Waited;

/// The stores that take steps while one of them waits, and the clock by which they wait. A store without peers sleeps, and
/// waits by the clock of the system.
pub trait Peers: fmt::Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Instant;
    /// Lets the others run until `is_ready` returns `true` or the deadline has passed, and returns whether it is ready.
    /// `waiting` is the number of the store that waits: it takes no turn meanwhile. `None` if code waits that belongs to no
    /// store. `seems_ready` is for other threads: if it returns `true`, the thread that waits asks `is_ready`.
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
    /// As [`wait_until`](Self::wait_until), where every thread can ask the same.
    fn wait(&self, waiting: Option<u64>, is_ready: IsReady, deadline: Option<Instant>) -> bool {
        self.wait_until(waiting, &*Arc::clone(&is_ready), is_ready, deadline)
    }
    /// Lets one of the others take a step. Returns `false` if none can.
    fn step(&self, waiting: Option<u64>) -> bool;
}

/// Whether what a store waits for has come. Another thread may ask.
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
        // An async worker waits between its polls.
        let peers = if self.turn_state().is_driven() { None } else { self.peers() };
        peers.is_some_and(|peers| peers.step(Some(self.number())))
    }

    /// Waits until something has arrived: on its thread, or among its peers.
    pub(crate) fn wait_for_arrival(&self, deadline: Option<Instant>) -> Waited {
        let inbox = self.inbox();
        let Some(peers) = self.peers() else { return inbox.wait(deadline) };
        if inbox.is_empty() && !inbox.is_recheck_asked() && !inbox.is_disconnected() {
            let mailbox = inbox.weak_mailbox();
            let seems_ready: IsReady = Arc::new(move || mailbox.ends_a_wait());
            // What has arrived may have left the channel: other code on this thread has looked for it.
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
