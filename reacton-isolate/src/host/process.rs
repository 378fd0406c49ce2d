//! The host that runs each worker in a child process. A thread of this process, the *keeper*, starts the process,
//! carries its messages and reaps it.

mod child;
mod keeper;
mod program;
mod socket;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reacton_core::{Peers, ReactonStore};

pub use self::child::Served;
pub(crate) use self::child::{is_child, run_as_child};
use self::keeper::Keeper;
use self::program::Program;
pub(crate) use self::program::{Launch, serve, served};
use super::road::Exit;
use super::signal::NoAnswer;
use super::task_threads::Job;
use super::threads::{self, Thread};
use super::{Host, Running, Start, Timer};
use crate::error::SpawnError;
use crate::link::{Delivery, SendCounter, Sender};
use crate::wire::message::IsolateMessage;
use crate::worker::away::Away;
use crate::worker::options::Options;

/// Starts a process for one worker, and one more for each restart.
#[derive(Debug)]
pub(crate) struct Processes {
    away: Arc<Away>,
    program: Program,
    /// How the last of its processes ended.
    exit: Arc<Mutex<Option<Exit>>>,
    /// The clock for waits on the worker.
    clock: Arc<dyn Host>,
}

impl Processes {
    /// Returns the host, or an error if no process of this program would run the worker.
    pub(crate) fn new(
        worker: &str,
        away: Arc<Away>,
        clock: Arc<dyn Host>,
    ) -> Result<Self, SpawnError> {
        let program = Program::of(&away)
            .map_err(|served| SpawnError::NotServed { worker: worker.to_owned(), served })?;
        Ok(Self { away, program, exit: Arc::default(), clock })
    }
}

impl Host for Processes {
    fn start(
        &self,
        _: &ReactonStore,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>> {
        let Start { setup, over_the_link, .. } = start;
        let outcome = Arc::new(Outcome { exit: Arc::clone(&self.exit), failure: Mutex::default() });
        let keeper = Keeper {
            setup,
            over_the_link,
            stack_size: options.stack_size,
            spin: options.spin,
            handshake_timeout: options.handshake_timeout,
            away: Arc::clone(&self.away),
            program: self.program,
            outcome: Arc::clone(&outcome),
        };
        let sender = Arc::clone(keeper.sender());
        // The stack size is meant for the worker's thread, in the other process.
        let options = Options { stack_size: None, ..options.clone() };
        let thread = threads::start(&options, move |signal| keeper.run(signal))?;
        Ok(Box::new(Kept { thread, sender, outcome }))
    }

    fn after(&self, wait: Duration, waker: Waker) -> io::Result<Timer> {
        self.clock.after(wait, waker)
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn run(&self, job: Arc<dyn Job>) -> io::Result<()> {
        self.clock.run(job)
    }

    fn peers(&self) -> Option<Arc<dyn Peers>> {
        None
    }

    fn road(&self, delivery: Delivery, counter: &SendCounter) -> Option<Arc<Sender>> {
        Some(Arc::new(Sender::new(delivery, counter.clone())))
    }

    fn exit(&self) -> Option<Exit> {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the store that spawned a worker learns about its end.
#[derive(Debug)]
struct Outcome {
    exit: Arc<Mutex<Option<Exit>>>,
    /// Why the handshake was not completed.
    failure: Mutex<Option<String>>,
}

impl Outcome {
    fn set_exit(&self, exit: Exit) {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(exit);
    }

    fn set_failure(&self, message: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
    }
}

/// A worker in a process, with its keeper.
#[derive(Debug)]
struct Kept {
    thread: Thread,
    sender: Arc<Sender>,
    outcome: Arc<Outcome>,
}

impl Running for Kept {
    fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer> {
        self.thread.wait_answer(timeout)
    }

    fn poll_answer(&self, context: &Context<'_>) -> Poll<Result<IsolateMessage, NoAnswer>> {
        self.thread.poll_answer(context)
    }

    fn cancel(&self) {
        self.thread.cancel();
        self.sender.end();
    }

    fn ends_within(&self, timeout: Duration) -> bool {
        self.thread.ends_within(timeout)
    }

    fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        self.thread.poll_end(context)
    }

    fn join(self: Box<Self>) -> Result<(), String> {
        self.thread.join()?;
        let failure = self.outcome.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}
