//! The host that runs workers on threads: starts them, and waits for their answers and their ends.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use reacton_core::panics::discard;
use reacton_core::{Peers, ReactonStore, panic_message};

use super::signal::{NoAnswer, Signal};
use super::task_threads::{self, Job};
use super::{Failure, Host, Running, Start, Timer, timer};
use crate::wire::message::IsolateMessage;
use crate::worker::options::Options;
use crate::worker::run::{Acknowledge, run_worker};

/// The host that starts a thread for each worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Threads;

impl Host for Threads {
    fn start(
        &self,
        _: &ReactonStore,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>> {
        let thread = self::start(options, move |signal| run_start(start, signal))?;
        Ok(Box::new(thread))
    }

    fn after(&self, wait: Duration, waker: Waker) -> io::Result<Timer> {
        Ok(match Instant::now().checked_add(wait) {
            Some(deadline) => Box::new(timer::Timer::new(deadline, waker)?),
            // The deadline is out of range, so it never comes. The result only keeps the waker.
            None => Box::new(waker),
        })
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn run(&self, job: Arc<dyn Job>) -> io::Result<()> {
        task_threads::execute(job)
    }

    fn peers(&self) -> Option<Arc<dyn Peers>> {
        None
    }
}

/// Runs a worker on this thread.
pub(super) fn run_start(start: Start, signal: &Arc<Signal>) {
    let Start { setup, entry, over_the_link } = start;
    let answer = |message| signal.answer(message);
    let acknowledge =
        if over_the_link { Acknowledge::OverTheLink } else { Acknowledge::ToSpawn(&answer) };
    run_worker(setup, &acknowledge, entry);
}

/// The thread of a worker.
#[derive(Debug)]
pub(crate) struct Thread {
    handle: JoinHandle<()>,
    /// Allows waiting for the end of the thread with a timeout or a waker.
    signal: Arc<Signal>,
}

impl Thread {
    /// Waits until the worker has [answered](Signal::answer) or its thread has ended. Returns whether it has answered.
    pub(crate) fn waits_for_answer(&self) -> bool {
        self.signal.wait_answer(Duration::MAX).is_ok()
    }

    /// Waits for the end of the thread. If the thread unwinds, the message of its panic is the error.
    pub(crate) fn join(self) -> Result<(), String> {
        self.handle.join().map_err(|payload| {
            let message = panic_message(&*payload);
            discard(payload);
            message
        })
    }

    /// Returns whether the caller runs on this thread.
    pub(crate) fn is_current(&self) -> bool {
        self.handle.thread().id() == thread::current().id()
    }
}

impl Running for Thread {
    fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer> {
        self.signal.wait_answer(timeout)
    }

    fn poll_answer(&self, context: &Context<'_>) -> Poll<Result<IsolateMessage, NoAnswer>> {
        self.signal.poll_answer(context)
    }

    fn cancel(&self) {
        self.signal.close();
    }

    fn ends_within(&self, timeout: Duration) -> bool {
        self.signal.wait_end(timeout)
    }

    fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        self.signal.poll_end(context)
    }

    fn join(self: Box<Self>) -> Result<(), Failure> {
        Ok((*self).join()?)
    }
}

/// Starts a thread with the name and the stack of `options`.
pub(crate) fn start(
    options: &Options,
    run: impl FnOnce(&Arc<Signal>) + Send + 'static,
) -> io::Result<Thread> {
    start_with(options, Signal::default(), run)
}

/// As [`start`], with a signal that the caller has made.
pub(super) fn start_with(
    options: &Options,
    signal: Signal,
    run: impl FnOnce(&Arc<Signal>) + Send + 'static,
) -> io::Result<Thread> {
    let mut builder = thread::Builder::new();
    // A thread cannot have a name that contains a NUL.
    if !options.name.contains('\0') {
        builder = builder.name(options.name.clone());
    }
    if let Some(bytes) = options.stack_size {
        builder = builder.stack_size(bytes);
    }
    let signal = Arc::new(signal);
    let own = Arc::clone(&signal);
    let handle = builder.spawn(move || {
        own.attach();
        run(&own);
    })?;
    Ok(Thread { handle, signal })
}
