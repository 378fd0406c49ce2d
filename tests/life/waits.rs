//! L3: how long a restart waits, and what a shutdown reports meanwhile.

use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};

use crate::{INPUT, OUTPUT};

const HOUR: Duration = Duration::from_secs(3600);

/// Copies INPUT to OUTPUT, and panics on every fourth.
#[worker(shared = [INPUT, OUTPUT])]
fn fragile(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        assert!(!input.is_multiple_of(4), "{input} is a fourth");
        store.set(&OUTPUT, *input);
    });
}

#[test]
fn l3_a_worker_that_does_something_before_each_panic_never_waits_long() {
    let store = ReactonStore::new();
    let backoff = Duration::from_millis(1);
    let policy = Restart::OnPanic { max: 1000, within: HOUR, backoff };
    let worker = fragile::builder().restart(policy).max_backoff(HOUR).spawn(&store);
    let worker = worker.expect("the worker starts");
    // If each wait were twice the last one, the last of these would take nine hours.
    for round in 0..25 {
        store.set(&INPUT, 4 * round + 1);
        wait_until(&store, |store| store.get(&OUTPUT) == 4 * round + 1);
        store.set(&INPUT, 4 * round + 4);
        wait_until(&store, |store| {
            worker.stats().restarts == round + 1
                && store.get(worker.status()) == IsolateStatus::Running
        });
    }
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l3_a_wait_longer_than_the_longest_is_kept_and_a_shutdown_names_it() {
    let store = ReactonStore::new();
    let policy = Restart::OnPanic { max: 1, within: HOUR, backoff: HOUR };
    let builder = fragile::builder().max_backoff(Duration::ZERO).restart(policy);
    let worker = builder.spawn(&store).expect("the worker starts");
    store.set(&INPUT, 4);
    let restarting = IsolateStatus::Restarting { attempt: 1 };
    wait_until(&store, |store| store.get(worker.status()) == restarting);
    store.set(&INPUT, 5);
    let error =
        worker.try_shutdown(Duration::from_millis(1)).expect_err("`try_shutdown` times out");
    let ShutdownError::TimedOut { queued, unfinished, .. } = &error else {
        panic!("expected a timeout, got {error}");
    };
    assert!(matches!(unfinished, Unfinished::Restarting { attempt: 1, .. }));
    assert_eq!(*queued, 0, "nothing is queued, because the next worker starts with main's values");
    assert!(error.to_string().contains("it panicked, and restart 1 has not begun"), "{error}");
    worker.dispose();
}

#[test]
fn l3_the_short_policy_restarts_a_worker() {
    let store = ReactonStore::new();
    let worker = fragile::builder().restart(Restart::on_panic(1)).spawn(&store);
    let worker = worker.expect("the worker starts");
    store.set(&INPUT, 4);
    wait_until(&store, |store| {
        worker.stats().restarts == 1 && store.get(worker.status()) == IsolateStatus::Running
    });
    store.set(&INPUT, 8);
    wait_until(&store, |store| {
        store.with(worker.status(), |status| matches!(status, IsolateStatus::Failed { .. }))
    });
}
