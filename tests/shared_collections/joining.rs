//! C15: entries are joined one by one, and all stores end with the same ones.

use std::sync::mpsc::channel;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton::testing::repeats;
use reacton_support::Log;
use reacton_support::receive;
use reacton_support::restart_always;
use reacton_support::wait_until;

use crate::{DONE, ORDER, ROWS, TAGS, TITLE, end, expected, insert, row, rows, spawn};

#[test]
fn c15_a_worker_begins_with_the_entries_of_main() {
    let store = ReactonStore::new();
    store.update(&ROWS, |rows| rows.remove(&1));
    insert(&store, 2, "two");
    store.update(&TAGS, |tags| tags.insert("red".into()));
    store.update(&DONE, |done| done.add(5));
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![ROWS, TAGS, DONE], move |store| {
        let tags: Vec<_> = store.with(&TAGS, |tags| tags.iter().cloned().collect());
        tell.send((rows(store), tags, store.get(&DONE).value())).expect("the channel is open");
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(receive(&told), (expected(&[(2, "two")]), vec!["red".to_owned()], 5));
    end(worker);
}

#[test]
fn c15_entries_of_both_sides_are_kept_and_counters_add_up() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![ROWS, DONE, ORDER], |store| {
        store.subscribe(&ORDER, |store, order| {
            store.batch(|store| {
                for (key, name) in order {
                    insert(store, *key, name);
                    store.update(&DONE, |done| done.add(1));
                }
            });
        });
    });
    let worker = worker.expect("the worker starts");
    store.set(&ORDER, vec![(2, "two".into()), (3, "three".into())]);
    insert(&store, 4, "four");
    store.update(&DONE, |done| done.add(10));
    wait_until(&store, |store| store.get(&DONE).value() == 12);
    let all = [(1, "declared"), (2, "two"), (3, "three"), (4, "four")];
    assert_eq!(rows(&store), expected(&all));
    end(worker);
}

#[test]
fn c15_all_stores_of_a_star_end_with_the_same_entries() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (one, first) = spawn(&simulation, &store, Delivery::Every);
        let (other, second) = spawn(&simulation, &store, Delivery::Latest);
        for (number, writer) in [&store, &first, &second, &first, &second].iter().enumerate() {
            let number = number as u64;
            insert(writer, 1, &format!("one {number}"));
            insert(writer, 10 + number, "own");
            if number == 3 {
                writer.update(&ROWS, |rows| rows.remove(&1));
            }
            writer.update(&DONE, |done| done.add(1));
            writer.update(&TAGS, |tags| tags.insert(number.to_string()));
            if simulation.pick(2) == 0 {
                simulation.settle();
            }
        }
        simulation.settle();
        for writer in [&first, &second] {
            assert_eq!(rows(writer), rows(&store), "seed {seed}");
            assert_eq!(writer.get(&TAGS), store.get(&TAGS), "seed {seed}");
            assert_eq!((writer.get(&DONE).value(), repeats(writer)), (5, 0), "seed {seed}");
        }
        assert_eq!(repeats(&store), 0);
        drop((one, other));
    }
}

#[test]
fn c15_a_reset_and_a_put_obey_their_versions() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
        insert(&store, 2, "old");
        simulation.settle();
        store.update(&ROWS, ReactonMap::clear);
        insert(&below, 3, "meanwhile");
        simulation.settle();
        assert_eq!(rows(&store), rows(&below), "seed {seed}");
        insert(&below, 4, "later");
        store.set(&ROWS, [(7, row("seven"))].into());
        simulation.settle();
        assert_eq!(rows(&store), rows(&below), "seed {seed}");
        assert!(rows(&store).contains(&(7, "seven".into())));
        store.remove(&ROWS);
        store.update(&DONE, |done| done.set(100));
        below.update(&DONE, |done| done.add(1));
        simulation.settle();
        assert_eq!(rows(&below), rows(&store), "seed {seed}");
        assert_eq!(below.get(&DONE), store.get(&DONE), "seed {seed}");
        below.update(&DONE, |done| done.add(1));
        store.update(&DONE, |done| done.add(1));
        simulation.settle();
        assert_eq!(below.get(&DONE), store.get(&DONE), "seed {seed}");
        assert!((102..=103).contains(&store.get(&DONE).value()));
    }
}

#[test]
fn c15_a_batch_without_net_effect_has_no_version() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    insert(&store, 2, "two");
    store.update(&DONE, |done| done.add(5));
    simulation.settle();
    let before = worker.stats().transactions_sent;
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.remove(&2));
        insert(store, 2, "two");
        insert(store, 3, "three");
        store.update(&ROWS, |rows| rows.remove(&3));
        store.update(&DONE, |done| done.add(1));
        store.update(&DONE, |done| done.add(-1));
    });
    store.batch(|store| {
        store.update(&ROWS, ReactonMap::clear);
        insert(store, 1, "declared");
        insert(store, 2, "two");
        store.update(&DONE, |done| done.set(5));
    });
    store.set(&ROWS, store.get(&ROWS));
    assert_eq!(worker.stats().transactions_sent, before);
    // A write with a smaller version than the recorded one loses, and a newer one wins.
    below.update(&DONE, |done| done.add(2));
    insert(&below, 2, "newer");
    simulation.settle();
    assert_eq!(rows(&store), expected(&[(1, "declared"), (2, "newer")]));
    assert_eq!((store.get(&DONE).value(), below.get(&DONE).value()), (7, 7));
}

#[test]
fn c15_equal_entries_of_a_transaction_are_sent_too() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    insert(&store, 2, "two");
    simulation.settle();
    // The other side writes the pair later, without having received this write.
    below.batch(|store| {
        insert(store, 2, "below");
        store.set(&TITLE, "below".into());
    });
    store.set(&TITLE, "x".into());
    store.batch(|store| {
        insert(store, 2, "two");
        store.set(&TITLE, "two".into());
    });
    simulation.settle();
    let pair =
        |store: &ReactonStore| (store.get(&TITLE), store.get(&ROWS.at(2)).map(|row| row.name));
    assert_eq!(pair(&store), pair(&below));
    let (title, name) = pair(&store);
    assert_eq!(Some(title), name, "the title and the name are from two transactions");
}

#[test]
fn c15_touch_announces_a_collection_everywhere() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let (_other, beside) = spawn(&simulation, &store, Delivery::Every);
    let log = Log::new();
    for store in [&below, &beside] {
        let heard = log.clone();
        store.subscribe(&ROWS, move |_, rows| heard.push(rows.len()));
    }
    below.touch(&ROWS);
    simulation.settle();
    assert_eq!(log.take(), [1, 1]);
}

#[test]
fn c15_restore_writes_the_entries_that_differ() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    insert(&store, 2, "two");
    let before = store.snapshot();
    insert(&store, 2, "changed");
    insert(&store, 3, "three");
    simulation.settle();
    insert(&below, 9, "kept");
    let bytes = worker.stats().bytes_sent;
    store.restore(&before);
    simulation.settle();
    assert!(worker.stats().bytes_sent - bytes < 60, "more than two entries were sent");
    let all = expected(&[(1, "declared"), (2, "two"), (9, "kept")]);
    assert_eq!((rows(&store), rows(&below)), (all.clone(), all));
}

#[test]
fn c15_a_restarted_worker_begins_with_the_present_entries() {
    let simulation = Simulation::new(3);
    let store = ReactonStore::new();
    let builder =
        IsolateStore::builder().shared(shared![ROWS, DONE, TITLE]).restart(Restart::OnPanic {
            max: 3,
            within: Duration::from_secs(60),
            backoff: Duration::ZERO,
        });
    let worker = builder.spawn(&store, |store: &ReactonStore| {
        store.subscribe(&TITLE, |store, title| {
            assert!(title != "panic", "as planned");
            store.update(&DONE, |done| done.add(1));
            let count = store.with(&ROWS, ReactonMap::len) as u64;
            insert(store, 100 + count, title);
        });
    });
    let worker = worker.expect("the worker starts");
    store.set(&TITLE, "a".into());
    simulation.settle();
    reacton_support::hide_panics_with("as planned");
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.remove(&1));
        store.set(&TITLE, "panic".into());
    });
    insert(&store, 50, "meanwhile");
    simulation.settle();
    store.set(&TITLE, "b".into());
    simulation.settle();
    assert_eq!(rows(&store), expected(&[(50, "meanwhile"), (101, "a"), (102, "b")]));
    assert_eq!((store.get(&DONE).value(), worker.stats().restarts), (2, 1));
}

#[test]
fn c15_a_restart_while_main_has_paused_a_collection_loses_nothing_of_main() {
    reacton_support::hide_panics_with("as planned");
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(3);
        let store = ReactonStore::new();
        let builder = IsolateStore::builder().shared(shared![ROWS, DONE, TITLE]);
        let builder = builder.restart(restart_always()).delivery(delivery);
        let worker = builder.spawn(&store, |store: &ReactonStore| {
            store.subscribe(&TITLE, |_, title| assert!(title != "panic", "as planned"));
        });
        let worker = worker.expect("the worker starts");
        let below = || simulation.store_of(&worker).expect("a worker runs");
        simulation.settle();
        worker.pause(&ROWS);
        simulation.settle();
        insert(&below(), 2, "lost with the worker");
        below().update(&ROWS, |rows| rows.remove(&1));
        below().update(&DONE, |done| done.add(5));
        insert(&store, 3, "three");
        simulation.settle();
        store.set(&TITLE, "panic".into());
        simulation.settle();
        assert_eq!(worker.stats().restarts, 1);
        let main = expected(&[(1, "declared"), (3, "three")]);
        assert_eq!((rows(&store), rows(&below())), (main.clone(), main.clone()));
        // What main has paused stays paused.
        insert(&below(), 4, "four");
        below().update(&ROWS, |rows| rows.remove(&3));
        below().update(&DONE, |done| done.add(2));
        simulation.settle();
        assert_eq!((rows(&store), store.get(&DONE).value()), (main, 7));
        worker.resume(&ROWS);
        simulation.settle();
        let all = expected(&[(1, "declared"), (4, "four")]);
        assert_eq!((rows(&store), rows(&below())), (all.clone(), all));
        assert_eq!(below().get(&DONE).value(), 7);
    }
}

#[test]
fn c15_a_spawn_in_a_batch_does_not_see_its_edits_or_is_refused() {
    let store = ReactonStore::new();
    let refused = store.batch(|store| {
        insert(store, 2, "two");
        IsolateStore::spawn(store, shared![ROWS], |_| ()).err()
    });
    assert!(
        matches!(refused, Some(SpawnError::Value { .. })),
        "the collection has no committed value that can be sent"
    );
    let (tell, told) = channel();
    let worker = store.batch(|store| {
        let worker = IsolateStore::spawn(store, shared![ROWS], move |store| {
            let heard = tell.clone();
            store.subscribe(&ROWS, move |_, rows| {
                heard.send(rows.len()).expect("the channel is open");
            });
            tell.send(store.with(&ROWS, ReactonMap::len)).expect("the channel is open");
        });
        insert(store, 3, "three");
        worker
    });
    assert_eq!((receive(&told), receive(&told)), (2, 3));
    end(worker.expect("the worker starts"));
}

#[test]
fn c15_a_collection_of_another_store_is_older_than_what_is_written_later() {
    let simulation = Simulation::new(1);
    let (store, other) = (ReactonStore::new(), ReactonStore::new());
    let (_first, _) = spawn(&simulation, &other, Delivery::Every);
    for number in 0..100 {
        insert(&other, 5, &number.to_string());
    }
    // Its entries have versions of another tree of stores, whose clock is far ahead.
    store.set(&ROWS, other.get(&ROWS));
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    insert(&below, 5, "below");
    simulation.settle();
    insert(&store, 1, "here");
    simulation.settle();
    let all = expected(&[(1, "here"), (5, "below")]);
    assert_eq!((rows(&store), rows(&below)), (all.clone(), all));
}

#[test]
fn c15_a_counter_of_another_store_is_older_than_what_is_written_later() {
    let simulation = Simulation::new(1);
    let (store, other) = (ReactonStore::new(), ReactonStore::new());
    let (_first, _) = spawn(&simulation, &other, Delivery::Every);
    for number in 0..100 {
        other.update(&DONE, |done| done.set(number));
    }
    let foreign = other.get(&DONE);
    store.update(&DONE, |done| *done = foreign);
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    store.update(&DONE, |done| done.set(7));
    simulation.settle();
    assert_eq!((store.get(&DONE).value(), below.get(&DONE).value()), (7, 7));
    below.update(&DONE, |done| done.add(1));
    simulation.settle();
    assert_eq!((store.get(&DONE).value(), below.get(&DONE).value()), (8, 8));
}

#[test]
fn c15_a_worker_receives_what_was_written_before_any_worker_existed() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    store.set(&ROWS, [(1, row("one")), (2, row("two"))].into());
    below.update(&ROWS, |rows| rows.remove(&1));
    simulation.settle();
    drop(worker);
    simulation.settle();
    assert_eq!(store.with(&ROWS, reacton::collections::Merge::removals), 0);
    insert(&store, 3, "three");
    store.update(&ROWS, |rows| rows.remove(&2));
    store.update(&DONE, |done| done.add(1));
    let (_worker, below) = spawn(&simulation, &store, Delivery::Latest);
    assert_eq!(rows(&below), expected(&[(3, "three")]));
    insert(&below, 3, "more");
    below.update(&DONE, |done| done.add(1));
    simulation.settle();
    assert_eq!(rows(&store), expected(&[(3, "more")]));
    assert_eq!(store.get(&DONE).value(), 2);
}

#[test]
fn c15_observers_that_answer_edits_end_with_the_same_entries_everywhere() {
    for seed in 0..50 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (_one, first) = spawn(&simulation, &store, Delivery::Every);
        let (_other, second) = spawn(&simulation, &store, Delivery::Latest);
        // A correction: the first store that receives a name that is too long shortens it.
        for store in [&store, &first, &second] {
            store.subscribe_changes(&ROWS, |store, changes| {
                for change in changes {
                    let Some(row) = change.new().filter(|row| row.name.len() > 3) else { continue };
                    insert(store, *change.key(), &row.name[..3]);
                }
            });
        }
        for (writer, name) in
            [(&store, "long name"), (&first, "other"), (&second, "again and again")]
        {
            insert(writer, 1, name);
            insert(writer, 2, name);
            if simulation.pick(2) == 0 {
                simulation.step();
            }
        }
        simulation.settle();
        assert_eq!(rows(&first), rows(&store), "seed {seed}");
        assert_eq!(rows(&second), rows(&store), "seed {seed}");
        assert!(rows(&store).iter().all(|(_, name)| name.len() == 3), "{:?}", rows(&store));
    }
}
