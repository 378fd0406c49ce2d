//! Deaths of members of a pool of processes, and what happens to their jobs.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::members::*;

fn numbers(store: &ReactonStore) -> Rc<RefCell<BTreeSet<u32>>> {
    let numbers = Rc::new(RefCell::new(BTreeSet::new()));
    let log = Rc::clone(&numbers);
    store.subscribe(&DONE, move |_, (number, ..)| {
        let _ = log.borrow_mut().insert(*number);
    });
    numbers
}

#[test]
fn p7_each_death_loses_its_own_job_and_no_other() {
    let store = ReactonStore::new();
    let done = numbers(&store);
    let builder = hand::builder().restart(restart_always()).pool(3).process();
    let pool = builder.spawn(&store).expect("the worker starts");
    let deaths = [
        (10, "panic", "told to"),
        (20, "abort", "killed by SIGABRT"),
        (30, "exit", "exited with code 3"),
        (40, "kill", "killed by SIGKILL"),
    ];
    for number in 1..=45 {
        let how = deaths.iter().find(|(at, ..)| *at == number).map_or("", |(_, how, _)| how);
        store.set(&TASK, Chore::new(number, how));
    }
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()), "all members were restarted");
    let expected = (1..=45).filter(|number| deaths.iter().all(|(at, ..)| at != number)).collect();
    assert_eq!(*done.borrow(), expected);
    let lost = pool.take_lost_jobs();
    for (at, how, message) in deaths {
        let job =
            lost.iter().find(|job| job.number == u64::from(at)).expect("the job is listed as lost");
        assert_eq!((job.deaths, job.get(&TASK)), (1, Some(&Chore::new(at, how))));
        assert!(job.message.starts_with(message), "{}", job.message);
        println!("job {at}, `{how}`: lost, `{}`", job.message);
    }
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, lost.len()), (45, 41, 4, 4));
}

#[test]
fn p7_a_job_that_kills_its_process_at_once_counts_as_begun() {
    let store = ReactonStore::new();
    let builder = hand::builder().restart(restart_always()).retries(1).pool(2).process();
    let pool = builder.spawn(&store).expect("the worker starts");
    (1..=20).for_each(|number| store.set(&TASK, Chore::new(number, "abort")));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let lost = pool.take_lost_jobs();
    assert!(lost.iter().all(|job| job.deaths == 2), "{lost:?}");
    let stats = pool.stats();
    assert_eq!((stats.lost, stats.retried, stats.done), (20, 20, 0));
}

#[test]
fn p7_members_that_are_killed_from_outside_lose_only_what_they_had_begun() {
    let store = ReactonStore::new();
    let done = numbers(&store);
    let builder = hand::builder().restart(restart_always()).pool(3).process();
    let pool = builder.for_all(shared![GO]).spawn(&store).expect("the worker starts");
    let mut given = 0;
    for _ in 0..5 {
        given += 1;
        let held = given;
        store.set(&TASK, Chore::new(held, "hold"));
        wait_until(&store, |store| store.get(&BEGUN).0 == held);
        let pid = store.get(&BEGUN).1.to_string();
        for _ in 0..20 {
            given += 1;
            store.set(&TASK, Chore::new(given, ""));
        }
        let killed = Command::new("kill").args(["-KILL", &pid]).status();
        assert!(killed.is_ok_and(|status| status.success()));
        let is_lost = |_: &ReactonStore| {
            store
                .with(pool.lost_jobs(), |lost| lost.iter().any(|job| job.number == u64::from(held)))
        };
        wait_until(&store, is_lost);
    }
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!((done.borrow().len(), pool.stats().lost), (100, 5));
    assert_eq!(done.borrow().len() as u64, pool.stats().done);
}

#[test]
fn p7_a_pool_that_hangs_is_disposed_and_its_processes_are_killed_after_the_grace() {
    let store = ReactonStore::new();
    let grace = Duration::from_millis(200);
    let builder = hand::builder().pool(2).process().with(Process::new().grace(grace));
    let pool = builder.spawn(&store).expect("the worker starts");
    let pids = pids(&store, &pool);
    (1..=2).for_each(|number| store.set(&TASK, Chore::new(number, "hang")));
    wait_until(&store, |_| pool.stats().at_work == 2);
    let begin = Instant::now();
    drop(pool);
    assert!(begin.elapsed() < Duration::from_millis(100), "{:?}", begin.elapsed());
    assert!(pids.iter().all(|pid| is_gone_within(*pid, TIMEOUT)));
    println!("gone after {:?}", begin.elapsed());
}

/// Returns the processes of a pool of two.
fn pids(store: &ReactonStore, pool: &Pool) -> Vec<u32> {
    let pids = Rc::new(RefCell::new(BTreeSet::new()));
    let log = Rc::clone(&pids);
    let heard = store.subscribe(&BEGUN, move |_, (_, pid)| {
        log.borrow_mut().insert(*pid);
    });
    while pids.borrow().len() < 2 {
        (1..=2).for_each(|number| store.set(&TASK, Chore::new(number, "pid")));
        pool.idle(store, TIMEOUT).expect("all jobs are done");
    }
    heard.unsubscribe();
    pids.take().into_iter().collect()
}

#[test]
fn p7_a_member_that_applies_something_else_gets_no_job() {
    let store = ReactonStore::new();
    let builder = hand::builder().pool(2).process().for_all(shared![SETTING, GO]);
    let pool = builder.spawn(&store).expect("the worker starts");
    for busy in pids(&store, &pool) {
        let done = numbers(&store);
        store.set(&SETTING, busy);
        wait_until(&store, |store| store.get(&BEGUN) == (0, busy));
        (1..=20).for_each(|number| store.set(&TASK, Chore::new(number, "")));
        wait_until(&store, |_| done.borrow().len() == 20);
        store.set(&GO, busy);
    }
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[test]
fn p7_a_job_on_its_way_to_a_member_that_is_disposed_is_lost_and_not_done_twice() {
    let store = ReactonStore::new();
    let grace = Process::new().grace(Duration::from_millis(100));
    let pool =
        hand::builder().pool(2).process().with(grace).spawn(&store).expect("the pool starts");
    let stopped = pids(&store, &pool)[0].to_string();
    let signal = |signal: &str| {
        let status = Command::new("kill").args([signal, &stopped]).status();
        assert!(status.is_ok_and(|status| status.success()));
    };
    let done = numbers(&store);
    for first in (10..).step_by(10) {
        signal("-STOP");
        (first..first + 4).for_each(|number| store.set(&TASK, Chore::new(number, "")));
        // The stopped process takes at most one job, perhaps the last: main may read late that it has asked.
        wait_until(&store, |_| done.borrow().range(first + 2..).next().is_some());
        // The other process does its jobs in order, so it has not taken one that it has left out.
        let newest = done.borrow().last().copied().unwrap_or(first);
        if (first..newest).any(|number| !done.borrow().contains(&number)) {
            wait_until(&store, |_| pool.stats().at_work == 1 && pool.stats().waiting == 0);
            break;
        }
        // The process was stopped before it had asked for a job, or has the last one.
        signal("-CONT");
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
    }
    for member in pool.members() {
        // The other member has done its job, and has no more.
        let is_at_it = pool.stats().at_work == 1;
        member.dispose();
        if is_at_it && pool.stats().at_work == 0 {
            break;
        }
    }
    let lost = pool.take_lost_jobs();
    let [job] = &lost[..] else { panic!("expected one lost job, got {lost:?}") };
    assert_eq!(job.message, "its worker was disposed");
    assert!(job.get(&TASK).is_some_and(|task| !done.borrow().contains(&task.number)));
    assert_eq!(pool.stats().lost, 1);
}

#[test]
fn p4_a_member_that_hangs_while_jobs_wait_is_killed_by_its_watchdog() {
    let store = ReactonStore::new();
    let done = numbers(&store);
    let watchdog = Process::new().watchdog(Duration::from_millis(200));
    let builder = hand::builder().restart(restart_always()).pool(1).process().with(watchdog);
    let pool = builder.spawn(&store).expect("the worker starts");
    store.set(&TASK, Chore::new(1, "hang"));
    (2..=5).for_each(|number| store.set(&TASK, Chore::new(number, "")));
    wait_until(&store, |_| done.borrow().len() == 4);
    let lost = pool.take_lost_jobs();
    let [job] = &lost[..] else { panic!("{lost:?}") };
    assert_eq!((job.number, &*job.message), (1, "took in nothing for 200ms"));
    pool.shutdown(TIMEOUT).expect("the pool ends");
}

#[test]
fn p7_a_pool_of_which_one_member_does_not_start_leaves_nothing() {
    let store = ReactonStore::new();
    let builder = hand::builder().pool(3).process().with(Process::new().program("/bin/true"));
    let error = builder.spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::Died { .. }), "{error}");
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    let error = hand::builder().pool(0).process().spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::NoMembers { .. }), "{error}");
    let builder = hand::builder().pool(1).process().for_all(shared![super::workers::INPUT]);
    let error = builder.spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::NotShared { .. }), "{error}");
}

#[test]
fn p7_a_pool_of_processes_is_started_without_blocking() {
    let store = ReactonStore::new();
    let done = numbers(&store);
    let spawning = hand::builder().pool(2).process().spawn_async(&store);
    let pool = futures_lite::future::block_on(spawning).expect("the worker starts");
    (1..=10).for_each(|number| store.set(&TASK, Chore::new(number, "")));
    futures_lite::future::block_on(pool.shutdown_async()).expect("the pool ends");
    assert_eq!(done.borrow().len(), 10);
}

#[test]
fn p7_in_a_simulation_no_process_is_started_and_jobs_are_bytes() {
    for seed in 0..50 {
        let simulation = reacton::testing::Simulation::new(seed);
        let store = ReactonStore::new();
        let done = numbers(&store);
        let pool = hand::builder().pool(2).process().spawn(&store).expect("the pool starts");
        (1..=10).for_each(|number| store.set(&TASK, Chore::new(number, "")));
        simulation.settle();
        assert_eq!((done.borrow().len(), pool.stats().done), (10, 10), "seed {seed}");
    }
}
