//! Families: one declaration for many reactons, each with a ref of its own.

#[path = "families/computed.rs"]
mod computed;
#[path = "families/keys.rs"]
mod keys;
#[path = "families/listing.rs"]
mod listing;
#[path = "families/reads.rs"]
mod reads;
#[path = "families/writes.rs"]
mod writes;

use reacton::prelude::*;
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;

#[derive(Clone, PartialEq, Debug)]
struct Todo {
    id: u64,
    done: bool,
}

#[reacton]
static TODO: Family<u64, Todo> = |id| Todo { id: *id, done: false };

#[reacton]
static NAMED: Family<(String, u8), i32> =
    |(name, level)| i32::try_from(name.len()).unwrap_or(0) + i32::from(*level);

#[reacton(eq = never, id = "families::events")]
static EVENT: Family<Channel, u32> = first_event;

#[derive(Clone, PartialEq, Debug, Serialize)]
enum Channel {
    Left,
    Right,
}

fn first_event(_: &Channel) -> u32 {
    0
}

#[computed]
static DONE: usize = |cx| (1..=3).filter(|id| cx.with(&TODO.of(*id), |todo| todo.done)).count();

#[test]
fn a_member_begins_with_the_value_computed_from_its_key() {
    let store = ReactonStore::new();
    assert_eq!(store.get(&TODO.of(7)), Todo { id: 7, done: false });
    assert_eq!(store.get(&NAMED.of(("abc".into(), 4))), 7);
}

#[test]
fn members_are_reactons_of_their_own() {
    let store = ReactonStore::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&TODO.of(1), move |_, todo| log.borrow_mut().push(todo.clone()));
    store.update(&TODO.of(2), |todo| todo.done = true);
    assert!(heard.borrow().is_empty());
    store.update(&TODO.of(1), |todo| todo.done = true);
    assert_eq!(*heard.borrow(), [Todo { id: 1, done: true }]);
    assert!(!store.get(&TODO.of(3)).done);
}

#[test]
fn a_computed_follows_members() {
    let store = ReactonStore::new();
    assert_eq!(store.get(&DONE), 0);
    store.update(&TODO.of(2), |todo| todo.done = true);
    store.update(&TODO.of(9), |todo| todo.done = true);
    assert_eq!(store.get(&DONE), 1);
}

#[test]
fn r1_the_ref_of_a_member_depends_on_family_and_key_alone() {
    let here = NAMED.of(("k".into(), 1)).reacton_ref();
    let there = std::thread::spawn(|| NAMED.of(("k".into(), 1)).reacton_ref());
    assert_eq!(here, there.join().expect("the thread does not panic"));
    assert_ne!(here, NAMED.of(("k".into(), 2)).reacton_ref());
    assert_ne!(TODO.of(1).reacton_ref(), TODO.reacton_ref());
    assert_eq!(here.name(), NAMED.name());
    assert_eq!(EVENT.reacton_ref().id(), RefId::of("families::events"));
}

#[test]
fn the_keys_that_a_store_holds_are_listed_and_removed() {
    let store = ReactonStore::new();
    store.set(&TODO.of(1), Todo { id: 1, done: false });
    store.set(&TODO.of(5), Todo { id: 5, done: true });
    store.set(&NAMED.of(("x".into(), 0)), 1);
    store.get(&TODO.of(7));
    let mut keys = store.keys(&TODO);
    keys.sort_unstable();
    assert_eq!(keys, [1, 5]);
    store.remove(&TODO.of(5));
    assert_eq!(store.keys(&TODO), [1]);
    assert!(!store.get(&TODO.of(5)).done, "a removed member has its initial value");
}

#[test]
fn snapshots_hold_members() {
    let store = ReactonStore::new();
    store.set(&NAMED.of(("a".into(), 0)), 10);
    let snapshot = store.snapshot();
    store.set(&NAMED.of(("a".into(), 0)), 11);
    store.set(&NAMED.of(("b".into(), 0)), 12);
    assert_eq!(snapshot.get(&NAMED.of(("a".into(), 0))), Some(&10));
    store.restore(&snapshot);
    assert_eq!(store.get(&NAMED.of(("a".into(), 0))), 10);
    assert_eq!(store.get(&NAMED.of(("b".into(), 0))), 1);
}

#[test]
fn a_handle_writes_to_a_member_from_another_thread() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let writer = std::thread::spawn(move || handle.set(&EVENT.of(Channel::Right), 3));
    writer.join().expect("the thread does not panic");
    assert_eq!(store.pump(), 1);
    assert_eq!(store.get(&EVENT.of(Channel::Right)), 3);
    assert_eq!(store.get(&EVENT.of(Channel::Left)), 0);
}

#[test]
fn every_write_of_a_family_under_eq_never_calls_observers() {
    let store = ReactonStore::new();
    let count = store.reacton(0);
    store.subscribe(&EVENT.of(Channel::Left), move |store, _| store.update(&count, |n| *n += 1));
    store.set(&EVENT.of(Channel::Left), 0);
    store.set(&EVENT.of(Channel::Left), 0);
    assert_eq!(store.get(&count), 2);
}
