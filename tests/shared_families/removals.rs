//! C21: a member that one store removes is removed in all stores. The removal is a write, which wins or loses.

use reacton::prelude::*;
use reacton::testing::{Simulation, sweep};
use reacton_support::Log;

use crate::{SCORE, TITLE, TODO, expected, held, scores, spawn, text, write};

#[test]
fn c21_a_removed_member_has_its_initial_value_everywhere_and_is_held_nowhere() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        let log = Log::new();
        let heard = log.clone();
        below.subscribe(&TODO.of(1), move |_, todo| heard.push(todo.text.clone()));
        write(&store, 1, "one");
        store.set(&SCORE.of("Ada".into()), 3);
        simulation.settle();
        store.remove(&TODO.of(1));
        store.remove(&SCORE.of("Ada".into()));
        simulation.settle();
        assert_eq!(log.take(), ["one", "todo 1"]);
        for store in [&store, &below] {
            assert!(!store.has(&TODO.of(1)) && store.find(&TODO.of(1)).is_none());
            assert_eq!((held(store), scores(store)), (Vec::new(), Vec::new()));
            assert_eq!(text(store, 1), "todo 1");
        }
        write(&below, 1, "again");
        simulation.settle();
        assert_eq!(
            (held(&store), log.take()),
            (expected(&[(1, "again")]), vec!["again".to_owned()])
        );
    }
}

#[test]
fn c21_a_member_that_is_removed_with_its_initial_value_is_removed_everywhere() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    store.set(&TODO.of(1), store.get(&TODO.of(1)));
    store.set(&SCORE.of("Ada".into()), 1);
    store.set(&SCORE.of("Ada".into()), 0);
    write(&store, 2, "two");
    simulation.settle();
    assert!(below.has(&SCORE.of("Ada".into())));
    store.batch(|store| {
        store.remove(&SCORE.of("Ada".into()));
        store.remove(&TODO.of(2));
        write(store, 2, "todo 2");
        store.remove(&TODO.of(2));
    });
    simulation.settle();
    assert_eq!((scores(&below), scores(&store)), (Vec::new(), Vec::new()));
    assert!(!below.has(&TODO.of(2)) && !store.has(&TODO.of(2)));
}

#[test]
fn c21_of_a_removal_and_a_write_the_newer_wins() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (_one, first) = spawn(&simulation, &store, Delivery::Every);
        let (_other, second) = spawn(&simulation, &store, Delivery::Latest);
        write(&store, 1, "one");
        simulation.settle();
        first.remove(&TODO.of(1));
        write(&second, 1, "two");
        second.set(&TITLE, "later".into());
        if seed % 2 == 0 {
            write(&second, 1, "three");
        }
        simulation.settle();
        assert_eq!(held(&first), held(&store), "seed {seed}");
        assert_eq!(held(&second), held(&store), "seed {seed}");
        if seed % 2 == 0 {
            assert_eq!(held(&store), expected(&[(1, "three")]), "seed {seed}");
        }
    }
}

#[test]
fn c21_restore_brings_members_back_and_removes_others_everywhere() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    write(&store, 1, "one");
    write(&store, 2, "two");
    let before = store.snapshot();
    store.remove(&TODO.of(1));
    write(&store, 2, "more");
    write(&store, 3, "three");
    write(&store, 4, "todo 4");
    simulation.settle();
    assert_eq!(held(&below).len(), 3);
    store.restore(&before);
    simulation.settle();
    assert_eq!(held(&store), expected(&[(1, "one"), (2, "two")]));
    assert_eq!(held(&below), held(&store));
    // `restore` also brings back a member whose removal was swept.
    store.remove(&TODO.of(2));
    simulation.settle();
    sweep(&store);
    simulation.settle();
    store.restore(&before);
    simulation.settle();
    assert_eq!(held(&below), expected(&[(1, "one"), (2, "two")]));
    // In a store without links the members have no versions.
    let other = ReactonStore::new();
    other.restore(&before);
    write(&other, 1, "other");
    assert_eq!(
        (held(&other), text(&store, 1)),
        (expected(&[(1, "other"), (2, "two")]), "one".into())
    );
}

#[test]
fn c21_removals_are_forgotten_when_every_store_has_them() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let (_other, beside) = spawn(&simulation, &store, Delivery::Latest);
    let all = [&store, &below, &beside];
    let remembered = |store: &ReactonStore| reacton::testing::removals(store, &TODO);
    for id in 10..20 {
        write(&below, id, "short");
        below.remove(&TODO.of(id));
    }
    simulation.settle();
    assert_eq!(all.map(remembered), [10, 10, 10]);
    worker.pause(&TODO);
    sweep(&store);
    simulation.settle();
    assert_eq!(remembered(&store), 10, "what is paused is not swept");
    worker.resume(&TODO);
    simulation.settle();
    sweep(&store);
    simulation.settle();
    assert_eq!(all.map(remembered), [0, 0, 0]);
    // When there are many removals, a round begins by itself.
    for id in 0..400 {
        write(&beside, id, "short");
        simulation.settle();
        beside.remove(&TODO.of(id));
        simulation.settle();
    }
    assert!(all.map(remembered).iter().all(|left| *left < 270), "{:?}", all.map(remembered));
    assert_eq!((held(&store), held(&below)), (held(&beside), held(&beside)));
}

#[test]
fn c21_a_removal_that_is_newer_than_the_mark_is_not_swept() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    write(&store, 1, "one");
    write(&store, 2, "two");
    store.remove(&TODO.of(2));
    simulation.settle();
    let remembered = |store: &ReactonStore| reacton::testing::removals(store, &TODO);
    sweep(&store);
    store.remove(&TODO.of(1));
    simulation.settle();
    assert_eq!([&store, &below].map(remembered), [1, 1], "only the one before the mark");
    sweep(&store);
    simulation.settle();
    assert_eq!([&store, &below].map(remembered), [0, 0]);
}

#[test]
fn c21_a_removal_of_what_nothing_holds_is_no_write() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    store.subscribe(&TODO.of(1), |_, _| {});
    let sent = worker.stats().transactions_sent;
    store.remove(&TODO.of(1));
    store.remove(&TODO.of(2));
    write(&store, 3, "three");
    store.remove(&TODO.of(3));
    store.remove(&TODO.of(3));
    simulation.settle();
    assert_eq!(worker.stats().transactions_sent - sent, 2);
    assert_eq!(held(&below), []);
}
