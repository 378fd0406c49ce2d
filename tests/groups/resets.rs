//! G2: resets.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{Log, panic_of};

use crate::{FAILS, ODD, Odd};

#[reacton]
static NAME: String = "nobody".into();
#[reacton]
static AGE: u32 = 18;
#[reacton]
static ROWS: ReactonMap<u32, u32> = [(0, 0)].into();
#[reacton]
static TAGS: ReactonList<String> = ReactonList::new();
#[reacton]
static VISITS: Counter = Counter::new();
#[reacton]
static NOTE: Family<u32, String> = |key| format!("note {key}");

const PERSON: Group = group![NAME, AGE, ROWS, TAGS, VISITS, NOTE];

fn fill(store: &ReactonStore) {
    store.batch(|store| {
        store.set(&NAME, "Ada".into());
        store.set(&AGE, 36);
        store.update(&ROWS, |rows| rows.insert(1, 1));
        store.update(&TAGS, |tags| tags.push("x".into()));
        store.update(&VISITS, |visits| visits.add(3));
        store.set(&NOTE.of(1), "mine".into());
    });
}

fn assert_initial(store: &ReactonStore) {
    assert_eq!((store.get(&NAME), store.get(&AGE)), ("nobody".into(), 18));
    assert!(store.with(&ROWS, |rows| rows.iter().eq([(&0, &0)])));
    assert!(store.with(&TAGS, ReactonList::is_empty));
    assert_eq!(store.with(&VISITS, Counter::value), 0);
    assert_eq!(store.get(&NOTE.of(1)), "note 1");
}

#[test]
fn g2_a_reset_is_one_transaction_with_the_initial_values() {
    let store = ReactonStore::new();
    fill(&store);
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| {
        let tags = cx.with(&TAGS, ReactonList::len);
        heard.push((cx.get(&NAME), cx.get(&AGE), tags, cx.get(&NOTE.of(1))));
    });
    log.take();
    store.reset(PERSON);
    assert_initial(&store);
    assert_eq!(log.take(), [("nobody".into(), 18, 0, "note 1".into())]);
    // What has its initial value is no change.
    store.reset(PERSON);
    assert!(log.take().is_empty());
}

#[test]
fn g2_a_reset_member_counts_as_never_written() {
    let store = ReactonStore::new();
    fill(&store);
    let log = Log::new();
    let heard = log.clone();
    let subscription = store.subscribe(&NOTE.of(1), move |_, note| heard.push(note.clone()));
    store.reset(PERSON);
    assert!(store.keys(&NOTE).is_empty() && !store.has(&NOTE.of(1)));
    store.set(&NOTE.of(1), "again".into());
    assert_eq!(log.take(), ["note 1", "again"]);
    store.reset(PERSON);
    subscription.unsubscribe();
    assert!(store.keys(&NOTE).is_empty());
}

#[test]
fn g2_a_store_that_has_used_nothing_is_not_changed() {
    let store = ReactonStore::new();
    store.reset(PERSON);
    assert_initial(&store);
    store.dispose();
    store.reset(PERSON);
}

#[test]
fn g2_in_a_batch_a_reset_is_a_part_of_it() {
    let store = ReactonStore::new();
    fill(&store);
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| heard.push((cx.get(&NAME), cx.get(&AGE))));
    log.take();
    store.batch(|store| {
        store.set(&AGE, 37);
        store.reset(PERSON);
        assert_initial(store);
        store.set(&NAME, "Bea".into());
    });
    assert_eq!(log.take(), [("Bea".into(), 18)]);
    // Nothing comes of a batch that ends as it began.
    store.batch(|store| {
        store.reset(PERSON);
        store.set(&NAME, "Bea".into());
    });
    assert!(log.take().is_empty());
}

#[test]
fn g2_an_effect_may_reset() {
    let store = ReactonStore::new();
    let out = store.reacton(false);
    fill(&store);
    store.effect(move |cx| {
        if cx.get(&out) {
            cx.store().reset(PERSON);
        }
    });
    let seen = Rc::new(Cell::new(0));
    let age = Rc::clone(&seen);
    store.subscribe(&AGE, move |_, new| age.set(*new));
    store.set(&out, true);
    assert_initial(&store);
    assert_eq!(seen.get(), 18);
}

#[worker(shared = [NAME, AGE, ROWS, VISITS])]
fn registry(store: &ReactonStore) {
    store.subscribe(&NAME, |store, name| {
        let rows = store.with(&ROWS, ReactonMap::len);
        store.set(&AGE, u32::try_from(name.len() * 10 + rows).unwrap_or_default());
    });
}

#[test]
fn g2_a_reset_is_told_to_workers_whole() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = registry::spawn(&store).expect("the worker starts");
        fill(&store);
        simulation.settle();
        assert_eq!(store.get(&AGE), 32, "seed {seed}");
        store.reset(PERSON);
        simulation.settle();
        // The worker has seen the name together with the rows.
        assert_eq!(store.get(&AGE), 61, "seed {seed}");
        let other = simulation.store_of(&worker).expect("the worker runs");
        assert!(other.with(&ROWS, |rows| rows.iter().eq([(&0, &0)])), "seed {seed}");
        assert_eq!(other.with(&VISITS, Counter::value), 0, "seed {seed}");
    }
}

#[test]
fn g2_what_a_worker_writes_without_knowledge_of_a_reset_of_a_collection_is_gone() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let worker = registry::spawn(&store).expect("the worker starts");
    simulation.settle();
    let other = simulation.store_of(&worker).expect("the worker runs");
    store.update(&ROWS, |rows| rows.insert(7, 7));
    other.update(&ROWS, |rows| rows.insert(8, 8));
    store.update(&NAME, |_| ());
    store.reset(PERSON);
    simulation.settle();
    assert!(store.with(&ROWS, |rows| rows.iter().eq([(&0, &0)])), "{:?}", store.get(&ROWS));
    assert!(other.with(&ROWS, |rows| rows.iter().eq([(&0, &0)])));
    drop(worker);
}

#[worker(shared = [in NAME, out AGE])]
fn ages(store: &ReactonStore) {
    store.set(&AGE, 5);
}

#[test]
fn g2_what_this_store_must_not_write_stays() {
    let simulation = Simulation::new(2);
    let store = ReactonStore::new();
    let _worker = ages::spawn(&store).expect("the worker starts");
    store.set(&NAME, "Ada".into());
    simulation.settle();
    store.reset(PERSON);
    assert_eq!((store.get(&NAME), store.get(&AGE)), ("nobody".into(), 5));
}

#[reacton]
static BAD: u32 = if FAILS.get() { panic!("no initial value") } else { 0 };

const FRAGILE: Group = group![ODD, BAD, NAME];

#[worker(shared = [in NAME, out BAD])]
fn spoils(_: &ReactonStore) {}

#[test]
fn g2_the_initial_value_of_what_this_store_must_not_write_is_not_asked_for() {
    let simulation = Simulation::new(2);
    let store = ReactonStore::new();
    let _worker = spoils::spawn(&store).expect("the worker starts");
    store.set(&NAME, "Ada".into());
    simulation.settle();
    FAILS.set(true);
    store.reset(group![BAD, NAME]);
    FAILS.set(false);
    assert_eq!(store.get(&NAME), "nobody");
}

#[test]
fn g2_after_a_panic_the_others_are_reset() {
    let store = ReactonStore::new();
    store.set(&ODD, Odd(1));
    store.set(&BAD, 1);
    store.set(&NAME, "Ada".into());
    FAILS.set(true);
    let words = panic_of(|| store.reset(FRAGILE));
    FAILS.set(false);
    assert_eq!(words, "not comparable");
    assert_eq!((store.get(&ODD), store.get(&BAD), store.get(&NAME)), (Odd(0), 1, "nobody".into()));
    store.set(&BAD, 2);
    store.reset(FRAGILE);
    assert_eq!(store.get(&BAD), 0);
}
