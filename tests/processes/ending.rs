//! How a process is ended, and that nothing of it is left.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, in_child, restart_always, wait_until};

use super::members::*;
use super::workers::*;

fn started(store: &ReactonStore, process: Process) -> (IsolateStore, u32) {
    let worker =
        brittle::builder().process().with(process).spawn(store).expect("the worker starts");
    wait_until(store, |store| store.get(&PID) != 0);
    let pid = store.get(&PID);
    assert!(is_alive(pid));
    (worker, pid)
}

#[test]
fn l1_dispose_ends_an_idle_process_at_once() {
    let store = ReactonStore::new();
    let (worker, pid) = started(&store, Process::new());
    worker.dispose();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    assert!(is_gone_within(pid, TIMEOUT));
}

#[test]
fn p4_dispose_does_not_block_and_a_process_that_hangs_is_killed_after_the_grace() {
    for order in ["loop", "sleep"] {
        let store = ReactonStore::new();
        let grace = Duration::from_millis(300);
        let (worker, pid) = started(&store, Process::new().grace(grace));
        store.set(&ORDER, order.to_owned());
        std::thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        worker.dispose();
        assert!(begin.elapsed() < Duration::from_millis(200), "{:?}", begin.elapsed());
        assert!(is_gone_within(pid, TIMEOUT));
        println!("{order}: killed after {:?}", begin.elapsed());
        assert!(begin.elapsed() >= grace / 2 && begin.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn p4_a_process_that_is_stopped_is_killed_after_the_grace() {
    let store = ReactonStore::new();
    let (worker, pid) = started(&store, Process::new().grace(Duration::from_millis(300)));
    let stopped = Command::new("kill").args(["-STOP", &pid.to_string()]).status();
    assert!(stopped.is_ok_and(|status| status.success()));
    worker.dispose();
    // The process cannot end by itself.
    assert!(is_gone_within(pid, Duration::from_secs(10)));
}

#[test]
fn l2_shutdown_loses_nothing_and_returns_when_the_process_is_reaped() {
    let store = ReactonStore::new();
    let (worker, pid) = started(&store, Process::new());
    (1..=500).for_each(|input| store.set(&INPUT, input));
    worker.shutdown(TIMEOUT).expect("the worker ends");
    assert_eq!(store.get(&OUTPUT), 500);
    assert!(!is_alive(pid));
}

#[test]
fn l2_shutdown_of_a_process_that_hangs_times_out() {
    let store = ReactonStore::new();
    let (worker, pid) = started(&store, Process::new().grace(Duration::from_millis(100)));
    store.set(&ORDER, String::from("sleep"));
    let error =
        worker.try_shutdown(Duration::from_millis(200)).expect_err("`try_shutdown` times out");
    assert!(matches!(error, ShutdownError::TimedOut { .. }), "{error}");
    worker.dispose();
    assert!(is_gone_within(pid, TIMEOUT));
}

#[test]
fn l4_a_process_whose_main_store_is_dropped_ends() {
    let store = ReactonStore::new();
    let (worker, pid) = started(&store, Process::new());
    drop(store);
    assert!(is_gone_within(pid, TIMEOUT));
    drop(worker);
}

#[test]
fn p4_the_end_of_the_process_that_spawned_ends_its_processes() {
    const VARIABLE: &str = "REACTON_TEST_DIES";
    if std::env::var_os(VARIABLE).is_some() {
        let grace = Duration::from_millis(300);
        for order in ["", "loop"] {
            let store = ReactonStore::new();
            let (worker, pid) = started(&store, Process::new().grace(grace));
            store.set(&ORDER, order.to_owned());
            println!("process {pid} ");
            worker.detach();
            std::mem::forget(store);
        }
        std::thread::sleep(TIMEOUT);
        return;
    }
    let test = "ending::p4_the_end_of_the_process_that_spawned_ends_its_processes";
    let mut middle = Command::new(std::env::current_exe().expect("the program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let out = BufReader::new(middle.stdout.take().expect("the output of the program is piped"));
    let pids: Vec<u32> = out
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split("process ").nth(1)?.split(' ').next()?.parse().ok())
        .take(2)
        .collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| is_alive(*pid)), "{pids:?}");
    let begin = Instant::now();
    middle.kill().expect("the process is killed");
    middle.wait().expect("the program ends");
    for pid in pids {
        assert!(is_gone_within(pid, TIMEOUT));
        println!("process {pid} is gone after {:?}", begin.elapsed());
    }
    assert!(begin.elapsed() < Duration::from_secs(5));
}

/// Returns the open files and the threads of this process, and the processes that it has started and not reaped.
#[cfg(target_os = "linux")]
fn footprint() -> (usize, usize, BTreeSet<String>) {
    let count = |folder| fs::read_dir(folder).map_or(0, Iterator::count);
    let mut children = BTreeSet::new();
    for task in fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        children.extend(list.split_whitespace().map(str::to_owned));
    }
    (count("/proc/self/fd"), count("/proc/self/task"), children)
}

#[test]
#[cfg(target_os = "linux")]
fn l5_nothing_is_left_after_a_thousand_processes() {
    in_child(|| {
        let store = ReactonStore::new();
        let life = |number: usize| {
            let worker = echo::builder().process().spawn(&store).expect("the worker starts");
            match number % 3 {
                0 => drop(worker),
                1 => worker.dispose(),
                _ => worker.shutdown(TIMEOUT).expect("the worker ends"),
            }
        };
        assert_nothing_is_left(life, 1000);
    });
}

/// Runs `life` so many times, and checks that nothing is left.
#[cfg(target_os = "linux")]
fn assert_nothing_is_left(life: impl Fn(usize), count: usize) {
    (0..10).for_each(&life);
    let settled = || {
        let deadline = Instant::now() + TIMEOUT;
        while !footprint().2.is_empty() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(50));
        footprint()
    };
    let before = settled();
    let begin = Instant::now();
    (0..count).for_each(life);
    println!("{count} lives in {:?}", begin.elapsed());
    let after = settled();
    println!("files, threads, processes: {before:?} before, {after:?} after");
    assert_eq!(after, before);
}

/// Each round is a pool of two that ends while it works, after its work, or after a member has died of a job.
#[test]
#[cfg(target_os = "linux")]
fn l5_nothing_is_left_after_two_hundred_members_of_pools() {
    in_child(|| {
        let store = ReactonStore::new();
        let life = |number: usize| {
            let restart = if number.is_multiple_of(2) { restart_always() } else { Restart::Never };
            let builder = gatherer::builder().restart(restart).pool(2).process();
            let pool = builder.spawn(&store).expect("the worker starts");
            let caller = pool.caller(&ASK).in_flight(1);
            let answers: Vec<_> = (1..=3).map(|n| caller.call(Chore::new(n, ""))).collect();
            (1..=3).for_each(|n| store.set(&TASK, Chore::new(n, "")));
            match number % 5 {
                0 => drop(pool),
                1 => pool.dispose(),
                2 => drop(answers),
                3 => {
                    for answer in answers {
                        answer.wait(&store, TIMEOUT).expect("the call is answered");
                    }
                    pool.shutdown(TIMEOUT).expect("the pool ends");
                }
                _ => {
                    store.set(&TASK, Chore::new(4, "abort"));
                    wait_until(&store, |_| pool.stats().lost == 1);
                    pool.dispose();
                }
            }
        };
        assert_nothing_is_left(life, 100);
    });
}
