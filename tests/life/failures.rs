//! L3: a worker that panics or returns an error.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT};

/// Waits until the worker has failed. Returns the message and the place.
#[track_caller]
fn failure(store: &ReactonStore, worker: &IsolateStore) -> (String, Option<String>) {
    wait_until(store, |store| store.get(worker.status()) != IsolateStatus::Running);
    match store.get(worker.status()) {
        IsolateStatus::Failed { message, location, .. } => (message, location),
        other => panic!("expected a failure, got {other:?}"),
    }
}

#[test]
fn l3_a_panic_in_the_entry_is_a_failure_with_message_and_place() {
    let store = ReactonStore::new();
    let line = line!() + 2;
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        assert!(store.get(&INPUT) > 0, "nothing to do for {}", store.get(&INPUT));
    })
    .expect("the worker starts");
    let (message, location) = failure(&store, &worker);
    assert_eq!(message, "nothing to do for 0");
    let location = location.expect("the panic has a location");
    assert!(location.starts_with(&format!("{}:{line}:", file!())), "{location}");
}

#[test]
fn l3_a_panic_in_an_observer_is_a_failure_and_main_keeps_the_last_values() {
    let store = ReactonStore::new();
    let (alive, ended) = channel::<()>();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        store.subscribe(&INPUT, move |store, input| {
            let _alive = &alive;
            store.set(&OUTPUT, *input);
            assert!(*input < 2, "two is too much");
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 1);
    store.set(&INPUT, 2);
    assert_eq!(failure(&store, &worker).0, "two is too much");
    expect_disconnected(&ended);
    assert_eq!((store.get(&INPUT), store.get(&OUTPUT)), (2, 2));
    // Later writes do no harm.
    (3..100).for_each(|n| store.set(&INPUT, n));
    worker.pause(&OUTPUT);
    worker.resume(&OUTPUT);
    assert_eq!(store.pump(), 0);
    worker.dispose();
    assert!(
        matches!(store.get(worker.status()), IsolateStatus::Failed { .. }),
        "the status has changed"
    );
}

#[test]
fn l3_an_error_that_the_worker_returns_is_a_failure_with_its_message() {
    #[worker(shared = [INPUT, OUTPUT])]
    fn parses(store: &ReactonStore, text: &'static str) -> Result<(), std::num::ParseIntError> {
        store.set(&OUTPUT, text.parse()?);
        Ok(())
    }
    let store = ReactonStore::new();
    let good = parses::spawn(&store, "12").expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 12);
    assert_eq!(store.get(good.status()), IsolateStatus::Running);
    let bad = parses::spawn(&store, "twelve").expect("the worker starts");
    assert_eq!(failure(&store, &bad), ("invalid digit found in string".into(), None));
}

#[test]
fn l3_a_panic_without_a_message_is_a_failure_too() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |store| {
        if store.get(&INPUT) == 0 {
            std::panic::panic_any(5);
        }
    })
    .expect("the worker starts");
    assert!(failure(&store, &worker).0.contains("without a message"));
}

#[test]
fn l3_a_panic_while_a_worker_ends_takes_nothing_down() {
    struct Grumpy;
    impl Drop for Grumpy {
        fn drop(&mut self) {
            assert!(std::thread::panicking(), "dropped without a panic");
        }
    }
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |store| {
        let grumpy = Grumpy;
        store.subscribe(&INPUT, move |_, _| {
            let _grumpy = &grumpy;
        });
    })
    .expect("the worker starts");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_of_three_workers_only_the_one_that_panics_fails() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (0..3_u32)
        .map(|number| {
            IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
                store.subscribe(&INPUT, move |store, input| {
                    assert!(*input != number, "worker {number}");
                    if number == 2 {
                        store.set(&OUTPUT, *input);
                    }
                });
            })
            .expect("the worker starts")
        })
        .collect();
    store.set(&INPUT, 1);
    assert_eq!(failure(&store, &workers[1]).0, "worker 1");
    store.set(&INPUT, 7);
    wait_until(&store, |store| store.get(&OUTPUT) == 7);
    assert_eq!(store.get(workers[0].status()), IsolateStatus::Running);
    assert_eq!(store.get(workers[2].status()), IsolateStatus::Running);
}

#[test]
fn l3_a_failed_worker_takes_its_own_isolates_along() {
    let store = ReactonStore::new();
    let (alive, ended) = channel::<()>();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
        let child = IsolateStore::spawn(store, shared![INPUT], move |store| {
            store.subscribe(&INPUT, move |_, _| {
                let _alive = &alive;
            });
        });
        child.expect("the worker starts").detach();
        assert!(store.is_disposed(), "the parent dies");
    });
    assert_eq!(failure(&store, &worker.expect("the worker starts")).0, "the parent dies");
    expect_disconnected(&ended);
}

#[test]
fn l3_another_worker_can_take_the_place_of_one_that_failed() {
    let store = ReactonStore::new();
    for round in 1..20 {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
            tell.send(store.get(&OUTPUT)).expect("the channel is open");
            store.subscribe(&INPUT, |store, input| {
                store.set(&OUTPUT, *input);
                panic!("every time");
            });
        })
        .expect("the worker starts");
        assert_eq!(receive(&told), round - 1);
        store.set(&INPUT, round);
        assert_eq!(failure(&store, &worker).0, "every time");
        assert_eq!(store.get(&OUTPUT), round);
    }
}

/// A panic in an observer of main must not lose the end of a worker whose last messages were merged.
fn closed_behind_a_panic(delivery: Delivery) {
    let store = ReactonStore::new();
    let (alive, ended) = channel::<()>();
    let builder = IsolateStore::builder().delivery(delivery).shared(shared![OUTPUT]);
    let worker = builder.spawn(&store, move |store| {
        let _alive = alive;
        store.set(&OUTPUT, 1);
        Err::<(), _>("the end")
    });
    let worker = worker.expect("the worker starts");
    expect_disconnected(&ended);
    store.subscribe(&OUTPUT, |_, _| panic!("main is not well"));
    let mut panics = 0;
    while store.get(worker.status()) == IsolateStatus::Running {
        let turn = AssertUnwindSafe(|| {
            store.run_until(TIMEOUT, |store| store.get(worker.status()) != IsolateStatus::Running)
        });
        match catch_unwind(turn) {
            Ok(run) => run.expect("the loop ends"),
            Err(_) => panics += 1,
        }
    }
    assert_eq!(panics, 1);
    assert_eq!(failure(&store, &worker).0, "the end");
}

#[test]
fn l3_a_panic_in_main_does_not_hide_the_end_of_a_worker() {
    closed_behind_a_panic(Delivery::Every);
}

#[test]
fn l3_a_panic_in_main_does_not_hide_the_end_of_a_worker_under_latest() {
    closed_behind_a_panic(Delivery::Latest);
}
