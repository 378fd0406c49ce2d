//! What the hub of a main store needs from the record of a worker, without knowing how the worker runs.

use std::collections::BTreeSet;
use std::rc::Rc;

#[cfg(feature = "process")]
use reacton_core::Arrival;
use reacton_core::{ReactonStore, RefId};

use super::Hub;
use crate::error::{LinkError, Mismatch};
use crate::link::{LinkStats, Totals};
use crate::shared::SharedSet;
#[cfg(feature = "process")]
use crate::sync::LinkId;
use crate::wire::message::CloseReason;

/// Main's record of a worker, which outlives restarts of the worker.
pub(crate) trait Owner {
    /// The name of the worker.
    fn name(&self) -> &str;

    /// What the worker shares with main.
    fn shared(&self) -> &SharedSet;

    /// How main applies what the worker writes. Called once for each link.
    fn arrival_policy(&self) -> ArrivalPolicy;

    /// The statistics of its links. Called once for each link.
    fn totals(&self) -> Rc<Totals>;

    /// Whether main is subscribed to `id`. A pause outlives a restart.
    fn is_subscribed(&self, id: RefId) -> bool;

    /// Whether the worker, and each replacement, has to drain.
    fn is_draining(&self) -> bool;

    /// Sets whether the program of main may not write what the worker shares as `out`. Returns the earlier setting.
    fn set_refusing(&self, refusing: bool) -> bool;

    /// Opens a link that was [announced](Hub::announce).
    fn start(self: Rc<Self>, store: &ReactonStore, hub: &Hub);

    /// Called when a replacement worker has answered the handshake.
    fn acknowledged(self: Rc<Self>, store: &ReactonStore, hub: &Hub, mismatches: &[Mismatch]);

    /// Called when the worker has sent its last message and its link is closed.
    fn closed(self: Rc<Self>, store: &ReactonStore, hub: &Hub, reason: CloseReason);

    /// Reports a value that could not cross the link, in either direction.
    fn report(&self, store: &ReactonStore, error: LinkError);

    /// Shows the statistics, if a program has asked for them.
    fn show_progress(&self, store: &ReactonStore, stats: LinkStats);

    /// Called when the worker, on another machine, is not heard any more, or is heard again.
    #[cfg(feature = "process")]
    fn show_silence(&self, _store: &ReactonStore, _silent: bool) {}

    /// Called when the store is disposed: there are no more restarts. Drops user values.
    fn end_restarts(&self);

    /// Of a sink: called when the first change waits, in the middle of the commit. What it writes belongs to the next transaction.
    fn queued(&self, _store: &ReactonStore) {}
}

/// The version under which main applies a change from a link.
pub(crate) enum ArrivalPolicy {
    /// Its own version, if that is newer than the current one (rule 2).
    Merge,
    /// A new version of main, whatever the current one is: the change is a result of a member of a pool (rule 26).
    Restamp {
        /// The number of the pool.
        pool: u64,
        /// The reactons for all members, which are merged.
        for_all: Rc<BTreeSet<RefId>>,
    },
}

impl ArrivalPolicy {
    #[inline]
    pub(crate) fn restamps(&self, id: RefId) -> bool {
        match self {
            Self::Merge => false,
            Self::Restamp { for_all, .. } => !for_all.contains(&id),
        }
    }

    /// The pool to which the worker belongs.
    #[inline]
    pub(crate) fn pool(&self) -> Option<u64> {
        match self {
            Self::Merge => None,
            Self::Restamp { pool, .. } => Some(*pool),
        }
    }
}

/// The item of main's inbox that says whether the other end of a road is heard.
#[cfg(feature = "process")]
pub(crate) struct Silence {
    pub(crate) link: LinkId,
    pub(crate) silent: bool,
}

#[cfg(feature = "process")]
impl Arrival for Silence {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let link = Hub::find(store).and_then(|hub| hub.link(self.link));
        if let Some(owner) = link.and_then(|link| link.owner.clone()) {
            Rc::clone(&owner).show_silence(store, self.silent);
        }
        0
    }
}
