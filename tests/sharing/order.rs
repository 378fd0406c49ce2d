//! I3: every transaction exactly once and in order, or merged to the latest.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::{ASK, answer, ask, end};

#[reacton]
static DOWN: u64 = 0;

#[reacton]
static UP: u64 = 0;

#[reacton]
static PAIR: u64 = 0;

const MANY: u64 = 10_000;

fn log(store: &ReactonStore, reacton: &'static Reacton<u64>) -> Rc<RefCell<Vec<u64>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(reacton, move |_, value| log.borrow_mut().push(*value));
    heard
}

fn in_order(heard: &RefCell<Vec<u64>>) -> bool {
    heard.borrow().iter().copied().eq(1..=MANY)
}

#[test]
fn i3_every_transaction_of_main_arrives_once_and_in_order() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![DOWN, ASK], move |store| {
        let heard = log(store, &DOWN);
        answer(store, tell, move |_| in_order(&heard));
    })
    .expect("the worker starts");
    (1..=MANY).for_each(|n| store.set(&DOWN, n));
    assert!(ask(&store, &told));
    end(worker);
}

#[test]
fn i3_every_transaction_of_a_worker_arrives_once_and_in_order() {
    let store = ReactonStore::new();
    let heard = log(&store, &UP);
    let worker = IsolateStore::spawn(&store, shared![UP], |store| {
        (1..=MANY).for_each(|n| store.set(&UP, n));
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&UP) == MANY);
    assert!(in_order(&heard));
    assert_eq!(worker.stats().transactions_received, MANY);
    end(worker);
}

#[test]
fn i3_both_directions_keep_their_order_at_the_same_time() {
    let store = ReactonStore::new();
    let heard = log(&store, &UP);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![DOWN, UP, ASK], move |store| {
        let heard = log(store, &DOWN);
        answer(store, tell, move |_| in_order(&heard));
        store.subscribe(&DOWN, |store, down| store.set(&UP, *down));
    })
    .expect("the worker starts");
    for n in 1..=MANY {
        store.set(&DOWN, n);
        if n % 7 == 0 {
            store.pump();
        }
    }
    wait_until(&store, |store| store.get(&UP) == MANY);
    assert!(in_order(&heard));
    assert!(ask(&store, &told));
    end(worker);
}

#[test]
fn i3_three_workers_get_every_transaction_of_a_fourth() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let tell = tell.clone();
            IsolateStore::spawn(&store, shared![UP, ASK], move |store| {
                let heard = log(store, &UP);
                answer(store, tell, move |_| in_order(&heard));
            })
            .expect("the worker starts")
        })
        .collect();
    let writer = IsolateStore::spawn(&store, shared![UP], |store| {
        (1..=MANY).for_each(|n| store.set(&UP, n));
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&UP) == MANY);
    assert!(
        [ask(&store, &told), receive(&told), receive(&told)].into_iter().all(|in_order| in_order)
    );
    end(writer);
    readers.into_iter().for_each(end);
}

fn latest() -> IsolateBuilder {
    IsolateStore::builder().delivery(Delivery::Latest)
}

fn write_both(store: &ReactonStore, reacton: &'static Reacton<u64>, n: u64) {
    store.batch(|store| {
        store.set(reacton, n);
        store.set(&PAIR, n);
    });
}

#[test]
fn i3_latest_merges_what_a_worker_in_its_callback_misses() {
    let store = ReactonStore::new();
    let (arrive, begun) = channel();
    let (go, signal) = channel();
    let (tell, told) = channel();
    let worker = latest()
        .shared(shared![DOWN, PAIR])
        .spawn(&store, move |store| {
            store.subscribe(&DOWN, move |store, down| {
                arrive.send(()).expect("the channel is open");
                signal.recv().expect("a message arrives");
                tell.send((*down, store.get(&PAIR))).expect("the channel is open");
            });
        })
        .expect("the worker starts");
    write_both(&store, &DOWN, 1);
    receive(&begun);
    for n in 2..=MANY {
        write_both(&store, &DOWN, n);
        assert!(worker.stats().queued <= 1, "one item in the queue stands for all transactions");
    }
    let stats = worker.stats();
    assert_eq!((stats.transactions_sent, stats.merged), (MANY, MANY - 2));
    go.send(()).expect("the channel is open");
    go.send(()).expect("the channel is open");
    assert_eq!(receive(&told), (1, 1));
    assert_eq!(receive(&told), (MANY, MANY));
    end(worker);
    assert!(told.recv().is_err(), "another value has arrived");
}

#[test]
fn i3_latest_merges_what_a_main_without_turns_misses() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = latest()
        .shared(shared![UP, PAIR])
        .spawn(&store, move |store| {
            (1..=MANY).for_each(|n| write_both(store, &UP, n));
            tell.send(()).expect("the channel is open");
        })
        .expect("the worker starts");
    receive(&told);
    let heard = log(&store, &UP);
    assert_eq!(store.pump(), 1);
    assert_eq!((store.get(&UP), store.get(&PAIR)), (MANY, MANY));
    assert_eq!(*heard.borrow(), [MANY]);
    let stats = worker.stats();
    assert_eq!((stats.transactions_received, stats.changes_received), (1, 2));
    end(worker);
}

#[test]
fn i3_latest_shows_only_states_that_the_sender_had() {
    let store = ReactonStore::new();
    let mixed = Rc::new(RefCell::new(false));
    let seen = Rc::clone(&mixed);
    store.effect(move |cx| *seen.borrow_mut() |= cx.get(&UP) != cx.get(&PAIR));
    let worker = latest()
        .shared(shared![UP, PAIR])
        .spawn(&store, |store| (1..=MANY).for_each(|n| write_both(store, &UP, n)))
        .expect("the worker starts");
    wait_until(&store, |store| store.get(&UP) == MANY);
    assert!(!*mixed.borrow());
    end(worker);
}

#[test]
fn i3_latest_keeps_a_touch_that_was_merged_away() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = latest()
        .shared(shared![UP])
        .spawn(&store, move |store| {
            store.touch(&UP);
            store.set(&UP, 1);
            store.set(&UP, 0);
            tell.send(()).expect("the channel is open");
        })
        .expect("the worker starts");
    receive(&told);
    let heard = log(&store, &UP);
    store.pump();
    assert_eq!(*heard.borrow(), [0]);
    end(worker);
}

#[test]
fn i3_latest_brings_the_last_state_also_when_it_is_shut_down() {
    let store = ReactonStore::new();
    let worker = latest()
        .shared(shared![DOWN, UP])
        .spawn(&store, |store| {
            store.subscribe(&DOWN, |store, down| store.set(&UP, *down));
        })
        .expect("the worker starts");
    (1..=MANY).for_each(|n| store.set(&DOWN, n));
    end(worker);
    assert_eq!(store.get(&UP), MANY);
}

#[worker(shared = [DOWN, UP], delivery = latest)]
fn mirror(store: &ReactonStore) {
    store.subscribe(&DOWN, |store, down| store.set(&UP, *down));
}

#[test]
fn i3_a_worker_of_the_attribute_can_ask_for_the_latest() {
    let store = ReactonStore::new();
    let worker = mirror::spawn(&store).expect("the worker starts");
    (1..=MANY).for_each(|n| store.set(&DOWN, n));
    wait_until(&store, |store| store.get(&UP) == MANY);
    end(worker);
}
