//! What a worker's thread and link are to be like.

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

/// How long `spawn` waits for the handshake unless the builder says otherwise.
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
    /// The calls that it answers.
    pub(crate) answers: Vec<CallRef>,
    /// How often a job is given again whose worker panicked.
    pub(crate) retries: u32,
    /// It runs in a process of its own.
    #[cfg(feature = "process")]
    pub(crate) away: Option<Arc<Away>>,
}

impl Options {
    /// What it is for the calls of the store of this thread; none if it answers none.
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
