//! Deaths of a process, and how main reports each.

use std::process::Command;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::workers::*;

/// Returns what the status says after the worker has received this order, and how its process ended.
fn death(order: &str, process: Process) -> (String, Option<String>, Exit) {
    let store = ReactonStore::new();
    let worker =
        brittle::builder().process().with(process).spawn(&store).expect("the worker starts");
    wait_until(&store, |store| store.get(&PID) != 0);
    let begin = Instant::now();
    store.set(&ORDER, order.to_owned());
    wait_until(&store, |store| matches!(store.get(worker.status()), IsolateStatus::Failed { .. }));
    let IsolateStatus::Failed { message, location } = store.get(worker.status()) else {
        unreachable!()
    };
    let exit = worker.exit().expect("the exit is known before the status");
    println!("{order}: `{message}` at {location:?}, {exit:?}, after {:?}", begin.elapsed());
    (message, location, exit)
}

#[test]
fn p3_a_panic_has_its_message_and_place() {
    let (message, location, exit) = death("panic", Process::new());
    assert_eq!(message, "told to");
    assert!(location.is_some_and(|place| place.contains("workers.rs:")));
    assert_eq!(exit.code, Some(0), "the panic was caught, and the process ended by itself");
}

#[test]
fn p3_a_panic_that_aborts_has_its_message_and_place() {
    let (message, location, exit) = death("panic twice", Process::new());
    assert_eq!(message, "and again", "the message is that of the second panic");
    assert!(location.is_some_and(|place| place.contains("workers.rs:")));
    assert_eq!(exit.signal, Some(6));
}

#[test]
fn p3_an_abort_is_a_signal() {
    let (message, location, exit) = death("abort", Process::new());
    assert!(message.starts_with("killed by SIGABRT"), "{message}");
    assert_eq!((location, exit.code, exit.signal), (None, None, Some(6)));
}

#[test]
fn p3_a_stack_overflow_is_a_signal() {
    let (message, _, exit) = death("overflow", Process::new());
    assert!(message.starts_with("killed by SIGABRT"), "{message}");
    assert_eq!(exit.signal, Some(6));
}

#[test]
fn p3_an_exit_has_its_code() {
    let (message, _, exit) = death("exit 3", Process::new());
    assert_eq!((&*message, exit.code, exit.forced), ("exited with code 3", Some(3), false));
    let (message, ..) = death("exit 0", Process::new());
    assert!(message.starts_with("exited with code 0"), "{message}");
}

#[test]
fn p5_memory_is_limited() {
    let (message, _, exit) = death("allocate", Process::new().memory(1 << 30));
    assert!(message.starts_with("killed by SIGABRT"), "{message}");
    assert_eq!(exit.signal, Some(6));
}

#[test]
fn p3_a_signal_from_outside_is_named() {
    for (signal, name) in [("KILL", "SIGKILL"), ("SEGV", "SIGSEGV"), ("TERM", "SIGTERM")] {
        let store = ReactonStore::new();
        let worker = brittle::builder().process().spawn(&store).expect("the worker starts");
        wait_until(&store, |store| store.get(&PID) != 0);
        let pid = store.get(&PID).to_string();
        let begin = Instant::now();
        let has_failed = |store: &ReactonStore| {
            matches!(store.get(worker.status()), IsolateStatus::Failed { .. })
        };
        // The first `SIGSEGV` calls the handler that looks for a stack overflow; it then restores the default. Two
        // signals at once count as one.
        while !has_failed(&store) && begin.elapsed() < TIMEOUT {
            let _ = Command::new("kill").args([&format!("-{signal}"), &pid]).output();
            let _ = store.run_until(Duration::from_millis(200), has_failed);
        }
        let status = store.get(worker.status());
        println!("{signal}: {status:?} after {:?}", begin.elapsed());
        let IsolateStatus::Failed { message, .. } = status else { unreachable!() };
        assert!(message.starts_with(&format!("killed by {name}")), "{message}");
        assert_eq!(message.contains("out of memory"), signal == "KILL");
    }
}

#[test]
fn p3_the_status_of_a_dead_process_does_not_wait_for_its_children() {
    let (message, ..) = death("grandchild", Process::new());
    assert!(message.starts_with("killed by SIGABRT"), "{message}");
}

#[test]
fn l3_each_death_is_followed_by_a_worker_with_the_values_of_main() {
    let store = ReactonStore::new();
    let worker = brittle::builder()
        .process()
        .restart(restart_always())
        .spawn(&store)
        .expect("the worker starts");
    for (order, deaths) in ["panic", "abort", "exit 3", "panic twice"].into_iter().zip(1..) {
        wait_until(&store, |store| store.get(&PID) != 0);
        let before = store.get(&PID);
        store.set(&PID, 0);
        store.set(&ORDER, order.to_owned());
        wait_until(&store, |store| {
            worker.stats().restarts == deaths && ![0, before].contains(&store.get(&PID))
        });
        assert_eq!(store.get(worker.status()), IsolateStatus::Running, "after {order}");
        store.set(&ORDER, String::new());
    }
    store.set(&INPUT, 9);
    wait_until(&store, |store| store.get(&OUTPUT) == 9);
    worker.shutdown(TIMEOUT).expect("the call is answered");
}

#[test]
fn p4_a_worker_that_applies_no_message_is_killed_by_the_watchdog() {
    let store = ReactonStore::new();
    let watchdog = Duration::from_millis(200);
    let worker = brittle::builder()
        .process()
        .with(Process::new().watchdog(watchdog))
        .spawn(&store)
        .expect("the worker starts");
    wait_until(&store, |store| store.get(&PID) != 0);
    let begin = Instant::now();
    store.set(&ORDER, String::from("sleep"));
    store.set(&INPUT, 1);
    wait_until(&store, |store| matches!(store.get(worker.status()), IsolateStatus::Failed { .. }));
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else { unreachable!() };
    assert_eq!(message, "took in nothing for 200ms");
    assert!(begin.elapsed() >= watchdog && begin.elapsed() < Duration::from_secs(5));
    assert!(worker.exit().is_some_and(|exit| exit.forced && exit.signal == Some(9)));
}
