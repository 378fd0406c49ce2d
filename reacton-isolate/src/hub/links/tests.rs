//! Compares the index of links and pools with a list that checks each of them.

use reacton_core::{Inbox, Reacton, ReactonStore};

use super::*;
use crate::host::random::Random;
use crate::isolate::supervise::Isolate;
use crate::link::{Delivery, Outbox, SendCounter};
use crate::pool::{Callee, PoolShared};
use crate::shared::{SharedSet, SharedSlot};

static A: Reacton<u8> = Reacton::<u8>::__new("links::A", || 0);
static B: Reacton<u8> = Reacton::<u8>::__new("links::B", || 0);
static C: Reacton<u8> = Reacton::<u8>::__new("links::C", || 0);
static D: Reacton<u8> = Reacton::<u8>::__new("links::D", || 0);

fn all() -> [SharedSlot; 4] {
    [&A, &B, &C, &D].map(SharedSlot::of)
}

fn ids() -> [RefId; 4] {
    all().map(|slot| slot.reacton_ref().id())
}

struct World {
    store: ReactonStore,
    worker: Inbox,
    random: Random,
    links: Links,
    /// All links and pools, in order, with what they share.
    naive: BTreeMap<Place, (Route, RefMap<SharedSlot>)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let (store, worker) = (ReactonStore::new(), Inbox::new());
        let (links, naive) = (Links::default(), BTreeMap::new());
        Self { store, worker, random: Random::new(seed), links, naive }
    }

    fn some_shared(&self) -> SharedSet {
        let slots = all().into_iter().filter(|_| self.random.below(2) == 0);
        slots.map(|slot| SharedSet::from([slot])).collect()
    }

    fn one(&self) -> Option<Place> {
        self.naive.keys().nth(self.random.below(self.naive.len())).copied()
    }

    fn add_link(&mut self) {
        let id = LinkId(self.random.below(1000) as u64);
        if self.links.get(id).is_some() {
            return;
        }
        let shared = self.some_shared();
        let outbox =
            Outbox::new(id, self.worker.mailbox(), Delivery::Every, SendCounter::default());
        let isolate = Isolate::of(&self.store, &shared);
        let link =
            Rc::new(Link::of_main(isolate, outbox.into(), SendCounter::default().receiving()));
        self.links.insert(id, Rc::clone(&link));
        self.naive.insert(Place::Link(id), (Route::Link(id, link), shared.by_id()));
    }

    fn add_pool(&mut self) {
        let shared = self.some_shared();
        let none = SharedSet::from([]);
        let pool =
            Rc::new(PoolShared::new(&self.store, 1, &shared, &none, Callee::of_pool("pool")));
        self.links.add_pool(pool.clone());
        let route = Route::Pool(pool.number(), pool);
        self.naive.insert(route.place(), (route, shared.by_id()));
    }

    fn remove(&mut self) {
        let Some((route, slots)) = self.one().and_then(|place| self.naive.remove(&place)) else {
            return;
        };
        let mut orphans = match route {
            Route::Link(id, _) => self.links.remove(id).map(|(_, orphans)| orphans),
            Route::Pool(number, _) => Some(self.links.remove_pool(number)),
        };
        let is_shared = |id: &RefId| self.naive.values().any(|(_, slots)| slots.contains_key(id));
        let mut expected: Vec<_> = slots.into_keys().filter(|id| !is_shared(id)).collect();
        expected.sort();
        orphans.as_mut().expect("the route was there").sort();
        assert_eq!(orphans, Some(expected));
    }

    fn drain(&mut self) {
        if let Some(Place::Link(id)) = self.one() {
            self.links.get(id).expect("the link is there").drained.set(true);
        }
    }

    /// Checks the index against the list for these ids.
    fn check(&self) {
        let written: Vec<_> = ids().into_iter().filter(|_| self.random.below(2) == 0).collect();
        let from = match self.one() {
            Some(Place::Link(id)) if self.random.below(2) == 0 => Some(id),
            _ => None,
        };
        let routes = match self.links.routes(written.iter().copied(), from) {
            Routes::None => Vec::new(),
            Routes::One(route) => vec![route],
            Routes::Many(routes) => routes,
        };
        let shares = |place: &Place| {
            let slots = &self.naive[place].1;
            written.iter().any(|id| slots.contains_key(id))
        };
        // If there is only one link, it may be included even if it shares none of them.
        let places = routes.iter().map(Route::place).filter(shares);
        let expected = self
            .naive
            .iter()
            .filter(|(place, (route, _))| shares(place) && route.is_open(from, None));
        assert!(
            places.eq(expected.map(|(place, _)| *place)),
            "links to {written:?}, from {from:?}"
        );
        for id in ids() {
            let expected = self.naive.iter().filter(|(_, (_, slots))| slots.contains_key(&id));
            let sharing = self.links.sharing(id).iter().map(Route::place);
            assert!(sharing.eq(expected.map(|(place, _)| *place)));
        }
    }
}

#[test]
fn the_index_finds_the_links_and_pools_that_a_search_finds_and_in_their_order() {
    for seed in 0..50 {
        let mut world = World::new(seed);
        for _ in 0..100 {
            match world.random.below(8) {
                0..3 => world.add_link(),
                3 => world.add_pool(),
                4..7 => world.remove(),
                _ => world.drain(),
            }
            world.check();
        }
        while !world.naive.is_empty() {
            world.remove();
        }
        assert!(world.links.sharing.is_empty(), "a link is left");
    }
}
