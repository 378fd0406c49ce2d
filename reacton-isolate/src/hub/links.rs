//! The links and pools of one store, indexed by the reactons that they share, so that a commit visits only those that
//! it concerns.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use reacton_core::{RefId, RefMap};

use super::Link;
use super::route::{Place, PoolRoute, Route, Routes};
use super::seats::Seats;
use crate::shared::SharedSlot;
use crate::sync::LinkId;

impl LinkId {
    /// A new number, one for each link.
    pub(crate) fn next() -> Self {
        // Up to 2^32 all of them have the same length on a road, so that a seed determines where a simulation cuts it.
        static LINKS: AtomicU64 = AtomicU64::new(1 << 20);
        Self(LINKS.fetch_add(1, Ordering::Relaxed))
    }
}

/// The links and pools of one store.
#[derive(Default)]
pub(super) struct Links {
    pub(super) by_id: BTreeMap<LinkId, Rc<Link>>,
    /// By number, so the oldest is first.
    pub(super) pools: BTreeMap<u64, Rc<dyn PoolRoute>>,
    /// Those of the workers that this store has.
    pub(super) seats: Seats,
    /// The routes that share a reacton, in order.
    sharing: RefMap<Vec<Route>>,
}

impl Links {
    pub(super) fn get(&self, id: LinkId) -> Option<&Rc<Link>> {
        self.by_id.get(&id)
    }

    /// The links to other stores, without those to sinks.
    pub(super) fn to_stores(&self) -> impl Iterator<Item = LinkId> {
        self.by_id.iter().filter(|(_, link)| !link.is_sink()).map(|(id, _)| *id)
    }

    pub(super) fn pools(&self) -> impl Iterator<Item = &Rc<dyn PoolRoute>> {
        self.pools.values()
    }

    pub(super) fn pool(&self, number: u64) -> Option<&Rc<dyn PoolRoute>> {
        self.pools.get(&number)
    }

    /// The routes that share `id`, in order.
    pub(super) fn sharing(&self, id: RefId) -> &[Route] {
        self.sharing.get(&id).map_or(&[], Vec::as_slice)
    }

    /// The ids of all that is shared.
    pub(super) fn shared_ids(&self) -> impl Iterator<Item = RefId> {
        self.sharing.keys().copied()
    }

    /// The slot of `id` on one of the routes that share it.
    pub(super) fn slot(&self, id: RefId) -> Option<SharedSlot> {
        self.sharing(id).iter().find_map(|route| route.any_slot(id))
    }

    /// The links that share `id`, in order.
    pub(super) fn links_sharing(&self, id: RefId) -> impl Iterator<Item = (LinkId, &Rc<Link>)> {
        self.sharing(id).iter().filter_map(|route| match route {
            Route::Link(id, link) => Some((*id, link)),
            Route::Pool(..) => None,
        })
    }

    /// The links over which a value of `id` may arrive: those that share it, and those of members of a pool that shares
    /// it.
    pub(super) fn links_bringing(&self, id: RefId) -> impl Iterator<Item = (LinkId, &Rc<Link>)> {
        let pools: Vec<_> =
            self.sharing(id).iter().filter_map(|route| route.pool_with_jobs(id)).collect();
        let links = if pools.is_empty() { None } else { Some(self.by_id.iter()) };
        let members = links
            .into_iter()
            .flatten()
            .filter(move |(_, link)| link.policy.pool().is_some_and(|own| pools.contains(&own)));
        self.links_sharing(id).chain(members.map(|(id, link)| (*id, link)))
    }

    /// The links at whose ends a change on this route may arrive; for a pool, those of all members.
    pub(super) fn reached_by(&self, route: &Route) -> Vec<Rc<Link>> {
        match route {
            Route::Link(_, link) => vec![Rc::clone(link)],
            Route::Pool(number, _) => self.members(*number),
        }
    }

    /// The links of the members of the pool with this number.
    pub(super) fn members(&self, pool: u64) -> Vec<Rc<Link>> {
        let is_member = |link: &&Rc<Link>| link.policy.pool() == Some(pool);
        self.by_id.values().filter(is_member).cloned().collect()
    }

    pub(super) fn insert(&mut self, id: LinkId, link: Rc<Link>) {
        self.share(sent_over(&link), &Route::Link(id, Rc::clone(&link)));
        self.by_id.insert(id, link);
    }

    /// Removes a link, and returns it with the reactons that nothing here shares any more.
    pub(super) fn remove(&mut self, id: LinkId) -> Option<(Rc<Link>, Vec<RefId>)> {
        let link = self.by_id.remove(&id)?;
        if let Some(seat) = link.seat {
            self.seats.leave(seat);
        }
        let orphans = self.unshare(sent_over(&link), Place::Link(id));
        Some((link, orphans))
    }

    pub(super) fn add_pool(&mut self, pool: Rc<dyn PoolRoute>) {
        let number = pool.number();
        self.share(pool.ids().into_iter(), &Route::Pool(number, Rc::clone(&pool)));
        self.pools.insert(number, pool);
    }

    /// Removes a pool, and returns the reactons that nothing here shares any more.
    pub(super) fn remove_pool(&mut self, number: u64) -> Vec<RefId> {
        let Some(pool) = self.pools.remove(&number) else { return Vec::new() };
        self.unshare(pool.ids().into_iter(), Place::Pool(number))
    }

    /// Takes all links and pools. The caller drops the last handles.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    fn share(&mut self, ids: impl Iterator<Item = RefId>, route: &Route) {
        for id in ids {
            let sharing = self.sharing.entry(id).or_default();
            let at = sharing.partition_point(|other| other.place() < route.place());
            sharing.insert(at, route.clone());
        }
    }

    fn unshare(&mut self, ids: impl Iterator<Item = RefId>, place: Place) -> Vec<RefId> {
        let mut orphans = Vec::new();
        for id in ids {
            let Some(sharing) = self.sharing.get_mut(&id) else { continue };
            if let Ok(at) = sharing.binary_search_by_key(&place, Route::place) {
                sharing.remove(at);
            }
            if sharing.is_empty() {
                self.sharing.remove(&id);
                orphans.push(id);
            }
        }
        orphans
    }

    /// Whether a change of `id` that came from `from` may have to be forwarded.
    #[inline]
    pub(super) fn is_relayed(&self, id: RefId, from: LinkId) -> bool {
        if self.only().is_some() {
            return false;
        }
        let is_open = self.opens(Some(from));
        self.sharing(id).iter().any(|route| is_open(&route))
    }

    /// Selects the routes that are open to a change that came from `from`.
    fn opens(&self, from: Option<LinkId>) -> impl Fn(&&Route) -> bool {
        let whose = from.and_then(|from| self.get(from)?.policy.pool());
        move |route| route.is_open(from, whose)
    }

    /// The link, if it is the only route.
    fn only(&self) -> Option<(LinkId, &Rc<Link>)> {
        let (id, link) = self.by_id.iter().next()?;
        (self.by_id.len() == 1 && self.pools.is_empty()).then_some((*id, link))
    }

    /// The routes for a transaction that wrote these reactons and came from `from`: those that share one of them.
    pub(super) fn routes(&self, ids: impl Iterator<Item = RefId>, from: Option<LinkId>) -> Routes {
        let is_open = self.opens(from);
        // A single link is asked directly what it shares.
        if let Some((id, link)) = self.only() {
            let route = Route::Link(id, Rc::clone(link));
            return if is_open(&&route) { Routes::One(route) } else { Routes::None };
        }
        let mut ids = ids.peekable();
        let Some(first) = ids.next() else { return Routes::None };
        let mut open = self.sharing(first).iter().filter(&is_open).cloned();
        if ids.peek().is_none() {
            let (Some(first), second) = (open.next(), open.next()) else { return Routes::None };
            let Some(second) = second else { return Routes::One(first) };
            return Routes::Many([first, second].into_iter().chain(open).collect());
        }
        let mut routes: Vec<_> = open.collect();
        for id in ids {
            routes.extend(self.sharing(id).iter().filter(&is_open).cloned());
        }
        routes.sort_by_key(Route::place);
        routes.dedup_by_key(|route| route.place());
        match routes.pop() {
            None => Routes::None,
            Some(only) if routes.is_empty() => Routes::One(only),
            Some(last) => {
                routes.push(last);
                Routes::Many(routes)
            }
        }
    }
}

/// The reactons that are sent over a link if the peer is subscribed. For a member of a pool, only those for all
/// members: the pool shares the rest, and exists as long as its members.
fn sent_over(link: &Link) -> impl Iterator<Item = RefId> {
    link.slots.keys().copied().filter(|id| !link.policy.restamps(*id))
}

#[cfg(test)]
mod tests;
