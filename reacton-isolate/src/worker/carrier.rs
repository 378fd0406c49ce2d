//! How a worker elsewhere is started, and how its bytes are carried: what differs between a process and another machine.
//!
//! Public for the extension `reacton-net` alone: any release may change it.

use std::fmt;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::exit::Exit;
use crate::error::{LinkError, Refusal};
pub use crate::link::RoadSender;
use crate::wire::frame::{Batch, Hello};
use crate::wire::message::IsolateMessage;

/// Starts workers elsewhere, each at the end of a road of its own.
pub trait Carrier: fmt::Debug + Send + Sync + 'static {
    /// Starts one. Called on a thread that it may block, until [`Departure::until`] or until the departure is cancelled.
    ///
    /// # Errors
    /// If no worker was started.
    fn set_out(&self, departure: &Departure<'_>) -> Result<Box<dyn Road>, CarrierError>;

    /// The longest value that goes over its roads, in bytes.
    fn max_value(&self) -> u64 {
        u64::MAX
    }

    /// Whether the worker may be of another program, which declares the same reactons with other types.
    fn is_other_program(&self) -> bool {
        false
    }
}

/// Which worker is to be started.
pub struct Departure<'d> {
    /// Its name.
    pub name: &'d str,
    /// The path of its function.
    pub path: &'d str,
    /// The deadline of the spawn.
    pub until: Instant,
    pub(crate) is_cancelled: &'d dyn Fn() -> bool,
    pub(crate) first: &'d FirstFrames,
}

/// The frames with which a road begins: they describe the worker.
#[derive(Debug, Default)]
pub(crate) struct FirstFrames(Batch);

/// First frames of at most this size may be sent before the other machine has accepted the worker. It is far less than a
/// stream has room for, and no payload in them can be longer than a reader lets through whatever its limit.
const EARLY: usize = 16 * 1024;

impl FirstFrames {
    pub(crate) fn new(hello: &Hello, init: &IsolateMessage) -> Self {
        let mut first = Batch::default();
        first.hello(hello);
        first.message(init);
        Self(first)
    }

    /// Their bytes, if they are few. They may be sent to several machines, until one accepts the worker.
    pub(crate) fn early(&self) -> Option<Vec<u8>> {
        self.0.copied_within(EARLY)
    }

    /// What is left to send to a machine that has accepted the worker.
    pub(crate) fn left(self, were_early: bool) -> Batch {
        if were_early { Batch::default() } else { self.0 }
    }
}

impl Departure<'_> {
    /// Whether nobody waits for the worker any more.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        (self.is_cancelled)()
    }

    /// The bytes with which the road begins, if they are few. They may be sent at once behind the question whether the
    /// worker may be started, which saves a round trip; [`Road::has_sent_first`] has to return `true` then.
    #[must_use]
    pub fn first(&self) -> Option<Vec<u8>> {
        self.first.early()
    }
}

impl fmt::Debug for Departure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Why no worker was started.
#[derive(Debug, Clone)]
pub enum CarrierError {
    /// For this reason.
    Failed(String),
    /// The present value of a shared reacton is longer than the host takes.
    Value(LinkError),
    /// The host does not start it.
    Refused {
        /// The host, as the program named it.
        host: String,
        /// Why.
        why: Refusal,
    },
    /// No host can be reached now.
    Unreachable {
        /// The host, as the program named it.
        host: String,
        /// The error of the network.
        reason: String,
    },
}

impl CarrierError {
    /// Whether another attempt may succeed, without a change of the program.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Failed(_) | Self::Value(_) => false,
            Self::Refused { why, .. } => matches!(why, Refusal::Full { .. } | Refusal::Ending),
            Self::Unreachable { .. } => true,
        }
    }
}

impl fmt::Display for CarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(message) => f.write_str(message),
            Self::Value(error) => error.fmt(f),
            Self::Refused { host, why } => write!(f, "{host} has refused it: {why}"),
            Self::Unreachable { host, reason } => write!(f, "{host} cannot be reached: {reason}"),
        }
    }
}

/// The stream of bytes to and from one worker, as the thread sees it that receives. What is sent goes through its
/// [`RoadSender`].
pub trait Road: Send {
    /// Returns the sending side.
    fn sender(&self) -> Arc<dyn RoadSender>;

    /// Waits until something happens. Bytes are appended to `buffer`, as many as fit into its capacity; without a buffer
    /// none are received. Returns [`Received::Idle`] at `until`, and when the calling thread is unparked.
    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, until: Option<Instant>) -> Received;

    /// Whether no bytes may be received while many messages wait at the receiver. The sender has to wait then.
    fn is_gated(&self) -> bool {
        false
    }

    /// The longest value that the other end takes, in bytes.
    fn max_value(&self) -> u64 {
        u64::MAX
    }

    /// Whether [`Departure::first`] was sent already.
    fn has_sent_first(&self) -> bool {
        false
    }

    /// Ends the road at both ends, and the worker with it, after it had this time to end by itself. Returns how it ended.
    fn end(self: Box<Self>, grace: Duration) -> Ending;
}

/// The result of an attempt to receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Bytes have arrived.
    Bytes,
    /// Nothing has arrived before the deadline.
    Idle,
    /// The other end is closed, or its process has ended; nothing more can arrive.
    Ended,
    /// So many messages were taken in at the other end, of a road that reports this apart from its bytes.
    Taken(u64),
    /// The worker is to do what has arrived, and to end.
    Leave,
    /// The other end is not heard any more, or is heard again.
    Silent(bool),
}

/// How the other end of a road has ended, as far as this side can know.
#[derive(Debug, Default)]
pub struct Ending {
    /// If it was a process: how that ended.
    pub exit: Option<Exit>,
    /// The probable reason if a process exited without a message.
    pub hint: String,
    /// If it was a machine that was lost: which, and how.
    pub lost: Option<String>,
}

/// A waker that unparks this thread.
#[must_use]
pub fn unparking() -> Waker {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    Waker::from(Arc::new(Unpark(thread::current())))
}
