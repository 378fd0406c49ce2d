//! C21: members are joined one by one, and all stores end with the same ones.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton::testing::{Simulation, repeats};
use reacton_support::{TIMEOUT, receive, wait_until};

use crate::{SCORE, TITLE, TODO, end, expected, held, scores, spawn, text, write};

#[test]
fn c21_a_worker_begins_with_the_members_of_main() {
    let store = ReactonStore::new();
    write(&store, 1, "one");
    write(&store, 2, "two");
    write(&store, 3, "three");
    store.remove(&TODO.of(3));
    store.get(&TODO.of(4));
    store.set(&SCORE.of("Ada".into()), 7);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![TODO, SCORE], move |store| {
        tell.send((held(store), scores(store), text(store, 3))).expect("the channel is open");
    });
    let worker = worker.expect("the worker starts");
    let (members, scores, third) = receive(&told);
    assert_eq!(members, expected(&[(1, "one"), (2, "two")]));
    assert_eq!((scores, third), (vec![("Ada".to_owned(), 7)], "todo 3".to_owned()));
    end(worker);
}

#[worker(shared = [TODO, SCORE, in TITLE])]
fn counting(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, title| {
        store.batch(|store| {
            store.update(&SCORE.of(title.clone()), |score| *score += 1);
            store.update(&TODO.of(9), |todo| todo.done = true);
        });
    });
}

#[test]
fn c21_what_both_sides_write_is_in_both() {
    let store = ReactonStore::new();
    write(&store, 9, "nine");
    let worker = counting::spawn(&store).expect("the worker starts");
    write(&store, 10, "ten");
    store.set(&TITLE, "Ada".into());
    wait_until(&store, |store| store.get(&SCORE.of("Ada".into())) == 1);
    assert!(store.with(&TODO.of(9), |todo| todo.done && todo.text == "nine"));
    store.set(&TITLE, "Bob".into());
    store.set(&TITLE, "Ada".into());
    wait_until(&store, |store| store.get(&SCORE.of("Ada".into())) == 2);
    assert_eq!(scores(&store), [("Ada".to_owned(), 2), ("Bob".to_owned(), 1)]);
    end(worker);
}

#[test]
fn c21_all_stores_of_a_star_end_with_the_same_members() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (one, first) = spawn(&simulation, &store, Delivery::Every);
        let (other, second) = spawn(&simulation, &store, Delivery::Latest);
        for (number, writer) in [&store, &first, &second, &first, &second].iter().enumerate() {
            let number = number as u64;
            write(writer, 1, &format!("one {number}"));
            write(writer, 10 + number, "own");
            writer.set(&SCORE.of("all".into()), i64::try_from(number).unwrap_or(0));
            if number == 3 {
                writer.remove(&TODO.of(1));
            }
            if simulation.pick(2) == 0 {
                simulation.settle();
            }
        }
        simulation.settle();
        for writer in [&first, &second] {
            assert_eq!(held(writer), held(&store), "seed {seed}");
            assert_eq!((scores(writer), repeats(writer)), (scores(&store), 0), "seed {seed}");
            assert_eq!(text(writer, 1), text(&store, 1), "seed {seed}");
        }
        assert_eq!(repeats(&store), 0);
        drop((one, other));
    }
}

#[test]
fn c21_a_member_and_a_value_of_one_batch_are_of_one_writer() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let (_one, first) = spawn(&simulation, &store, Delivery::Every);
        let (_other, second) = spawn(&simulation, &store, Delivery::Latest);
        store.set(&TITLE, "todo 5".into());
        for store in [&store, &first, &second] {
            store.effect(|cx| {
                let (member, title) =
                    (cx.with(&TODO.of(5), |todo| todo.text.clone()), cx.get(&TITLE));
                assert!(member == title || title.is_empty(), "{member} and {title}");
            });
        }
        for number in 0..6 {
            let writer = [&store, &first, &second][simulation.pick(3)];
            writer.batch(|store| {
                let value = format!("{number}");
                write(store, 5, &value);
                store.set(&TITLE, value);
            });
            for _ in 0..simulation.pick(4) {
                simulation.step();
            }
        }
        simulation.settle();
        assert_eq!(text(&store, 5), store.get(&TITLE));
        assert_eq!(held(&first), held(&store), "seed {seed}");
        assert_eq!(held(&second), held(&store), "seed {seed}");
    }
}

#[test]
fn c21_a_worker_of_a_worker_and_one_that_is_restarted_have_the_members() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    write(&store, 1, "one");
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    write(&below, 2, "two");
    let (leaf, lowest) = spawn(&simulation, &below, Delivery::Latest);
    assert_eq!(held(&lowest), expected(&[(1, "one"), (2, "two")]));
    write(&lowest, 3, "three");
    simulation.settle();
    assert_eq!(held(&store), expected(&[(1, "one"), (2, "two"), (3, "three")]));
    drop(leaf);
    simulation.settle();
    write(&store, 3, "again");
    store.remove(&TODO.of(1));
    let (_late, late) = spawn(&simulation, &below, Delivery::Every);
    assert_eq!(held(&late), expected(&[(2, "two"), (3, "again")]));
    write(&late, 1, "back");
    simulation.settle();
    assert_eq!(held(&store), held(&late));
}

#[test]
fn c21_what_is_written_while_no_worker_shares_it_is_there_for_the_next() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, _) = spawn(&simulation, &store, Delivery::Every);
    write(&store, 1, "shared");
    store.remove(&TODO.of(1));
    drop(worker);
    simulation.settle();
    write(&store, 2, "alone");
    assert_eq!(held(&store), expected(&[(2, "alone")]));
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    assert_eq!(held(&below), expected(&[(2, "alone")]));
    write(&below, 2, "below");
    write(&below, 1, "one");
    simulation.settle();
    assert_eq!(held(&store), expected(&[(1, "one"), (2, "below")]));
}

#[test]
fn c21_what_the_members_of_a_pool_write_adds_up() {
    let store = ReactonStore::new();
    let pool = counting::builder().pool(3).spawn(&store).expect("the pool starts");
    for number in 0..30 {
        store.set(&TITLE, format!("{number:02}"));
    }
    wait_until(&store, |store| store.keys(&SCORE).len() == 30);
    assert!(scores(&store).iter().all(|(_, score)| *score == 1));
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[test]
fn c21_a_write_of_a_member_may_be_a_job() {
    let store = ReactonStore::new();
    let pool = IsolateStore::builder().shared(shared![TODO, SCORE]).pool(2);
    let pool = pool.spawn(&store, |store| {
        for id in 0..3 {
            store.subscribe(&TODO.of(id), |store, todo| {
                store.set(&SCORE.of(todo.text.clone()), 1);
            });
        }
    });
    let pool = pool.expect("the pool starts");
    for job in 0..20_u64 {
        write(&store, job % 3, &format!("job {job:02}"));
    }
    wait_until(&store, |store| store.keys(&SCORE).len() == 20);
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[test]
fn c21_all_stores_hold_the_same_members_also_those_that_have_their_initial_values() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    let calls = below.reacton(0);
    for id in 1..5 {
        below.subscribe(&TODO.of(id), move |store, _| store.update(&calls, |n| *n += 1));
    }
    write(&store, 1, "todo 1");
    store.update(&TODO.of(2), |_| {});
    store.set(&SCORE.of("zero".into()), 0);
    store.update(&SCORE.of("nought".into()), |_| {});
    store.batch(|store| write(store, 3, "todo 3"));
    simulation.settle();
    assert_eq!((held(&below).len(), scores(&below).len()), (3, 2));
    assert_eq!((held(&below), scores(&below)), (held(&store), scores(&store)));
    assert_eq!(below.get(&calls), 0, "no value has changed");
    let sent = worker.stats().transactions_sent;
    write(&store, 1, "todo 1");
    store.set(&SCORE.of("zero".into()), 0);
    assert_eq!(worker.stats().transactions_sent, sent, "the members are held already");
    store.remove(&TODO.of(1));
    write(&store, 1, "todo 1");
    simulation.settle();
    assert_eq!(held(&below), held(&store));
}
