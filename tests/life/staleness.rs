//! L7: observers are called again for work that was abandoned because `is_stale` returned true.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, wait_until};

use crate::query::{QUERY, Query, REFUSES};
use crate::{INPUT, OUTPUT};

/// A subscriber of QUERY that drops its work if a newer value waits, and logs what it did.
fn work(store: &ReactonStore) -> Rc<RefCell<Vec<u32>>> {
    let done = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&done);
    store.subscribe(&QUERY, move |store, query| {
        if !store.is_stale(&QUERY) {
            log.borrow_mut().push(query.0);
        }
    });
    done
}

/// A worker that writes these numbers to QUERY when it starts. Returns after they were written.
fn writer(store: &ReactonStore, numbers: &'static [u32]) -> IsolateStore {
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(store, shared![QUERY], move |store| {
        for number in numbers {
            store.set(&QUERY, Query(*number));
        }
        tell.send(()).expect("the channel is open");
    });
    receive(&told);
    worker.expect("the worker starts")
}

#[test]
fn l7_work_that_was_dropped_for_what_does_not_decode_is_asked_for_again() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let (tell, told) = channel();
        let (go, signal) = channel();
        let builder = IsolateStore::builder().delivery(delivery).shared(shared![QUERY, OUTPUT]);
        let worker = builder
            .spawn(&store, move |store| {
                REFUSES.set(true);
                store.subscribe(&QUERY, move |store, query| {
                    tell.send(query.0).expect("the channel is open");
                    signal.recv().expect("a message arrives");
                    if !store.is_stale(&QUERY) {
                        store.set(&OUTPUT, query.0);
                    }
                });
            })
            .expect("the worker starts");
        store.set(&QUERY, Query(5));
        assert_eq!(receive(&told), 5);
        store.set(&QUERY, Query(13));
        go.send(()).expect("the channel is open");
        assert_eq!(receive(&told), 5, "the observer is called again, with the current value");
        go.send(()).expect("the channel is open");
        wait_until(&store, |store| {
            store.get(&OUTPUT) == 5 && store.get(worker.last_error()).is_some()
        });
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
        assert!(told.try_recv().is_err(), "once");
    }
}

#[test]
fn l7_work_that_was_dropped_for_what_is_paused_or_comes_over_a_closed_link_is_asked_for_again() {
    for pauses in [true, false] {
        let store = ReactonStore::new();
        let done = work(&store);
        let worker = writer(&store, &[1]);
        let mut worker = Some(worker);
        store.set(&QUERY, Query(0));
        // Queued before the values of the worker: an item that changes QUERY in this store.
        assert!(store.is_stale(&QUERY));
        if let (true, Some(worker)) = (pauses, &worker) {
            worker.pause(&QUERY);
        } else {
            worker.take();
        }
        assert!(done.take().is_empty());
        store.pump();
        assert_eq!(done.take(), [0], "pauses: {pauses}");
        store.pump();
        assert!(done.take().is_empty(), "once");
    }
}

#[test]
fn l7_work_that_was_dropped_for_a_closure_that_panics_is_asked_for_again() {
    let store = ReactonStore::new();
    let (handle, done) = (store.handle(), work(&store));
    handle.update(&QUERY, |_| panic!("the closure of `update` panics"));
    handle.set(&INPUT, 1);
    store.set(&QUERY, Query(1));
    assert!(done.take().is_empty());
    // A panic in a closure of a handle goes to its reply, or to the turn.
    let _ = catch_unwind(AssertUnwindSafe(|| store.pump()));
    assert_eq!(store.run_until(TIMEOUT, |store| store.get(&INPUT) == 1), Ok(()));
    assert_eq!(done.take(), [1], "the observer is called again");
}

#[test]
fn l7_an_observer_of_stale_input_is_called_though_another_observer_panics() {
    let store = ReactonStore::new();
    let done = work(&store);
    store.subscribe(&INPUT, |_, _| panic!("another observer"));
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![QUERY, INPUT], move |store| {
        store.batch(|store| {
            store.set(&QUERY, Query(1));
            store.set(&INPUT, 1);
        });
        tell.send(()).expect("the channel is open");
    })
    .expect("the worker starts");
    receive(&told);
    assert!(store.is_stale(&QUERY));
    worker.pause(&QUERY);
    let turn = || catch_unwind(AssertUnwindSafe(|| store.pump()));
    assert!(turn().is_err(), "the panic of the observer reaches the turn");
    assert_eq!((turn().ok(), done.take()), (Some(0), vec![0]), "the next turn calls the observer");
    assert_eq!((turn().ok(), done.take()), (Some(0), vec![]), "once");
}

#[test]
fn i2_what_made_work_stale_and_comes_out_equal_is_announced_in_the_round_of_its_transaction() {
    let store = ReactonStore::new();
    let rounds = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&rounds);
    store.effect(move |cx| log.borrow_mut().push((cx.get(&QUERY).0, cx.get(&INPUT))));
    let (tell, told) = channel();
    let _worker = IsolateStore::spawn(&store, shared![QUERY, INPUT], move |store| {
        store.batch(|store| {
            store.update(&QUERY, |_| ());
            store.set(&INPUT, 1);
        });
        tell.send(()).expect("the channel is open");
    });
    receive(&told);
    assert!(store.is_stale(&QUERY));
    store.pump();
    assert_eq!(rounds.take(), [(0, 0), (0, 1)], "the observer is called once for both values");
    let done = work(&store);
    store.pump();
    assert_eq!((rounds.take(), done.take()), (vec![], vec![]));
}

#[test]
fn l7_an_observer_that_was_called_meanwhile_is_not_called_again() {
    let store = ReactonStore::new();
    let done = work(&store);
    let _worker = writer(&store, &[1, 2]);
    assert!(store.is_stale(&QUERY));
    // The queued values lose against these, and the observers here have been called with these.
    (3..6).for_each(|number| store.set(&QUERY, Query(number)));
    done.take();
    store.pump();
    assert!(
        done.take().is_empty(),
        "the queued values are older than the three writes, so nothing is applied"
    );
}

#[test]
fn l7_what_is_announced_in_one_store_is_not_sent_to_others() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![QUERY, INPUT], move |store| {
        let told_of_input = tell.clone();
        store.subscribe(&QUERY, move |_, query| tell.send(query.0).expect("the channel is open"));
        store.subscribe(&INPUT, move |_, input| {
            told_of_input.send(*input).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    let (handle, done) = (store.handle(), work(&store));
    store.set(&QUERY, Query(1));
    handle.set(&QUERY, Query(1));
    assert!(store.is_stale(&QUERY));
    done.take();
    store.pump();
    assert_eq!(done.take(), [1]);
    store.set(&INPUT, 100);
    assert_eq!((receive(&told), receive(&told)), (1, 100));
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

/// So many reactons that `is_stale` does not check each of them.
#[test]
fn l7_a_result_of_a_large_pool_is_found() {
    const MEMBERS: usize = 20;
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let ((tell, told), all) = (channel(), Arc::new(Barrier::new(MEMBERS)));
        let builder = IsolateStore::builder().delivery(delivery).shared(shared![INPUT, OUTPUT]);
        let pool = builder.pool(MEMBERS).spawn(&store, move |store| {
            let (tell, all) = (tell.clone(), Arc::clone(&all));
            store.subscribe(&INPUT, move |store, n| {
                all.wait();
                store.set(&OUTPUT, *n);
                tell.send(()).expect("the channel is open");
            });
        });
        let pool = pool.expect("the pool starts");
        for n in 0..MEMBERS {
            store.set(&INPUT, 7 + u32::from(n % 2 == 0));
        }
        (0..MEMBERS).for_each(|_| receive(&told));
        assert!(store.is_stale(&OUTPUT) && store.incoming(&OUTPUT).is_some_and(|n| n >= 7));
        drop(pool);
        assert!(!store.is_stale(&OUTPUT));
    }
}
