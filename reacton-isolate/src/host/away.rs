//! The host that runs each worker elsewhere, as a carrier starts it: in a child process, or on another machine.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reacton_core::{Peers, ReactonStore};

use super::keeper::Keeper;
use super::signal::NoAnswer;
use super::task_threads::Job;
use super::threads::Thread;
use super::{Failure, Host, Running, Start, Timer};
use crate::link::{Delivery, SendCounter, Sender};
use crate::wire::message::IsolateMessage;
use crate::worker::away::Away;
use crate::worker::carrier::{Carrier, CarrierError};
use crate::worker::exit::Exit;
use crate::worker::options::Options;

/// Has one worker started elsewhere, and one more for each restart.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    away: Arc<Away>,
    carrier: Arc<dyn Carrier>,
    /// How the last of its processes ended.
    exit: Arc<Mutex<Option<Exit>>>,
    /// The clock for waits on the worker.
    clock: Arc<dyn Host>,
}

impl Elsewhere {
    pub(crate) fn new(away: Arc<Away>, carrier: Arc<dyn Carrier>, clock: Arc<dyn Host>) -> Self {
        Self { away, carrier, exit: Arc::default(), clock }
    }
}

impl Host for Elsewhere {
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
            options: options.clone(),
            away: Arc::clone(&self.away),
            carrier: Arc::clone(&self.carrier),
            outcome: Arc::clone(&outcome),
        };
        let sender = Arc::clone(keeper.sender());
        let thread = keeper.start()?;
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
        let sender = Sender::new(delivery, counter.clone());
        sender.limit(self.carrier.max_value());
        Some(Arc::new(sender))
    }

    fn exit(&self) -> Option<Exit> {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the store that spawned a worker learns about its end.
#[derive(Debug)]
pub(super) struct Outcome {
    exit: Arc<Mutex<Option<Exit>>>,
    /// Why the handshake was not completed.
    failure: Mutex<Option<Failure>>,
}

impl Outcome {
    pub(super) fn set_exit(&self, exit: Exit) {
        *self.exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(exit);
    }

    pub(super) fn set_failure(&self, failure: Failure) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure);
    }
}

impl Failure {
    pub(super) fn of(error: CarrierError) -> Self {
        match error {
            CarrierError::Failed(message) => Self::Died(message),
            CarrierError::Value(error) => Self::Value(error),
            CarrierError::Refused { host, why } => Self::Refused { host, why },
            CarrierError::Unreachable { host, reason } => Self::Unreachable { host, reason },
        }
    }
}

/// A worker elsewhere, with its keeper.
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

    fn join(self: Box<Self>) -> Result<(), Failure> {
        self.thread.join()?;
        let failure = self.outcome.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), Err)
    }
}
