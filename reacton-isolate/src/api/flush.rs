//! Waiting for the main store: until it has applied enough of what a worker has sent.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, WeakStore};

use crate::error::FlushError;
use crate::hub::Hub;
use crate::link::{Outbox, SendCounter};
use crate::sync::LinkId;

/// A future that is ready when at most a given number of messages of a worker are queued at its main store. Made by
/// [`MainLink::flush`](crate::MainLink::flush).
#[must_use = "it does nothing unless it is awaited or waited for"]
pub struct Flush {
    store: WeakStore,
    link: Option<LinkId>,
    most: u64,
    /// `None` until the future waits.
    waiting: Option<Waiting>,
}

/// While it exists, the main store notifies this worker.
struct Waiting {
    outbox: Rc<Outbox>,
    counter: SendCounter,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.outbox.stop_waiting();
    }
}

impl Flush {
    pub(super) fn new(store: WeakStore, link: Option<LinkId>, most: usize) -> Self {
        Self { store, link, most: most as u64, waiting: None }
    }

    /// Blocks the thread until the future is ready. It takes no turn, so it may be called inside an observer.
    ///
    /// # Errors
    /// If `timeout` passes, or if the worker must end.
    pub fn wait(mut self, timeout: Duration) -> Result<(), FlushError> {
        let (store, most) = (self.store.upgrade(), self.most);
        let (Some(store), false) = (store, self.is_ready()?) else { return Ok(()) };
        let Some(Waiting { counter, .. }) = self.begin() else { return Ok(()) };
        let counter = counter.clone();
        let wiring = Wiring::of(&store);
        let deadline = wiring.now().checked_add(timeout);
        let is_ready = {
            let counter = counter.clone();
            move || counter.queued() <= most || counter.flush().has_ended()
        };
        let in_time = match wiring.peers() {
            Some(peers) => peers.wait(Some(wiring.number()), Arc::new(is_ready), deadline),
            None => counter.flush().wait(&is_ready, deadline),
        };
        if counter.queued() <= most {
            Ok(())
        } else if in_time {
            Err(FlushError::Disposed)
        } else {
            Err(FlushError::TimedOut { timeout, queued: counter.queued() })
        }
    }

    fn outbox(&self) -> Option<Rc<Outbox>> {
        let store: ReactonStore = self.store.upgrade()?;
        let end = Hub::find(&store)?.link(self.link?)?;
        Some(Rc::clone(end.outbox()))
    }

    /// Whether enough was applied. Always true if the store belongs to no worker.
    fn is_ready(&self) -> Result<bool, FlushError> {
        if self.link.is_none() {
            return Ok(true);
        }
        let stopped = self.store.upgrade().is_none_or(|store| Wiring::of(&store).is_stopped());
        let outbox = self.outbox().filter(|_| !stopped).ok_or(FlushError::Disposed)?;
        Ok(outbox.queued() <= self.most)
    }

    /// Asks the main store to notify from now on.
    fn begin(&mut self) -> Option<&Waiting> {
        if self.waiting.is_none() {
            let outbox = self.outbox()?;
            let counter = outbox.wait_for_receiver();
            self.waiting = Some(Waiting { outbox, counter });
        }
        self.waiting.as_ref()
    }
}

impl Future for Flush {
    type Output = Result<(), FlushError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if this.is_ready()? {
            this.waiting = None;
            return Poll::Ready(Ok(()));
        }
        if let Some(Waiting { counter, .. }) = this.begin() {
            counter.flush().register(context.waker().clone());
        }
        // Messages applied before the request have notified nobody.
        if this.is_ready()? {
            this.waiting = None;
            return Poll::Ready(Ok(()));
        }
        Poll::Pending
    }
}

impl fmt::Debug for Flush {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flush").field("most", &self.most).finish_non_exhaustive()
    }
}
