//! Where the changes of a transaction go: over a link, or to the queue of a pool.

use std::any::Any;
use std::rc::Rc;

use reacton_core::{ReactonStore, RefId};

use super::Link;
use crate::shared::SharedSlot;
use crate::sync::{LinkId, Sync};
use crate::wire::change::ChangeList;

/// Main's side of a pool, as far as the hub knows it.
pub(crate) trait PoolRoute: Any {
    /// No two pools of a process have the same; the older one has the smaller.
    fn number(&self) -> u64;

    /// What the members share with main.
    fn ids(&self) -> Vec<RefId>;

    /// Whether `id` goes to all members, over their links.
    fn is_for_all(&self, id: RefId) -> bool;

    /// The slot of `id`, if a write of it is a job.
    fn job_slot(&self, id: RefId) -> Option<&SharedSlot>;

    /// Main has written a job.
    fn enqueue(&self, store: &ReactonStore, clock: u64, changes: ChangeList);

    /// The members do what was written until now, and end.
    fn close(&self);
}

/// That the worker of this store is a member of a pool.
pub(crate) trait PoolMember: Any {
    /// It applies something else than a job, and others are asked before it is. Returns whether it was idle: then it is to
    /// [poll again](Self::poll_again) afterwards.
    fn busy(&self) -> bool;

    /// It looks for a job when its inbox is empty.
    fn poll_again(&self, store: &ReactonStore);

    /// It is to end by itself, and gets no more jobs, unless no other member stays.
    fn drain(&self);

    /// It has nothing to do, and is to end. Returns whether it may: then it is no member any more.
    fn resign(&self) -> bool;
}

/// Lets a member look for its next job when this is dropped, also by a panic.
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

/// Where changes go.
#[derive(Clone)]
pub(super) enum Route {
    Link(LinkId, Rc<Link>),
    /// To the member of a pool that is free first. The pool has this number.
    Pool(u64, Rc<dyn PoolRoute>),
}

/// The order in which changes are put on the routes: links by age, then pools by age.
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

    /// How `id` goes by this route, if it does.
    pub(super) fn slot(&self, sync: &Sync, id: RefId, from: Option<LinkId>) -> Option<&SharedSlot> {
        match self {
            Self::Link(link, end) => end
                .slots
                .get(&id)
                .filter(|_| !end.policy.restamps(id) && sync.sends(*link, id, from)),
            Self::Pool(_, pool) => pool.job_slot(id),
        }
    }

    /// The number of the pool, if `id` goes to one of its members, and comes from any.
    pub(super) fn pool_with_jobs(&self, id: RefId) -> Option<u64> {
        match self {
            Self::Link(..) => None,
            Self::Pool(number, pool) => Some(*number).filter(|_| !pool.is_for_all(id)),
        }
    }

    /// Whether anything that came by `from`, a link of the pool `whose`, may go by this route: not back, not to the pool, and
    /// not behind a drain.
    #[inline]
    pub(super) fn is_open(&self, from: Option<LinkId>, whose: Option<u64>) -> bool {
        match self {
            Self::Link(id, link) => Some(*id) != from && !link.drained.get(),
            Self::Pool(number, _) => whose != Some(*number),
        }
    }

    #[inline]
    pub(super) fn send(&self, store: &ReactonStore, clock: u64, changes: ChangeList) {
        match self {
            Self::Link(_, link) => link.send_changes(clock, changes),
            Self::Pool(_, pool) => pool.enqueue(store, clock, changes),
        }
    }
}

/// The routes that the changes of one transaction go, in order.
pub(super) enum Routes {
    None,
    One(Route),
    Many(Vec<Route>),
}
