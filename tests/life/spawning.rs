//! L5 and L6: spawns that fail, and what many of them leave behind.

use std::sync::mpsc::channel;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_for_threads, wait_until};

use crate::blocked_decode::{BLOCKING, block_decode_in};
use crate::{INPUT, OUTPUT};

#[test]
fn l6_a_worker_that_does_not_answer_the_handshake_is_an_error_and_never_runs() {
    let store = ReactonStore::new();
    let (open, _knocked) = block_decode_in("slow");
    let (tell, told) = channel();
    let builder = IsolateStore::builder().name("slow").handshake_timeout(Duration::from_millis(10));
    let failed = builder.shared(shared![INPUT, BLOCKING]).spawn(&store, move |_| {
        tell.send(()).expect("the channel is open");
    });
    assert!(matches!(failed, Err(SpawnError::TimedOut { .. })), "{failed:?}");
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    open.send(()).expect("the worker is still decoding");
    expect_disconnected(&told);
}

#[test]
fn l6_a_worker_that_panics_in_the_handshake_is_an_error_with_its_message() {
    #[reacton]
    static FRAIL: u32 = {
        assert!(std::thread::current().name() != Some("frail"), "not on this thread");
        0
    };
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().name("frail").shared(shared![INPUT, FRAIL]);
    let failed = builder.spawn(&store, |_| {});
    let error = failed.expect_err("the worker panics in the handshake");
    assert!(
        matches!(&error, SpawnError::Died { message, .. } if message == "not on this thread"),
        "{error}"
    );
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn l6_a_thread_that_the_system_does_not_give_is_an_error() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![INPUT, OUTPUT]).stack_size(usize::MAX / 4);
    let (alive, ended) = channel::<()>();
    let failed = builder.spawn(&store, move |_| drop(alive));
    assert!(matches!(failed, Err(SpawnError::Thread { .. })), "{failed:?}");
    expect_disconnected(&ended);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    let (_worker, _ended) = crate::copier(&store);
    store.set(&INPUT, 1);
    wait_until(&store, |store| store.get(&OUTPUT) == 1);
}

#[test]
fn l6_a_disposed_store_spawns_nothing() {
    let store = ReactonStore::new();
    store.dispose();
    let failed = IsolateStore::spawn(&store, shared![INPUT], |_| {});
    assert!(matches!(failed, Err(SpawnError::Disposed { .. })), "{failed:?}");
}

#[test]
fn l6_one_reacton_twice_in_a_shared_set_is_an_error() {
    let store = ReactonStore::new();
    let twice: SharedSet = [shared![INPUT, OUTPUT], shared![INPUT]].into_iter().collect();
    let failed = IsolateStore::spawn(&store, twice, |_| {});
    let error = failed.expect_err("spawn fails");
    assert!(matches!(error, SpawnError::Duplicate { .. }), "{error}");
    assert!(error.to_string().contains("INPUT"), "{error}");
}

#[test]
fn l6_a_worker_may_have_any_name() {
    let store = ReactonStore::new();
    for name in ["", "a\0b", "a name that is longer than any that the system keeps"] {
        let builder = IsolateStore::builder().name(name).shared(shared![INPUT]);
        let worker = builder.spawn(&store, |_| {}).expect("the worker starts");
        assert_eq!(worker.name(), name);
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn l5_a_thousand_isolates_leave_no_thread() {
    let store = ReactonStore::new();
    for round in 0..1000 {
        let builder = IsolateStore::builder().name("in-thousands").shared(shared![INPUT, OUTPUT]);
        let worker = builder.spawn(&store, |store| {
            store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, *input));
        });
        let worker = worker.expect("the worker starts");
        store.set(&INPUT, round);
        match round % 3 {
            0 => worker.dispose(),
            1 => drop(worker),
            _ => assert_eq!(worker.shutdown(TIMEOUT), Ok(())),
        }
    }
    wait_for_threads("in-thousands", 0);
    store.pump();
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[cfg(target_os = "linux")]
#[test]
fn l6_failed_spawns_leave_no_thread() {
    let store = ReactonStore::new();
    for _ in 0..100 {
        let builder =
            IsolateStore::builder().name("failed-spawn").handshake_timeout(Duration::ZERO);
        // Whether the spawn is in time or not, nothing is left.
        drop(builder.shared(shared![INPUT]).spawn(&store, |_| {}));
    }
    wait_for_threads("failed-spawn", 0);
}

#[test]
fn l1_a_worker_that_is_disposed_as_soon_as_it_is_spawned_has_called_its_entry() {
    let store = ReactonStore::new();
    for _ in 0..100 {
        let (tell, told) = channel();
        let worker = IsolateStore::spawn(&store, shared![INPUT], move |_| {
            tell.send(()).expect("the channel is open");
        });
        worker.expect("the worker starts").dispose();
        receive(&told);
    }
}

#[test]
fn l6_an_awaited_spawn_that_is_dropped_before_it_is_ready_never_calls_its_entry() {
    let store = ReactonStore::new();
    let (tell, told) = channel::<()>();
    let spawning = IsolateStore::spawn_async(&store, shared![INPUT], move |_| {
        tell.send(()).expect("the channel is open");
    });
    drop(spawning);
    expect_disconnected(&told);
}
