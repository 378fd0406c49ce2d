//! C21: what is written together arrives together, once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{Log, panic_text, quietly, wait_until};

use crate::{SCORE, TITLE, TODO, end, held, spawn, text, todo, write};

#[test]
fn c21_the_members_of_a_batch_are_one_change_and_one_round_of_observers() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    let seen = log.clone();
    below.effect(move |cx| {
        let both = [1, 2].map(|id| cx.with(&TODO.of(id), |todo| todo.text.clone()));
        seen.push((both.join(" and "), cx.get(&TITLE), cx.get(&SCORE.of("a".into()))));
    });
    let before = worker.stats();
    store.batch(|store| {
        write(store, 1, "one");
        store.set(&SCORE.of("a".into()), 5);
        store.set(&TITLE, "title".into());
        write(store, 2, "two");
    });
    simulation.settle();
    let empty = ("todo 1 and todo 2".to_owned(), String::new(), 0);
    assert_eq!(log.take(), [empty, ("one and two".to_owned(), "title".to_owned(), 5)]);
    let stats = worker.stats();
    assert_eq!(stats.transactions_sent - before.transactions_sent, 1);
    assert_eq!(stats.changes_sent - before.changes_sent, 3);
}

#[test]
fn c21_observers_are_called_for_the_members_that_differ() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    for id in [1, 2] {
        let heard = log.clone();
        below.subscribe(&TODO.of(id), move |_, todo| heard.push((id, todo.text.clone())));
    }
    write(&store, 2, "two");
    simulation.settle();
    write(&below, 1, "one");
    log.take();
    // In that store the value is equal, so it is not a change.
    store.batch(|store| {
        write(store, 1, "one");
        write(store, 2, "more");
    });
    simulation.settle();
    assert_eq!(log.take(), [(2, "more".to_owned())]);
    store.touch(&TODO.of(2));
    simulation.settle();
    assert_eq!(log.take(), [(2, "more".to_owned())], "the member was announced");
}

#[test]
fn c21_a_member_that_is_touched_announces_no_other_member() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, delivery);
        let log = Log::new();
        for id in [1, 2] {
            let heard = log.clone();
            below.subscribe(&TODO.of(id), move |_, todo| heard.push((id, todo.text.clone())));
        }
        write(&store, 2, "two");
        simulation.settle();
        // Both sides write the same value, and that of the worker is older.
        let write_both = |text: &str| {
            write(&below, 1, text);
            log.take();
            (0..3).for_each(|number| write(&store, 3, &number.to_string()));
        };
        write_both("one");
        store.batch(|store| {
            write(store, 1, "one");
            store.touch(&TODO.of(2));
        });
        simulation.settle();
        assert_eq!(log.take(), [(2, "two".to_owned())], "{delivery:?}");
        // Two transactions, which are merged on their way under `Latest`.
        write_both("uno");
        store.touch(&TODO.of(2));
        write(&store, 1, "uno");
        simulation.settle();
        assert_eq!(log.take(), [(2, "two".to_owned())], "{delivery:?}");
        assert_eq!(held(&below), held(&store));
    }
}

#[test]
fn c21_what_arrives_is_sent_on_and_never_back() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (one, first) = spawn(&simulation, &store, Delivery::Every);
    let (other, second) = spawn(&simulation, &store, Delivery::Every);
    write(&first, 5, "five");
    simulation.settle();
    assert_eq!(held(&second), held(&first));
    assert_eq!((one.stats().changes_sent, other.stats().changes_sent), (0, 1));
    let before = other.stats().bytes_sent;
    for name in ["a", "b", "c"] {
        write(&store, 1, name);
    }
    // Written without knowledge of that, with an older version.
    first.batch(|store| {
        write(store, 1, &"long".repeat(1000));
        write(store, 2, "two");
    });
    simulation.settle();
    assert!(other.stats().bytes_sent - before < 200, "only the member that has won");
    assert_eq!((text(&second, 1), text(&second, 2)), ("c".into(), "two".into()));
    assert_eq!((held(&first), held(&store)), (held(&second), held(&second)));
}

#[test]
fn c21_members_that_are_only_read_or_observed_are_not_sent() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let sent = worker.stats().transactions_sent;
    store.get(&TODO.of(1));
    store.effect(|cx| cx.with(&TODO.of(2), |todo| drop(todo.text.clone())));
    store.update_if(&TODO.of(3), |_| false);
    simulation.settle();
    assert_eq!((worker.stats().transactions_sent, held(&below)), (sent, Vec::new()));
    assert_eq!(held(&store), []);
}

#[test]
fn c21_a_batch_that_comes_out_as_it_was_is_no_write() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, _below) = spawn(&simulation, &store, Delivery::Every);
    write(&store, 1, "one");
    store.set(&SCORE.of("a".into()), 5);
    let sent = worker.stats().transactions_sent;
    store.batch(|store| {
        write(store, 1, "two");
        store.set(&SCORE.of("a".into()), 6);
        write(store, 1, "one");
        store.set(&SCORE.of("a".into()), 5);
    });
    assert_eq!(worker.stats().transactions_sent, sent);
}

#[worker(shared = [in TODO, out SCORE, TITLE])]
fn directed(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, title| {
        let refused = quietly(|| catch_unwind(AssertUnwindSafe(|| write(store, 7, "refused"))));
        let refused = refused.expect_err("main writes it");
        store.set(&SCORE.of(panic_text(&*refused)), 1);
        let text = text(store, 1);
        store.set(&SCORE.of(format!("{text} {title}")), 2);
    });
}

#[test]
fn c21_a_direction_refuses_writes_of_members_by_the_other_side_and_nothing_else() {
    let store = ReactonStore::new();
    store.set(&SCORE.of("a".into()), 5);
    let worker = directed::spawn(&store).expect("the worker starts");
    for key in ["a", "new"] {
        let refused =
            quietly(|| catch_unwind(AssertUnwindSafe(|| store.set(&SCORE.of(key.into()), 6))));
        let words = panic_text(&*refused.expect_err("the worker writes it"));
        assert!(words.contains("SCORE") && words.contains("directed"), "{words}");
    }
    write(&store, 1, "one");
    store.set(&TITLE, "title".into());
    wait_until(&store, |store| store.get(&SCORE.of("one title".into())) == 2);
    let words = store.keys(&SCORE).into_iter().find(|key| key.contains("TODO"));
    assert!(words.is_some_and(|words| words.contains("directed") && words.contains("`in`")));
    assert_eq!(store.get(&SCORE.of("a".into())), 5);
    end(worker);
    store.set(&SCORE.of("new".into()), 1);
}

#[test]
fn c21_a_member_that_is_made_while_a_transaction_arrives_is_there_once() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    below.subscribe(&TITLE, |store, title| {
        store.set(&TODO.of(1), todo(&format!("answer to {title}")));
    });
    store.batch(|store| {
        write(store, 1, "one");
        store.set(&TITLE, "title".into());
    });
    simulation.settle();
    assert_eq!(text(&store, 1), "answer to title");
    assert_eq!(held(&below), held(&store));
}
