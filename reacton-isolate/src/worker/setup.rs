//! What a worker starts with: its inbox, its link, the values of the handshake, and its function.

use std::sync::Arc;

use reacton_core::{Inbox, Peers, ReactonStore};

#[cfg(feature = "process")]
use crate::link::Sender;
use crate::link::{Delivery, Far, ReceiveCounter, SendCounter};
use crate::pool::Jobs;
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
    /// Where what is sent to a worker in another process waits. Such a worker does not use the inbox.
    #[cfg(feature = "process")]
    pub(crate) road: Option<Arc<Sender>>,
    pub(crate) delivery: Delivery,
    pub(crate) shared: SharedSet,
    pub(crate) init: IsolateMessage,
    /// Counts what is sent to the worker, and what it sends.
    pub(crate) incoming: ReceiveCounter,
    pub(crate) outgoing: SendCounter,
    /// Of the pool that it is a member of.
    pub(crate) jobs: Option<Arc<Jobs>>,
    /// Where it was spawned.
    pub(crate) scope: Scope,
    /// The stores among which it waits; `None` if it sleeps on its thread.
    pub(crate) peers: Option<Arc<dyn Peers>>,
}

/// The worker's function, called once with the worker's store.
pub(crate) type Entry = Box<dyn FnOnce(&ReactonStore) -> Result<(), String> + Send>;
