//! C21: receivers that fall behind or pause.

use reacton::prelude::*;
use reacton::testing::Simulation;

use crate::{SCORE, TODO, expected, held, scores, spawn, text, write};

#[test]
fn c21_under_latest_one_record_of_each_member_waits() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Latest);
    let calls = below.reacton(0);
    below.subscribe(&TODO.of(3), move |store, _| store.update(&calls, |n| *n += 1));
    for number in 0..1000 {
        write(&store, number % 10, &number.to_string());
        store.set(&SCORE.of("n".into()), i64::try_from(number).unwrap_or(0));
    }
    store.remove(&TODO.of(4));
    assert_eq!(worker.stats().queued, 1);
    simulation.settle();
    assert_eq!(held(&below), held(&store));
    assert_eq!((held(&below).len(), below.get(&calls)), (9, 1));
    assert_eq!(scores(&below), [("n".to_owned(), 999)]);
}

#[test]
fn c21_resume_brings_the_members_that_were_missed_and_no_others() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (worker, below) = spawn(&simulation, &store, delivery);
        for id in 10..1000 {
            write(&store, id, "many");
        }
        simulation.settle();
        // One member is sent before the other side knows of the pause, and one after it.
        write(&below, 2, "on its way");
        worker.pause(&TODO);
        simulation.settle();
        write(&below, 3, "not sent");
        below.remove(&TODO.of(10));
        write(&store, 4, "sent");
        below.set(&SCORE.of("not paused".into()), 1);
        simulation.settle();
        assert_eq!((text(&store, 2), text(&store, 3)), ("todo 2".into(), "todo 3".into()));
        assert!(store.has(&TODO.of(10)) && below.has(&TODO.of(4)));
        assert_eq!(scores(&store).len(), 1);
        let before = worker.stats().bytes_received;
        worker.resume(&TODO);
        simulation.settle();
        assert_eq!(held(&store), held(&below));
        assert!(worker.stats().bytes_received - before < 100, "only what was missed");
    }
}

#[test]
fn c21_a_worker_pauses_and_resumes_a_family() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let main = MainLink::of(&below).expect("the store belongs to a worker");
    main.pause(&TODO);
    write(&store, 1, "one");
    simulation.settle();
    assert_eq!(held(&below), []);
    write(&below, 2, "two");
    main.resume(&TODO);
    simulation.settle();
    assert_eq!(held(&below), expected(&[(1, "one"), (2, "two")]));
    assert_eq!(held(&store), held(&below));
}
