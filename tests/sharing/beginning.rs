//! I1 and I7: the values that a worker starts with, and those that it never receives.

use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::{ASK, answer, ask, end};

#[reacton]
static INPUT: u32 = 1;

#[reacton]
static OUTPUT: u32 = 0;

#[reacton]
static PRIVATE: u32 = 0;

#[computed]
static DOUBLE: u32 = |cx| cx.get(&INPUT) * 2;

#[worker(shared = [INPUT, OUTPUT])]
fn doubler(store: &ReactonStore) {
    store.watch(&DOUBLE, |store, double| store.set(&OUTPUT, *double));
}

#[test]
fn i1_a_worker_begins_with_the_values_of_main() {
    let store = ReactonStore::new();
    store.set(&INPUT, 5);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        tell.send((store.get(&INPUT), store.get(&OUTPUT))).expect("the channel is open");
    })
    .expect("the worker starts");
    assert_eq!(receive(&told), (5, 0));
    end(worker);
}

#[test]
fn i1_a_worker_of_the_attribute_begins_with_the_values_of_main() {
    let store = ReactonStore::new();
    store.set(&INPUT, 21);
    let worker = doubler::spawn(&store).expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 42);
    store.set(&INPUT, 4);
    wait_until(&store, |store| store.get(&OUTPUT) == 8);
    end(worker);
}

#[test]
fn i1_a_spawn_inside_a_batch_sees_the_committed_values_and_then_receives_the_batch() {
    let store = ReactonStore::new();
    store.set(&INPUT, 2);
    let (tell, told) = channel();
    let worker = store.batch(|store| {
        store.set(&INPUT, 3);
        let worker = IsolateStore::spawn(store, shared![INPUT], move |store| {
            store.watch(&INPUT, move |_, input| tell.send(*input).expect("the channel is open"));
        });
        assert_eq!(receive(&told), 2, "the worker begins with the value from before the batch");
        worker.expect("the worker starts")
    });
    assert_eq!(receive(&told), 3, "the worker receives the value of the batch after its end");
    end(worker);
}

#[test]
fn i1_a_spawn_inside_an_observer_sees_what_the_observer_wrote() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    store.subscribe(&INPUT, move |store, input| {
        store.set(&OUTPUT, input + 1);
        let tell = tell.clone();
        let worker = IsolateStore::spawn(store, shared![INPUT, OUTPUT], move |store| {
            tell.send((store.get(&INPUT), store.get(&OUTPUT))).expect("the channel is open");
        });
        worker.expect("the worker starts").detach();
    });
    store.set(&INPUT, 9);
    assert_eq!(receive(&told), (9, 10));
}

#[test]
fn i1_what_main_writes_right_after_the_spawn_is_not_missed() {
    let store = ReactonStore::new();
    for round in 2..60 {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
            store
                .subscribe(&INPUT, move |_, input| tell.send(*input).expect("the channel is open"));
        })
        .expect("the worker starts");
        store.set(&INPUT, round);
        assert_eq!(receive(&told), round);
        end(worker);
    }
}

#[test]
fn i1_what_arrives_while_the_entry_runs_waits_for_its_subscriptions() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
        signal.recv().expect("a message arrives");
        let first = store.get(&INPUT);
        store.subscribe(&INPUT, move |_, input| {
            tell.send((first, *input)).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 6);
    go.send(()).expect("the channel is open");
    assert_eq!(
        receive(&told),
        (1, 6),
        "a transaction was applied before the worker function returned"
    );
    end(worker);
}

#[test]
fn i1_a_worker_is_an_ordinary_function_too() {
    let store = ReactonStore::new();
    doubler(&store);
    store.set(&INPUT, 8);
    assert_eq!(store.get(&OUTPUT), 16);
    assert_eq!(doubler::shared().len(), 2);
}

#[test]
fn i1_three_workers_begin_with_the_same_values() {
    let store = ReactonStore::new();
    store.set(&INPUT, 5);
    let (tell, told) = channel();
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let tell = tell.clone();
            IsolateStore::spawn(&store, shared![INPUT], move |store| {
                tell.send(store.get(&INPUT)).expect("the channel is open");
            })
            .expect("the worker starts")
        })
        .collect();
    assert_eq!([receive(&told), receive(&told), receive(&told)], [5, 5, 5]);
    workers.into_iter().for_each(end);
}

#[test]
fn i7_what_is_not_shared_stays_private_to_each_store() {
    let store = ReactonStore::new();
    store.set(&PRIVATE, 3);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT, ASK], move |store| {
        answer(store, tell, |store| store.get(&PRIVATE));
        store.batch(|store| {
            store.set(&PRIVATE, store.get(&PRIVATE) + 7);
            store.set(&OUTPUT, 1);
        });
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 1);
    assert_eq!(store.get(&PRIVATE), 3);
    store.set(&PRIVATE, 9);
    assert_eq!(ask(&store, &told), 7);
    end(worker);
}

#[test]
fn i7_two_workers_share_only_what_both_list() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let one = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        store.set(&INPUT, 5);
        store.set(&OUTPUT, 5);
    })
    .expect("the worker starts");
    let other = IsolateStore::spawn(&store, shared![INPUT, ASK], move |store| {
        answer(store, tell, |store| (store.get(&INPUT), store.get(&OUTPUT)));
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 5);
    assert_eq!(ask(&store, &told), (5, 0));
    end(one);
    end(other);
}
