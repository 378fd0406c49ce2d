//! I5: when all stores have stopped writing, they hold the same values; and pairs that are written together stay
//! together.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::{ASK, answer, end};

#[reacton]
static FIRST: u64 = 0;

/// Always written with FIRST, and half of it. It has few values, so that many writes of it are equal.
#[reacton]
static SECOND: u64 = 0;

#[reacton]
static ALONE: u64 = 0;

#[reacton]
static FINISHED_1: bool = false;

#[reacton]
static FINISHED_2: bool = false;

#[reacton]
static FINISHED_3: bool = false;

const WRITES: u64 = 400;

/// The final values of a store, and whether it ever saw a pair that no store wrote.
type Report = (u64, u64, u64, bool);

fn observe(store: &ReactonStore) -> impl Fn(&ReactonStore) -> Report + 'static {
    let mixed = Rc::new(Cell::new(false));
    let seen = Rc::clone(&mixed);
    store.effect(move |cx| seen.set(seen.get() || cx.get(&FIRST) % 3 != cx.get(&SECOND)));
    move |store| (store.get(&FIRST), store.get(&SECOND), store.get(&ALONE), mixed.get())
}

/// Writes as fast as possible, and takes a turn now and then.
fn write(store: &ReactonStore, writer: u64) {
    for n in 1..=WRITES {
        let value = n * 10 + writer;
        store.batch(|store| {
            store.set(&FIRST, value);
            store.set(&SECOND, value % 3);
        });
        store.set(&ALONE, value);
        if n % 5 == writer % 5 {
            store.pump();
        }
    }
}

/// Asks all stores when all have finished writing, and compares their answers.
#[track_caller]
fn compare(
    store: &ReactonStore,
    workers: usize,
    told: &Receiver<Report>,
    own: impl Fn(&ReactonStore) -> Report,
) {
    store.update(&ASK, |asked| *asked += 1);
    let own = own(store);
    assert!(!own.3, "a store has seen a pair that nobody wrote");
    for _ in 0..workers {
        assert_eq!(receive(told), own);
    }
}

fn spawn_writer(
    store: &ReactonStore,
    delivery: Delivery,
    finished: &'static Reacton<bool>,
    writer: u64,
    tell: Sender<Report>,
) -> IsolateStore {
    // Each writer has its own reacton that says it has finished, because two writers of one list would overwrite each
    // other.
    let shared = match writer {
        1 => shared![FIRST, SECOND, ALONE, ASK, FINISHED_1],
        2 => shared![FIRST, SECOND, ALONE, ASK, FINISHED_2],
        _ => shared![FIRST, SECOND, ALONE, ASK, FINISHED_3],
    };
    let builder = IsolateStore::builder().shared(shared).delivery(delivery);
    let worker = builder.spawn(store, move |store| {
        let look = observe(store);
        write(store, writer);
        answer(store, tell, look);
        store.set(finished, true);
    });
    worker.expect("the worker starts")
}

fn one_worker_and_main(delivery: Delivery) {
    let store = ReactonStore::new();
    let own = observe(&store);
    let (tell, told) = channel();
    let worker = spawn_writer(&store, delivery, &FINISHED_1, 1, tell);
    write(&store, 9);
    wait_until(&store, |store| store.get(&FINISHED_1));
    compare(&store, 1, &told, own);
    end(worker);
}

fn three_workers_and_main(delivery: [Delivery; 3]) {
    let store = ReactonStore::new();
    let own = observe(&store);
    let (tell, told) = channel();
    let finished = [&FINISHED_1, &FINISHED_2, &FINISHED_3];
    let workers: Vec<_> = (1..)
        .zip(finished)
        .zip(delivery)
        .map(|((writer, finished), delivery)| {
            spawn_writer(&store, delivery, finished, writer, tell.clone())
        })
        .collect();
    write(&store, 9);
    wait_until(&store, |store| finished.iter().all(|finished| store.get(finished)));
    compare(&store, 3, &told, own);
    workers.into_iter().for_each(end);
}

#[test]
fn i5_main_and_a_worker_that_write_at_the_same_time_agree() {
    one_worker_and_main(Delivery::Every);
}

#[test]
fn i5_main_and_a_worker_agree_under_latest() {
    one_worker_and_main(Delivery::Latest);
}

#[test]
fn i5_three_workers_and_main_that_write_at_the_same_time_agree() {
    three_workers_and_main([Delivery::Every; 3]);
}

#[test]
fn i5_three_workers_and_main_agree_under_latest() {
    three_workers_and_main([Delivery::Latest; 3]);
}

#[test]
fn i5_both_deliveries_agree_with_each_other() {
    three_workers_and_main([Delivery::Every, Delivery::Latest, Delivery::Every]);
}

/// A worker with a worker of its own; all three stores write.
fn grandchildren(delivery: Delivery) {
    let store = ReactonStore::new();
    let own = observe(&store);
    let (tell, told) = channel();
    let shared = shared![FIRST, SECOND, ALONE, ASK, FINISHED_1, FINISHED_2];
    let builder = IsolateStore::builder().shared(shared).delivery(delivery);
    let worker = builder.spawn(&store, move |store| {
        let look = observe(store);
        spawn_writer(store, delivery, &FINISHED_2, 2, tell.clone()).detach();
        write(store, 1);
        answer(store, tell, look);
        store.set(&FINISHED_1, true);
    });
    let worker = worker.expect("the worker starts");
    write(&store, 9);
    wait_until(&store, |store| store.get(&FINISHED_1) && store.get(&FINISHED_2));
    compare(&store, 2, &told, own);
    end(worker);
}

#[test]
fn i5_grandchildren_agree_with_main() {
    grandchildren(Delivery::Every);
}

#[test]
fn i5_grandchildren_agree_with_main_under_latest() {
    grandchildren(Delivery::Latest);
}

#[test]
fn i5_a_value_that_lost_is_not_shown() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![ALONE, ASK], move |store| {
        answer(store, tell.clone(), |store| store.get(&ALONE));
        signal.recv().expect("a message arrives");
        store.set(&ALONE, 1);
        tell.send(0).expect("the channel is open");
    })
    .expect("the worker starts");
    let heard = Rc::new(Cell::new(0));
    let count = Rc::clone(&heard);
    store.subscribe(&ALONE, move |_, _| count.set(count.get() + 1));
    store.set(&ALONE, 2);
    store.set(&ALONE, 3);
    go.send(()).expect("the channel is open");
    receive(&told);
    store.update(&ASK, |asked| *asked += 1);
    assert_eq!(receive(&told), 3, "the write with the larger clock wins in the worker");
    store.pump();
    assert_eq!(
        (store.get(&ALONE), heard.get()),
        (3, 2),
        "the write with the larger clock wins in main"
    );
    end(worker);
}

#[test]
fn i5_a_worker_that_starts_late_is_in_sync_too() {
    let store = ReactonStore::new();
    let early = IsolateStore::spawn(&store, shared![ALONE], |_| {}).expect("the worker starts");
    (1..100).for_each(|n| store.set(&ALONE, n));
    let late = IsolateStore::spawn(&store, shared![ALONE], |store| store.set(&ALONE, 1000));
    let late = late.expect("the worker starts");
    wait_until(&store, |store| store.get(&ALONE) == 1000);
    end(early);
    end(late);
}
