//! L5 and I3, measured by the allocator and by /proc: what many isolates and many writes leave behind.
//!
//! `REACTON_WRITES=10000000 cargo test --release --test floods -- --nocapture` runs more of them. A separate program
//! with one test, because the allocator counts for all threads, also for those of the test harness.

use std::alloc::System;
use std::fs;
use std::sync::mpsc::channel;
use std::time::Instant;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, from_env};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[reacton]
static INPUT: u64 = 0;

#[reacton]
static TEXT: String = String::new();

#[reacton]
static OUTPUT: u64 = 0;

fn live_bytes() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// The system resources of this process: threads and open files.
#[cfg(target_os = "linux")]
fn held() -> (usize, usize) {
    let count = |path| fs::read_dir(path).expect("Linux lists the tasks of a process").count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

#[cfg(target_os = "linux")]
fn cycle(store: &ReactonStore, round: u64) {
    let worker = IsolateStore::spawn(store, shared![INPUT, TEXT, OUTPUT], |store| {
        store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, *input));
    });
    let worker = worker.expect("the worker starts");
    store.batch(|store| {
        store.set(&INPUT, round);
        store.set(&TEXT, round.to_string());
    });
    match round % 4 {
        0 => worker.dispose(),
        1 => drop(worker),
        2 => assert_eq!(worker.try_shutdown(TIMEOUT), Ok(())),
        _ => assert_eq!(worker.shutdown(TIMEOUT), Ok(())),
    }
}

#[test]
fn l5_i3_l2_many_isolates_and_many_writes_leave_nothing_behind() {
    #[cfg(target_os = "linux")]
    l5_ten_thousand_isolates_leave_no_thread_no_file_and_no_memory();
    i3_writes_to_a_latest_worker_that_does_not_look_take_no_memory();
    l2_a_main_that_takes_bounded_turns_gets_through_a_flood_at_its_own_pace();
}

#[cfg(target_os = "linux")]
fn l5_ten_thousand_isolates_leave_no_thread_no_file_and_no_memory() {
    let store = ReactonStore::new();
    // A first part is not counted: it allocates what is kept for later.
    (0..100).for_each(|round| cycle(&store, round));
    let settled = |before: (usize, usize)| {
        let deadline = Instant::now() + TIMEOUT;
        while held().0 > before.0 && Instant::now() < deadline {
            std::thread::yield_now();
        }
        held()
    };
    let (before, bytes) = (settled((2, 0)), live_bytes());
    let cycles = from_env("REACTON_CYCLES").unwrap_or(10_000);
    let started = Instant::now();
    (0..cycles).for_each(|round| cycle(&store, round));
    let each = started.elapsed() / u32::try_from(cycles).unwrap_or(u32::MAX);
    let after = settled(before);
    let grown = live_bytes().saturating_sub(bytes);
    println!(
        "{cycles} cycles of {each:?}: {before:?} threads and files before, {after:?} after, {grown} bytes more"
    );
    assert!(
        after.0 <= before.0 && after.1 <= before.1,
        "memory in use: {before:?} before, {after:?} after"
    );
    assert!(grown < 4096, "{grown} bytes are left");
}

fn i3_writes_to_a_latest_worker_that_does_not_look_take_no_memory() {
    let store = ReactonStore::new();
    let (arrive, begun) = channel();
    let (go, signal) = channel();
    let builder =
        IsolateStore::builder().delivery(Delivery::Latest).shared(shared![INPUT, TEXT, OUTPUT]);
    let worker = builder.spawn(&store, move |store| {
        store.subscribe(&INPUT, move |store, input| {
            if *input == 1 {
                arrive.send(()).expect("the channel is open");
                signal.recv().expect("a message arrives");
            }
            store.set(&OUTPUT, *input);
        });
    });
    let worker = worker.expect("the worker starts");
    store.set(&INPUT, 1);
    begun.recv_timeout(TIMEOUT).expect("the worker is in its callback");
    let writes = from_env("REACTON_WRITES").unwrap_or(200_000);
    let write = |n: u64| {
        store.set(&INPUT, n);
        if n.is_multiple_of(16) {
            store.set(&TEXT, format!("{n:>20}"));
        }
    };
    (2..1000).for_each(write);
    let bytes = live_bytes();
    let started = Instant::now();
    (1000..writes).for_each(write);
    let each = started.elapsed().as_nanos() / u128::from(writes - 1000);
    let grown = live_bytes().saturating_sub(bytes);
    println!("{writes} writes of {each} ns: {grown} bytes more");
    assert!(grown < 1024, "{grown} bytes more in use");
    let stats = worker.stats();
    assert!(stats.queued <= 1, "{stats:?}");
    assert!(stats.merged + 10 > stats.transactions_sent, "{stats:?}");
    go.send(()).expect("the channel is open");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), writes - 1);
}

fn l2_a_main_that_takes_bounded_turns_gets_through_a_flood_at_its_own_pace() {
    let store = ReactonStore::new();
    let flood = from_env("REACTON_FLOOD").unwrap_or(100_000);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT], move |store| {
        (1..=flood).for_each(|n| store.set(&OUTPUT, n));
        tell.send(()).expect("the channel is open");
    });
    let worker = worker.expect("the worker starts");
    told.recv_timeout(TIMEOUT).expect("the worker has written everything");
    assert_eq!(worker.stats().waiting, flood, "all transactions are in the queue");
    for turn in 1..=10 {
        assert_eq!(store.pump_at_most(64), 64);
        assert_eq!(
            store.get(&OUTPUT),
            64 * turn,
            "a turn applies the transactions in order, and 64 at most"
        );
        assert_eq!(worker.stats().waiting, flood - 64 * turn);
    }
    store.run_until(TIMEOUT, |store| store.get(&OUTPUT) == flood).expect("all updates arrive");
    assert_eq!(worker.stats().waiting, 0);
    assert_eq!(worker.stats().transactions_received, flood);
    let bytes = live_bytes();
    store.set(&INPUT, 1);
    assert!(live_bytes() < bytes + (1 << 20), "the memory of the queue was freed");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}
