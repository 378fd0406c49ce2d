//! Hosts: where workers run, and which clock they use. A host is threads, processes or a simulation, chosen once when a
//! worker is spawned.

pub(crate) mod actor;
#[cfg(feature = "process")]
pub(crate) mod away;
#[cfg(feature = "process")]
pub(crate) mod choice;
mod guards;
#[cfg(feature = "process")]
pub(crate) mod guest;
#[cfg(feature = "process")]
pub(crate) mod keeper;
#[cfg(feature = "process")]
pub(crate) mod network;
#[cfg(feature = "process")]
pub(crate) mod process;
pub(crate) mod random;
#[cfg(feature = "process")]
pub(crate) mod relay;
#[cfg(feature = "process")]
pub(crate) mod road;
pub(crate) mod signal;
pub(crate) mod simulated;
pub(crate) mod stack;
pub(crate) mod task_threads;
pub(crate) mod threads;
pub(crate) mod timer;
pub(crate) mod trace;
pub(crate) mod virtual_time;
pub(crate) mod world;

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reacton_core::{Peers, ReactonStore};

use self::signal::NoAnswer;
use self::task_threads::Job;
use self::threads::Threads;
#[cfg(feature = "process")]
use crate::error::{LinkError, Refusal};
use crate::interrupt::set_peers;
#[cfg(feature = "process")]
use crate::link::{Delivery, SendCounter, Sender};
use crate::wire::message::IsolateMessage;
#[cfg(feature = "process")]
use crate::worker::exit::Exit;
use crate::worker::options::Options;
use crate::worker::setup::{Entry, WorkerSetup};

/// What starts workers and tasks, and keeps the time of those who wait for them. A worker in a child process or on another
/// machine is a host as well: it starts a thread of this process that carries the messages of the worker, and whose end is the
/// worker's.
pub(crate) trait Host: fmt::Debug + Send + Sync {
    /// Starts a worker of `main`.
    ///
    /// # Errors
    /// If the system has no thread left.
    fn start(
        &self,
        main: &ReactonStore,
        options: &Options,
        start: Start,
    ) -> io::Result<Box<dyn Running>>;

    /// Calls `waker` when `wait` has passed, unless the timer is dropped before.
    ///
    /// # Errors
    /// If the system has no thread left.
    fn after(&self, wait: Duration, waker: Waker) -> io::Result<Timer>;

    /// The present time.
    fn now(&self) -> Instant;

    /// Runs a task elsewhere.
    ///
    /// # Errors
    /// If there is no thread, and the system has none left.
    fn run(&self, job: Arc<dyn Job>) -> io::Result<()>;

    /// The stores among which a store waits whose worker runs here. `None` where a store sleeps on its thread.
    fn peers(&self) -> Option<Arc<dyn Peers>>;

    /// The sending end of the road to a worker in another process. For a worker in this process `None`: its inbox takes
    /// the messages.
    #[cfg(feature = "process")]
    fn road(&self, _: Delivery, _: &SendCounter) -> Option<Arc<Sender>> {
        None
    }

    /// In a simulation, the host of one worker that is away: behind a road. `asked` is whether its builder says that it is.
    #[cfg(feature = "process")]
    fn behind_road(&self, _asked: bool) -> Option<Arc<dyn Host>> {
        None
    }

    /// How the last process of a worker ended, if it runs in one.
    #[cfg(feature = "process")]
    fn exit(&self) -> Option<Exit> {
        None
    }
}

/// The data with which a worker is started.
pub(crate) struct Start {
    pub(crate) setup: WorkerSetup,
    pub(crate) entry: Entry,
    /// The worker acknowledges the handshake over its link, not to its [`Running`].
    pub(crate) over_the_link: bool,
}

/// A timer that is cancelled when it is dropped.
pub(crate) type Timer = Box<dyn Any>;

/// A worker that was started: its answer to the handshake, and its end.
pub(crate) trait Running: fmt::Debug {
    /// The answer to the handshake. It is returned once.
    fn wait_answer(&self, timeout: Duration) -> Result<IsolateMessage, NoAnswer>;
    /// As [`wait_answer`](Self::wait_answer), for a task and without a timeout.
    fn poll_answer(&self, context: &Context<'_>) -> Poll<Result<IsolateMessage, NoAnswer>>;
    /// Rejects any later answer: a worker that has not answered ends.
    fn cancel(&self);
    /// Whether it ends in that time, including the drops of its thread-locals.
    fn ends_within(&self, timeout: Duration) -> bool;
    /// As [`ends_within`](Self::ends_within), for a task.
    fn poll_end(&self, context: &Context<'_>) -> Poll<()>;
    /// Waits for its end. If it unwinds, the message of its panic is the error.
    fn join(self: Box<Self>) -> Result<(), Failure>;
}

/// Why a worker ended before its handshake was complete.
#[derive(Debug)]
pub(crate) enum Failure {
    /// For this reason.
    Died(String),
    /// The host does not take the present value of a shared reacton.
    #[cfg(feature = "process")]
    Value(LinkError),
    /// The host does not start it.
    #[cfg(feature = "process")]
    Refused { host: String, why: Refusal },
    /// No host can be reached.
    #[cfg(feature = "process")]
    Unreachable { host: String, reason: String },
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::Died(message)
    }
}

thread_local! {
    /// The host of what this thread starts.
    static CURRENT: RefCell<Option<Arc<dyn Host>>> = const { RefCell::new(None) };
}

/// Made once, for all workers.
static THREADS: LazyLock<Arc<dyn Host>> = LazyLock::new(|| Arc::new(Threads));

/// The host of what this thread starts: its simulation if there is one, otherwise threads.
pub(crate) fn current() -> Arc<dyn Host> {
    let current = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    current.unwrap_or_else(|| Arc::clone(&THREADS))
}

/// Sets the host of what this thread starts from now on. With `None` it is threads.
fn set_current(host: Option<Arc<dyn Host>>) {
    set_peers(host.as_ref().and_then(|host| host.peers()));
    let displaced = CURRENT.try_with(|current| current.replace(host));
    drop(displaced);
}
