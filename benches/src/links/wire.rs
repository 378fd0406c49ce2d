//! What the links are compared with: one number from thread to thread, as a program would send it by hand.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use eyeball::{SharedObservable, Subscriber};
use futures_lite::future::{block_on, poll_once};
use tokio::sync::watch;

use super::cores::Cores;

/// One direction of a channel.
pub(super) trait Wire {
    type Mouth: Mouth;
    type Ear: Ear;

    fn new() -> (Self::Mouth, Self::Ear);
}

/// The sending end.
pub(super) trait Mouth: Send + 'static {
    fn say(&self, value: u64);
}

/// The receiving end.
pub(super) trait Ear: Send + 'static {
    /// Returns the next value, or the newest, if one has arrived.
    fn look(&mut self) -> Option<u64>;
    /// Sleeps until a value arrives, and returns it. `None` if the other end is gone.
    fn sleep(&mut self) -> Option<u64>;

    /// Spins with yields, then sleeps. Returns the next value.
    fn hear(&mut self, spin: Duration) -> Option<u64> {
        spun(spin, || self.look()).or_else(|| self.sleep())
    }
}

/// Returns what `look` finds within `spin`. Yields in between, as the library does.
pub(crate) fn spun<T>(spin: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    if spin.is_zero() {
        return None;
    }
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if begin.elapsed() >= spin {
            return None;
        }
        thread::yield_now();
    }
}

/// Starts a thread on the core of the other threads.
pub(crate) fn other(cores: Cores, life: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        cores.pin_other();
        life();
    })
}

/// flume, the channel that the links use.
pub(super) enum Flume {}

impl Wire for Flume {
    type Mouth = flume::Sender<u64>;
    type Ear = flume::Receiver<u64>;

    fn new() -> (Self::Mouth, Self::Ear) {
        flume::unbounded()
    }
}

impl Mouth for flume::Sender<u64> {
    fn say(&self, value: u64) {
        // At the very end the receiver may be gone.
        let _ = self.send(value);
    }
}

impl Ear for flume::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }

    fn sleep(&mut self) -> Option<u64> {
        self.recv().ok()
    }
}

pub(super) enum Crossbeam {}

impl Wire for Crossbeam {
    type Mouth = crossbeam_channel::Sender<u64>;
    type Ear = crossbeam_channel::Receiver<u64>;

    fn new() -> (Self::Mouth, Self::Ear) {
        crossbeam_channel::unbounded()
    }
}

impl Mouth for crossbeam_channel::Sender<u64> {
    fn say(&self, value: u64) {
        let _ = self.send(value);
    }
}

impl Ear for crossbeam_channel::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.try_recv().ok()
    }

    fn sleep(&mut self) -> Option<u64> {
        self.recv().ok()
    }
}

/// Keeps only the newest value.
pub(super) enum Watch {}

impl Wire for Watch {
    type Mouth = watch::Sender<u64>;
    type Ear = watch::Receiver<u64>;

    fn new() -> (Self::Mouth, Self::Ear) {
        watch::channel(0)
    }
}

impl Mouth for watch::Sender<u64> {
    fn say(&self, value: u64) {
        self.send_replace(value);
    }
}

impl Ear for watch::Receiver<u64> {
    fn look(&mut self) -> Option<u64> {
        self.has_changed().ok()?.then(|| *self.borrow_and_update())
    }

    fn sleep(&mut self) -> Option<u64> {
        block_on(self.changed()).ok()?;
        Some(*self.borrow_and_update())
    }
}

/// Keeps only the newest value.
pub(super) enum Eyeball {}

impl Wire for Eyeball {
    type Mouth = SharedObservable<u64>;
    type Ear = Subscriber<u64>;

    fn new() -> (Self::Mouth, Self::Ear) {
        let observable = SharedObservable::new(0);
        let subscriber = observable.subscribe();
        (observable, subscriber)
    }
}

impl Mouth for SharedObservable<u64> {
    fn say(&self, value: u64) {
        self.set(value);
    }
}

impl Ear for Subscriber<u64> {
    fn look(&mut self) -> Option<u64> {
        block_on(poll_once(self.next())).flatten()
    }

    fn sleep(&mut self) -> Option<u64> {
        block_on(self.next())
    }
}
