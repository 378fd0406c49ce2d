//! Futures and streams, polled by hand without an executor, so that the tests decide when.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use reacton::prelude::*;

#[path = "futures/fairness.rs"]
mod fairness;
#[path = "futures/handles.rs"]
mod handles;
#[path = "futures/nested.rs"]
mod nested;
#[path = "futures/remote.rs"]
mod remote;
#[path = "futures/streams.rs"]
mod streams;
#[path = "futures/waking.rs"]
mod waking;

#[reacton]
static COUNT: u32 = 0;

#[computed]
static DOUBLE: u32 = |cx| cx.get(&COUNT) * 2;

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Task {
    woken: Arc<Woken>,
    waker: Waker,
}

impl Task {
    fn new() -> Self {
        let woken = Arc::new(Woken::default());
        Self { waker: Waker::from(Arc::clone(&woken)), woken }
    }

    fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker))
    }

    fn next<S: Stream + Unpin>(&self, stream: &mut S) -> Poll<Option<S::Item>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(&self.waker))
    }

    fn times_woken(&self) -> usize {
        self.woken.0.load(Ordering::SeqCst)
    }

    /// Returns how many wakers of this task others keep.
    fn kept(&self) -> usize {
        Arc::strong_count(&self.woken) - 2
    }
}
