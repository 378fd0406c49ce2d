//! Options for a worker's thread and link.

#[cfg(feature = "process")]
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::link::Delivery;
use crate::pool::Callee;
use crate::shared::SharedSet;
use crate::wire::ticket::CallRef;
#[cfg(feature = "process")]
use crate::worker::away::Away;

/// How long `spawn` waits for the handshake by default.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The options of one worker.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) name: String,
    pub(crate) shared: SharedSet,
    pub(crate) delivery: Delivery,
    pub(crate) handshake_timeout: Duration,
    pub(crate) stack_size: Option<usize>,
    pub(crate) spin: Option<Duration>,
    /// The calls that the worker answers.
    pub(crate) answers: Vec<CallRef>,
    /// How often a job is repeated after a panic of its worker.
    pub(crate) retries: u32,
    /// Set if the worker runs in its own process.
    #[cfg(feature = "process")]
    pub(crate) away: Option<Arc<Away>>,
}

impl Options {
    /// Returns what a queue must know of the worker, if this thread has its main store. `None` if no queue is needed:
    /// the worker answers no calls and is not a member of a pool.
    pub(crate) fn callee(&self, is_pool: bool) -> Option<Callee> {
        if self.answers.is_empty() && !is_pool {
            return None;
        }
        Some(Callee {
            worker: self.name.as_str().into(),
            answers: self.answers.clone(),
            thread: thread::current().id(),
            retries: self.retries,
            is_pool,
        })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::from("isolate"),
            shared: SharedSet::from([]),
            delivery: Delivery::Every,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            stack_size: None,
            spin: None,
            answers: Vec::new(),
            retries: 0,
            #[cfg(feature = "process")]
            away: None,
        }
    }
}
