//! What the layer that connects stores relies on: installed values below an open transaction, and families that are
//! watched.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::merge::Version;
use crate::reacton::family::Keys;
use crate::{Copied, Family, ReactonStore};

static A: Reacton<u32> = Reacton::<u32, Copied>::__new("wiring::A", || 0);
static B: Reacton<u32> = Reacton::<u32, Copied>::__new("wiring::B", || 0);
static ITEM: Family<u32, u32> =
    Family::<u32, u32>::__new("wiring::ITEM", |_| 0, Keys::new(|key| u64::from(*key), u32::eq));

/// What was reported to an extension: the id, and whether the value has changed.
type Reports = Rc<RefCell<Vec<(RefId, bool)>>>;

struct Listening(Role, Reports);

impl Extension for Listening {
    fn role(&self) -> Role {
        self.0
    }

    fn committed(&self, _: &ReactonStore, written: &[Written]) {
        self.1.borrow_mut().extend(written.iter().map(|write| (write.id, write.changed)));
    }
}

fn listening(store: &ReactonStore, role: Role) -> Reports {
    let reports = Reports::default();
    Wiring::of(store).extend(|| Listening(role, Rc::clone(&reports)));
    reports
}

fn install(store: &ReactonStore, value: u32) {
    let mut panics = FirstPanic::NONE;
    Wiring::of(store)
        .take_in(|wiring| wiring.install(&A, Incoming::Owned(value), false, &mut panics));
    panics.resume();
}

fn committed(store: &ReactonStore) -> Option<u32> {
    let held = Wiring::of(store).held(&A, Moment::Committed)?;
    Some(*held)
}

#[test]
fn a_value_that_is_installed_in_a_batch_is_the_one_from_before_it() {
    let store = ReactonStore::new();
    let reports = listening(&store, Role::Links);
    Wiring::of(&store).watch(&A, Role::Links);
    let seen = Rc::<RefCell<Vec<u32>>>::default();
    let listener = Rc::clone(&seen);
    store.subscribe(&A, move |_, a| listener.borrow_mut().push(*a));
    // Back to what other stores hold no longer: a change.
    store.batch(|store| {
        store.set(&A, 5);
        install(store, 7);
        assert_eq!((store.get(&A), committed(store)), (5, Some(7)));
        store.set(&A, 0);
    });
    assert_eq!(reports.take(), [(A.reacton_ref().id(), true)]);
    seen.take();
    // To what other stores hold: no change for them, and one for an observer here.
    store.batch(|store| {
        store.set(&A, 5);
        install(store, 7);
        store.set(&A, 7);
    });
    assert!(reports.take().is_empty());
    assert_eq!(seen.take(), [7]);
}

#[test]
fn the_members_that_a_detached_extension_watched_are_not_reported_to_the_next_of_its_role() {
    let store = ReactonStore::new();
    let wiring = Wiring::of(&store);
    let first = listening(&store, Role::History);
    wiring.watch_family(&ITEM, Role::History);
    store.set(&ITEM.of(1), 1);
    assert_eq!(first.take().len(), 1);
    assert!(wiring.detach(Role::History));
    let second = listening(&store, Role::History);
    wiring.watch(&B, Role::History);
    store.batch(|store| {
        store.set(&ITEM.of(1), 2);
        store.set(&ITEM.of(2), 2);
        store.set(&B, 2);
    });
    assert_eq!(second.take(), [(B.reacton_ref().id(), true)]);
}

#[test]
fn a_family_has_versions_for_as_long_as_links_watch_it() {
    let store = ReactonStore::new();
    let (wiring, id) = (Wiring::of(&store), ITEM.reacton_ref().id());
    for role in [Role::Links, Role::History] {
        listening(&store, role);
        wiring.watch_family(&ITEM, role);
    }
    store.set(&ITEM.of(1), 1);
    let version = Version { clock: 3, site: 4 };
    let member = || wiring.find_member(&ITEM, 1).expect("the member was written");
    wiring.set_version(&member(), version);
    let Place(cell) = ITEM.of(1).found(&store).expect("the member was written");
    let is_shared = || store.graph_ref().is_shared_member(cell);
    wiring.unwatch(id, Role::History);
    assert_eq!((member().version(), is_shared()), (version, true));
    wiring.watch_family(&ITEM, Role::History);
    wiring.unwatch(id, Role::Links);
    assert_eq!((member().version(), is_shared()), (Version::NEVER, false));
}

#[test]
fn a_family_without_members_that_nothing_watches_leaves_nothing() {
    let store = ReactonStore::new();
    let (wiring, id) = (Wiring::of(&store), ITEM.reacton_ref().id());
    let families = || store.graph_ref().families();
    store.set(&ITEM.of(1), 1);
    store.set(&ITEM.of(2), 2);
    store.remove(&ITEM.of(1));
    assert_eq!(families(), 1);
    store.remove(&ITEM.of(2));
    assert_eq!(families(), 0);
    listening(&store, Role::History);
    wiring.watch_family(&ITEM, Role::History);
    store.set(&ITEM.of(1), 1);
    store.remove(&ITEM.of(1));
    assert_eq!(families(), 1, "members that come later would not be watched");
    wiring.unwatch(id, Role::History);
    assert_eq!(families(), 0);
}
