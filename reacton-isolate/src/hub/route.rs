//! Routes for the changes of a transaction: a link, or the queue of a pool.

use std::any::Any;
use std::rc::Rc;

use reacton_core::{ReactonStore, RefId};

use super::Link;
use crate::error::LinkError;
use crate::shared::SharedSlot;
use crate::sync::{LinkId, Sync};
use crate::wire::change::ChangeList;
use crate::wire::value::within;

/// Main's side of a pool, as the hub uses it.
pub(crate) trait PoolRoute: Any {
    /// Unique in the process; older pools have smaller numbers.
    fn number(&self) -> u64;

    /// The reactons that the members share with main.
    fn ids(&self) -> Vec<RefId>;

    /// Whether `id` is sent to all members, over their links.
    fn is_for_all(&self, id: RefId) -> bool;

    /// The slot of `id`.
    fn slot(&self, id: RefId) -> Option<SharedSlot>;

    /// The slot of `id`, if a write of it is a job.
    fn job_slot(&self, id: RefId) -> Option<&SharedSlot>;

    /// The longest value of a job, in bytes.
    fn max_value(&self) -> u64;

    /// Adds a job that main has written.
    fn enqueue(&self, store: &ReactonStore, clock: u64, changes: ChangeList);

    /// Lets the members do the jobs written so far, and then end.
    fn close(&self);
}

/// The membership of the worker of this store in a pool.
pub(crate) trait PoolMember: Any {
    /// The member applies something other than a job, so other members are asked first. Returns whether it was idle:
    /// then the caller has to call [`poll_again`](Self::poll_again) afterwards.
    fn busy(&self) -> bool;

    /// Lets the member look for a job when its inbox is empty.
    fn poll_again(&self, store: &ReactonStore);

    /// Lets the member end by itself, without more jobs, unless no other member stays.
    fn drain(&self);

    /// The member has nothing to do and should end. Returns whether it may: then it is no longer a member.
    fn resign(&self) -> bool;
}

/// Lets a member look for its next job when dropped, also after a panic.
pub(crate) struct PollOnDrop<'m> {
    member: &'m dyn PoolMember,
    store: &'m ReactonStore,
}

impl<'m> PollOnDrop<'m> {
    pub(crate) fn new(member: &'m dyn PoolMember, store: &'m ReactonStore) -> Self {
        Self { member, store }
    }
}

impl Drop for PollOnDrop<'_> {
    fn drop(&mut self) {
        self.member.poll_again(self.store);
    }
}

/// One way that changes are sent.
#[derive(Clone)]
pub(super) enum Route {
    Link(LinkId, Rc<Link>),
    /// To the first free member of the pool of this number.
    Pool(u64, Rc<dyn PoolRoute>),
}

/// The order in which changes are sent: links by age, then pools by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Link(LinkId),
    Pool(u64),
}

impl Route {
    pub(super) fn place(&self) -> Place {
        match self {
            Self::Link(id, _) => Place::Link(*id),
            Self::Pool(number, _) => Place::Pool(*number),
        }
    }

    /// The slot of `id`, if it is sent on this route.
    pub(super) fn slot(&self, sync: &Sync, id: RefId, from: Option<LinkId>) -> Option<&SharedSlot> {
        match self {
            Self::Link(link, end) => end.sent(sync, *link, id, from).map(|slot| &slot.shared),
            Self::Pool(_, pool) => pool.job_slot(id),
        }
    }

    /// The slot of `id`, whether or not it is sent now.
    pub(super) fn any_slot(&self, id: RefId) -> Option<SharedSlot> {
        match self {
            Self::Link(_, end) => end.slot(id).copied(),
            Self::Pool(_, pool) => pool.slot(id),
        }
    }

    /// The number of the pool, if `id` is sent to one member and accepted from all.
    pub(super) fn pool_with_jobs(&self, id: RefId) -> Option<u64> {
        match self {
            Self::Link(..) => None,
            Self::Pool(number, pool) => Some(*number).filter(|_| !pool.is_for_all(id)),
        }
    }

    /// Whether changes that came from `from`, a link of the pool `whose`, may be sent on this route: not back, not to
    /// that pool, and not after a drain.
    #[inline]
    pub(super) fn is_open(&self, from: Option<LinkId>, whose: Option<u64>) -> bool {
        match self {
            Self::Link(id, link) => Some(*id) != from && !link.drained.get(),
            Self::Pool(number, _) => whose != Some(*number),
        }
    }

    /// Whether a packed value of `slot` with a [longest part] of this length may be sent on this route.
    ///
    /// [longest part]: crate::wire::value::Payload::longest_part
    ///
    /// # Errors
    /// If not, as for one that does not encode.
    #[inline]
    pub(super) fn admit(&self, slot: &SharedSlot, len: usize) -> Result<(), LinkError> {
        let admitted = match self {
            Self::Link(_, link) => link.outbox.admit(slot.reacton_ref().id(), len),
            // The member that takes it looks again.
            Self::Pool(_, pool) => within(len, pool.max_value()),
        };
        admitted.map_err(|reason| slot.unsent(reason))
    }

    /// The longest value that is sent on this route, in bytes.
    #[inline]
    pub(super) fn max_value(&self) -> u64 {
        match self {
            Self::Link(_, link) => link.outbox.max_value(),
            Self::Pool(_, pool) => pool.max_value(),
        }
    }

    #[inline]
    pub(super) fn send(&self, store: &ReactonStore, clock: u64, changes: ChangeList) {
        match self {
            Self::Link(_, link) => link.send_changes(store, clock, changes),
            Self::Pool(_, pool) => pool.enqueue(store, clock, changes),
        }
    }
}

/// The routes of the changes of one transaction, in order.
pub(super) enum Routes {
    None,
    One(Route),
    Many(Vec<Route>),
}
