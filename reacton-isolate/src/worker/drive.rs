//! Async workers: one future on the worker's own thread.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use reacton_core::ReactonStore;
use reacton_core::wiring::Wiring;

use crate::api::worker::Outcome;

/// Wakes the worker's thread.
struct Unpark {
    thread: Thread,
    /// Woken since it was polled last: a future that only lets others run is polled again.
    woken: AtomicBool,
}

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// While it lives, an async worker runs on the store.
struct Driven<'s>(&'s ReactonStore);

impl<'s> Driven<'s> {
    fn begin(store: &'s ReactonStore) -> Self {
        Wiring::of(store).set_driven(true);
        Self(store)
    }
}

impl Drop for Driven<'_> {
    fn drop(&mut self) {
        Wiring::of(self.0).set_driven(false);
    }
}

/// Runs an async worker to its end on this thread.
///
/// If the isolate is disposed, the future is dropped where it waits. If it is shut down, a turn gives 0 and a stream of
/// changes ends as soon as the worker asks for more and nothing is left; what it does besides goes on. It is dropped if it
/// asks for a turn again.
///
/// # Errors
/// If the worker returns an error: its words.
#[doc(hidden)]
pub fn drive<O: Outcome>(
    store: &ReactonStore,
    worker: impl Future<Output = O>,
) -> Result<(), String> {
    let unpark = Arc::new(Unpark { thread: thread::current(), woken: AtomicBool::new(false) });
    let (waker, wake) = (Waker::from(Arc::clone(&unpark)), Arc::clone(&unpark));
    // An isolate that is disposed wakes the worker even if it waits for something else than a turn.
    let _wake = store.on_wake(move || wake.wake_by_ref()).scoped();
    let _driven = Driven::begin(store);
    let mut context = Context::from_waker(&waker);
    let mut worker = pin!(worker);
    loop {
        unpark.woken.store(false, Ordering::SeqCst);
        if let Poll::Ready(outcome) = worker.as_mut().poll(&mut context) {
            return outcome.done();
        }
        if Wiring::of(store).is_stopped() || Wiring::of(store).was_asked_again() {
            return Ok(());
        }
        match Wiring::of(store).idle_step() {
            // Whatever else parks on this thread (a channel, a spawn) may have used up the token of a wake-up.
            None => {
                while !unpark.woken.load(Ordering::SeqCst) {
                    thread::park();
                }
            }
            Some(step) => {
                while !unpark.woken.load(Ordering::SeqCst) {
                    let moved = step();
                    assert!(
                        moved || unpark.woken.load(Ordering::SeqCst),
                        "an async worker waits for ever in a simulation: it needs a thread"
                    );
                }
            }
        }
    }
}
