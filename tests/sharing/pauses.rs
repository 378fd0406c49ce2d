//! I6: pause and resume.

use std::sync::mpsc::{Receiver, channel};

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::{ASK, end};

#[reacton]
static VALUE: u32 = 0;

#[reacton]
static OTHER: u32 = 0;

/// What the worker is to write to VALUE and OTHER, in one batch.
#[reacton]
static ORDER: u32 = 0;

/// A worker that writes what is ordered, then reports that it has, with the value that it held before.
fn writer(store: &ReactonStore) -> (IsolateStore, Receiver<u32>) {
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(store, shared![VALUE, OTHER, ORDER], move |store| {
        store.subscribe(&ORDER, move |store, order| {
            let before = store.get(&VALUE);
            store.batch(|store| {
                store.set(&VALUE, *order);
                store.set(&OTHER, *order);
            });
            tell.send(before).expect("the channel is open");
        });
    });
    (worker.expect("the worker starts"), told)
}

#[test]
fn i6_what_is_on_its_way_when_a_reacton_is_paused_is_not_seen() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    store.set(&ORDER, 1);
    receive(&told);
    worker.pause(&VALUE);
    store.pump();
    assert_eq!(
        (store.get(&VALUE), store.get(&OTHER)),
        (0, 1),
        "the rest of the transaction is applied"
    );
    end(worker);
}

#[test]
fn i6_resume_brings_what_was_on_its_way() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    store.set(&ORDER, 1);
    receive(&told);
    worker.pause(&VALUE);
    store.pump();
    worker.resume(&VALUE);
    wait_until(&store, |store| store.get(&VALUE) == 1);
    end(worker);
}

#[test]
fn i6_resume_brings_what_was_written_meanwhile() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    worker.pause(&VALUE);
    for order in 1..=5 {
        store.set(&ORDER, order);
        receive(&told);
        wait_until(&store, |store| store.get(&OTHER) == order);
        assert_eq!(store.get(&VALUE), 0);
    }
    worker.resume(&VALUE);
    wait_until(&store, |store| store.get(&VALUE) == 5);
    store.set(&ORDER, 6);
    wait_until(&store, |store| store.get(&VALUE) == 6);
    end(worker);
}

#[test]
fn i6_the_worker_sends_no_more_of_what_is_paused() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    worker.pause(&VALUE);
    worker.pause(&OTHER);
    store.set(&ORDER, 1);
    receive(&told);
    assert_eq!((store.pump(), worker.stats().changes_received), (0, 0));
    end(worker);
}

#[test]
fn i6_main_goes_on_sending_what_it_has_paused() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    worker.pause(&VALUE);
    store.set(&VALUE, 7);
    store.set(&ORDER, 1);
    assert_eq!(receive(&told), 7);
    end(worker);
}

#[test]
fn i6_resume_keeps_a_newer_local_value() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    worker.pause(&VALUE);
    store.set(&ORDER, 1);
    receive(&told);
    wait_until(&store, |store| store.get(&OTHER) == 1);
    store.set(&VALUE, 9);
    worker.resume(&VALUE);
    store.set(&ORDER, 2);
    assert_eq!(receive(&told), 9, "the worker has the newer value");
    wait_until(&store, |store| store.get(&OTHER) == 2);
    assert_eq!(store.get(&VALUE), 2);
    end(worker);
}

#[test]
fn i6_to_pause_twice_and_to_resume_what_runs_does_nothing() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    worker.resume(&VALUE);
    worker.pause(&VALUE);
    worker.pause(&VALUE);
    worker.resume(&VALUE);
    worker.resume(&VALUE);
    worker.pause(&ASK); // not shared with this worker
    worker.resume(&store.reacton(1)); // not shared at all
    store.set(&ORDER, 3);
    receive(&told);
    wait_until(&store, |store| store.get(&VALUE) == 3);
    end(worker);
}

#[test]
fn i6_what_is_resumed_in_one_batch_comes_in_one_transaction() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    store.batch(|_| {
        worker.pause(&VALUE);
        worker.pause(&OTHER);
    });
    store.set(&ORDER, 4);
    receive(&told);
    assert_eq!(store.pump(), 0);
    store.batch(|_| {
        worker.resume(&VALUE);
        worker.resume(&OTHER);
    });
    wait_until(&store, |store| store.get(&VALUE) == 4);
    assert_eq!((store.get(&OTHER), worker.stats().transactions_received), (4, 1));
    end(worker);
}

#[test]
fn i6_pause_and_resume_in_one_batch_lose_nothing() {
    let store = ReactonStore::new();
    let (worker, told) = writer(&store);
    store.set(&ORDER, 1);
    receive(&told);
    store.batch(|_| {
        worker.pause(&VALUE);
        worker.resume(&VALUE);
    });
    wait_until(&store, |store| store.get(&VALUE) == 1);
    store.batch(|_| {
        worker.pause(&VALUE);
        worker.resume(&VALUE);
        worker.pause(&VALUE);
    });
    store.set(&ORDER, 2);
    receive(&told);
    wait_until(&store, |store| store.get(&OTHER) == 2);
    assert_eq!(store.get(&VALUE), 1);
    end(worker);
}

#[test]
fn i6_a_pause_of_one_worker_does_not_hold_back_the_others() {
    let store = ReactonStore::new();
    let (paused, told) = writer(&store);
    let (other, other_told) = writer(&store);
    paused.pause(&VALUE);
    store.set(&ORDER, 1);
    receive(&told);
    receive(&other_told);
    wait_until(&store, |store| store.get(&VALUE) == 1);
    end(paused);
    end(other);
}

#[test]
fn i6_values_that_arrive_by_resume_are_forwarded() {
    let store = ReactonStore::new();
    let (paused, told) = writer(&store);
    paused.pause(&VALUE);
    store.set(&ORDER, 1);
    receive(&told);
    wait_until(&store, |store| store.get(&OTHER) == 1);
    let (tell, heard) = channel();
    let listener = IsolateStore::spawn(&store, shared![VALUE], move |store| {
        store.subscribe(&VALUE, move |_, value| tell.send(*value).expect("the channel is open"));
    })
    .expect("the worker starts");
    paused.resume(&VALUE);
    wait_until(&store, |store| store.get(&VALUE) == 1);
    assert_eq!(receive(&heard), 1);
    end(paused);
    end(listener);
}

#[test]
fn i6_under_latest_a_pause_has_the_same_effect() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().shared(shared![VALUE, OTHER, ORDER]);
    let worker = builder
        .delivery(Delivery::Latest)
        .spawn(&store, move |store| {
            store.subscribe(&ORDER, move |store, order| {
                store.batch(|store| {
                    store.set(&VALUE, *order);
                    store.set(&OTHER, *order);
                });
                tell.send(()).expect("the channel is open");
            });
        })
        .expect("the worker starts");
    worker.pause(&VALUE);
    store.set(&ORDER, 1);
    receive(&told);
    store.pump();
    assert_eq!((store.get(&VALUE), store.get(&OTHER)), (0, 1));
    worker.resume(&VALUE);
    wait_until(&store, |store| store.get(&VALUE) == 1);
    end(worker);
}
