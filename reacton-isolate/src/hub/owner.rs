//! What the hub of a main store asks and reports about the workers behind its links, without knowing how they run.

use std::collections::BTreeSet;
use std::rc::Rc;

use reacton_core::{ReactonStore, RefId};

use super::Hub;
use crate::error::{LinkError, Mismatch};
use crate::link::{LinkStats, Totals};
use crate::shared::SharedSet;
use crate::wire::message::CloseReason;

/// Main's record of the worker behind a link, through all incarnations of the worker.
pub(crate) trait Owner {
    /// The name of the worker.
    fn name(&self) -> &str;

    /// What the worker shares with main.
    fn shared(&self) -> &SharedSet;

    /// Under which versions main applies what the worker writes. Asked once for each link.
    fn arrival_policy(&self) -> ArrivalPolicy;

    /// What was counted of its links. Asked once for each link.
    fn totals(&self) -> Rc<Totals>;

    /// Whether main is subscribed to `id`. A pause outlives the worker.
    fn is_subscribed(&self, id: RefId) -> bool;

    /// Whether the worker, and each that follows it, is to drain.
    fn is_draining(&self) -> bool;

    /// Notes whether the program of main is kept from writing what the worker shares as `out`. Returns what was noted before.
    fn set_refusing(&self, refusing: bool) -> bool;

    /// A link that was [announced](Hub::announce) is to be opened now.
    fn start(self: Rc<Self>, store: &ReactonStore, hub: &Hub);

    /// The worker has answered the handshake over its link, as one does that follows another.
    fn acknowledged(self: Rc<Self>, store: &ReactonStore, hub: &Hub, mismatches: &[Mismatch]);

    /// The worker has sent its last message. Its link is closed.
    fn closed(self: Rc<Self>, store: &ReactonStore, hub: &Hub, reason: CloseReason);

    /// A value did not cross the link, in either direction.
    fn report(&self, store: &ReactonStore, error: LinkError);

    /// What has crossed was counted, since a program has asked for it.
    fn show_progress(&self, store: &ReactonStore, stats: LinkStats);

    /// The store is disposed: no other worker follows. Drops values of the program.
    fn end_restarts(&self);
}

/// Under which version main applies a change that came over a link.
pub(crate) enum ArrivalPolicy {
    /// Under its own version, if that is newer than the version that is held (rule 2).
    Merge,
    /// Under a new version of main, whatever is held: the result of a member of a pool (rule 26).
    Restamp {
        /// The number of the pool.
        pool: u64,
        /// These are merged.
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

    /// The pool that the worker is a member of.
    #[inline]
    pub(crate) fn pool(&self) -> Option<u64> {
        match self {
            Self::Merge => None,
            Self::Restamp { pool, .. } => Some(*pool),
        }
    }
}
