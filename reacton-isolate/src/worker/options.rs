//! What a worker's thread and link are to be like.

use std::time::Duration;

use crate::link::Delivery;
use crate::shared::SharedSet;

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
        }
    }
}
