//! C22: queued writes of a single member.

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::Log;

use crate::{SCORE, TODO, held, spawn, todo, write};

#[test]
fn c22_a_member_is_stale_if_a_newer_write_of_it_waits() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        let stale = |ids: [u64; 3]| ids.map(|id| below.is_stale(&TODO.of(id)));
        write(&below, 3, "three");
        write(&below, 3, "drei");
        assert_eq!(stale([1, 2, 3]), [false; 3]);
        write(&store, 3, "older");
        write(&store, 2, "two");
        write(&store, 2, "zwei");
        store.set(&SCORE.of("Ada".into()), 5);
        assert_eq!(stale([1, 2, 3]), [false, true, false]);
        assert_eq!(below.incoming(&TODO.of(2)), Some(todo("zwei")));
        assert_eq!((below.incoming(&TODO.of(1)), below.incoming(&TODO.of(3))), (None, None));
        assert_eq!(below.incoming(&SCORE.of("Ada".into())), Some(5));
        assert_eq!(held(&below).len(), 1, "nothing is applied");
        store.remove(&TODO.of(2));
        assert_eq!(below.incoming(&TODO.of(2)), Some(todo("todo 2")));
        simulation.settle();
        assert_eq!(stale([1, 2, 3]), [false; 3]);
    }
}

#[test]
fn c22_observers_of_a_stale_member_are_called_though_it_comes_out_equal() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    for id in [1, 2] {
        let heard = log.clone();
        below.subscribe(&TODO.of(id), move |_, todo| heard.push((id, todo.text.clone())));
    }
    store.batch(|store| {
        write(store, 1, "one");
        write(store, 2, "two");
    });
    simulation.settle();
    log.take();
    store.batch(|store| {
        write(store, 1, "one");
        write(store, 2, "more");
    });
    assert!(below.is_stale(&TODO.of(1)));
    simulation.settle();
    let calls = log.take();
    assert!(calls.contains(&(1, "one".into())) && calls.len() == 2, "{calls:?}");
}

#[test]
fn c22_a_closure_that_waits_changes_its_member_only() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&TODO.of(1), todo("one"));
    assert!(store.is_stale(&TODO.of(1)) && !store.is_stale(&TODO.of(2)));
    assert_eq!(store.incoming(&TODO.of(1)), Some(todo("one")));
}
