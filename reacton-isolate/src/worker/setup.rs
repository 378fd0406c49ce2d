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

/// Everything that a worker needs to start. It is made in main, and moves to where the worker runs.
pub(crate) struct WorkerSetup {
    pub(crate) name: String,
    pub(crate) link: LinkId,
    pub(crate) inbox: Inbox,
    /// Of the store that spawns.
    pub(crate) main: Far,
    /// What stands for a worker in another process. Such a worker does not use the inbox.
    #[cfg(feature = "process")]
    pub(crate) agent: Option<Arc<Agent>>,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
    /// Counts what is sent to the worker, and what it sends.
    pub(crate) incoming: ReceiveCounter,
    pub(crate) outgoing: SendCounter,
    /// Of the pool that it is a member of, or of the calls that it answers.
    pub(crate) queue: Option<Queue>,
    /// Where it was spawned.
    pub(crate) scope: Scope,
    /// The stores among which it waits; `None` if it sleeps on its thread.
    pub(crate) peers: Option<Arc<dyn Peers>>,
}

/// The worker's function, called once with the worker's store.
pub(crate) type Entry = Box<dyn FnOnce(&ReactonStore) -> Result<(), String> + Send>;
