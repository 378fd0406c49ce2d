//! What a worker starts with: its inbox, its link, the values of the handshake, and its function.

use std::sync::Arc;

use reacton_core::{Inbox, Peers, ReactonStore};

use crate::link::{Delivery, Far, ReceiveCounter, SendCounter};
#[cfg(feature = "process")]
use crate::pool::Agent;
use crate::pool::Queue;
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::message::IsolateMessage;
use crate::worker::scope::Scope;

/// Everything that a worker needs to start. Made in main, and moved to the thread on which the worker runs.
pub(crate) struct WorkerSetup {
    pub(crate) name: String,
    pub(crate) link: LinkId,
    pub(crate) inbox: Inbox,
    /// How to reach the store that spawns the worker.
    pub(crate) main: Far,
    /// Represents a worker in another process, if it runs in one. Such a worker does not use the inbox.
    #[cfg(feature = "process")]
    pub(crate) agent: Option<Arc<Agent>>,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
    /// The types of both sides may differ, if the first value of each reacton decodes at both.
    pub(crate) types_differ: bool,
    /// Counts the messages to the worker; `outgoing` counts those that it sends.
    pub(crate) incoming: ReceiveCounter,
    pub(crate) outgoing: SendCounter,
    /// The queue of its pool, or of the calls that it answers.
    pub(crate) queue: Option<Queue>,
    /// The `tracing` scope of the thread that spawned it.
    pub(crate) scope: Scope,
    /// The stores that take steps while it waits in a simulation; `None` if it sleeps on its thread.
    pub(crate) peers: Option<Arc<dyn Peers>>,
}

/// The worker's function, called once with the worker's store.
pub(crate) type Entry = Box<dyn FnOnce(&ReactonStore) -> Result<(), String> + Send>;
