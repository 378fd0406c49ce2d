//! What happens to a job whose worker panics or is disposed.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, restart_always};

use crate::{JOB, PART, RESULT, SETTING, results};

/// Squares each job, and panics on multiples of ten.
#[worker(shared = [JOB, PART, RESULT])]
fn fragile(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| {
        assert!(!n.is_multiple_of(10), "{n} is too much");
        store.set(&RESULT, (*n, n * n));
    });
}

/// Returns the log of the lost jobs that an observer receives.
fn lost(store: &ReactonStore, pool: &Pool) -> Rc<RefCell<Vec<LostJob>>> {
    let lost = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lost);
    store.subscribe(pool.lost_job(), move |_, job| log.borrow_mut().extend(job.clone()));
    lost
}

#[test]
fn a_job_whose_worker_panics_is_reported_with_its_values_and_the_others_are_done() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = fragile::builder()
        .restart(restart_always())
        .pool(3)
        .spawn(&store)
        .expect("the pool starts");
    let lost = lost(&store, &pool);
    for n in 1..=100 {
        store.batch(|store| {
            store.set(&JOB, n);
            store.set(&PART, n + 1);
        });
    }
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()), "all members were restarted");
    assert_eq!(heard.borrow().len(), 90);
    let mut told: Vec<_> = lost
        .borrow()
        .iter()
        .map(|job| (job.number, job.get(&JOB).copied(), job.get(&PART).copied(), job.deaths))
        .collect();
    told.sort_unstable();
    let tens =
        (1..=10).map(|n| (n * 10, u32::try_from(n * 10).ok(), u32::try_from(n * 10 + 1).ok(), 1));
    assert_eq!(told, tens.collect::<Vec<_>>());
    assert!(lost.borrow().iter().all(|job| job.message.ends_with("is too much")));
    assert!(lost.borrow()[0].get(&RESULT).is_none(), "`RESULT` is not a part of the job");
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, stats.retried), (100, 90, 10, 0));
}

#[test]
fn a_job_whose_worker_panics_is_retried_as_often_as_the_builder_says() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).restart(restart_always());
    // The first worker of each job panics on it; for job seven, the second one does, too.
    let died = Arc::new(Mutex::new(BTreeSet::new()));
    let pool = builder.pool(2).retries(1).spawn(&store, move |store| {
        let died = Arc::clone(&died);
        store.subscribe(&JOB, move |store, n| {
            let first = died.lock().expect("the mutex is not poisoned").insert(*n);
            assert!(!first && *n != 7, "dying of {n}");
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("the pool starts");
    let lost = lost(&store, &pool);
    (1..=20).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
    assert_eq!(done, (1..=20).filter(|n| *n != 7).collect());
    assert_eq!(heard.borrow().len(), 19);
    let [job] = &lost.borrow()[..] else { panic!("expected one lost job, got {lost:?}") };
    assert_eq!((job.number, job.deaths, job.get(&JOB)), (7, 2, Some(&7)));
    assert_eq!(pool.stats().retried, 20);
}

#[test]
fn when_no_member_is_left_what_waits_is_lost_and_so_is_what_is_written_later() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(signal));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let signal = Arc::clone(&signal);
        store.subscribe(&JOB, move |_, n| {
            signal.lock().expect("the mutex is not poisoned").recv().expect("a message arrives");
            panic!("dying of {n}");
        });
    });
    let pool = pool.expect("the pool starts");
    let lost = lost(&store, &pool);
    (1..=5).for_each(|n| store.set(&JOB, n));
    (0..2).for_each(|_| go.send(()).expect("the channel is open"));
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    let numbers =
        |lost: &Vec<LostJob>| -> BTreeSet<u64> { lost.iter().map(|job| job.number).collect() };
    assert_eq!(numbers(&lost.borrow()), (1..=5).collect());
    store.set(&JOB, 6);
    assert_eq!(lost.borrow().last().map(|job| (job.number, job.deaths)), Some((6, 0)));
    assert!(matches!(pool.shutdown(TIMEOUT), Err(ShutdownError::Failed { .. })));
    store.set(&JOB, 7);
    assert_eq!(lost.borrow().len(), 6, "a job is lost after the end of the pool");
}

#[test]
fn a_member_that_panics_outside_of_a_job_loses_no_job() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder =
        IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]).restart(restart_always());
    let pool = builder.pool(2).for_all(shared![SETTING]).spawn(&store, |store| {
        store.subscribe(&SETTING, |_, setting| panic!("no setting suits: {setting}"));
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, 0)));
    });
    let pool = pool.expect("the pool starts");
    for n in 1..=100 {
        store.set(&JOB, n);
        if n % 10 == 0 {
            store.set(&SETTING, n);
        }
    }
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().len(), 100);
    assert_eq!(pool.stats().lost, 0);
}

/// Panics on its first job. The job is reported, and may be done again.
#[worker(shared = [JOB, RESULT])]
fn dies_once(store: &ReactonStore, begun: Sender<()>, go: Arc<Barrier>, tried: Arc<AtomicBool>) {
    store.subscribe(&JOB, move |store, n| {
        if !tried.swap(true, Ordering::SeqCst) {
            begun.send(()).expect("the channel is open");
            go.wait();
            panic!("the first try");
        }
        store.set(&RESULT, (*n, n * n));
    });
}

#[test]
fn a_shutdown_waits_for_a_job_that_comes_back_from_a_member_that_died_of_it() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let ((begun, told), go) = (channel(), Arc::new(Barrier::new(2)));
    let pool = dies_once::builder().pool(3).retries(1);
    let pool =
        pool.spawn(&store, begun, Arc::clone(&go), Arc::default()).expect("the worker starts");
    store.set(&JOB, 5);
    receive(&told);
    let mut ending = Box::pin(pool.shutdown_async());
    // The other members have nothing to do, and are to end.
    assert_eq!(block_on(poll_once(&mut ending)), None);
    go.wait();
    assert!(matches!(block_on(ending), Err(ShutdownError::Failed { .. })), "a member has failed");
    assert_eq!(heard.take(), [(5, 25)], "another member did the job");
}

#[worker(shared = [JOB, RESULT])]
fn tough(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| {
        assert!(*n != 1, "one is too hard");
        store.set(&RESULT, (*n, n * n));
    });
    while !store.is_disposed() {
        // The member asks for the next job, whatever happened to this one.
        let _ = catch_unwind(AssertUnwindSafe(|| store.wait(Duration::MAX)));
    }
}

#[test]
fn a_job_whose_panic_its_worker_catches_is_over() {
    let store = ReactonStore::new();
    let pool = tough::builder().pool(2).spawn(&store).expect("the pool starts");
    store.set(&JOB, 1);
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.done, stats.at_work, stats.lost), (1, 0, 0));
}

/// Returns a pool of so many members. Each reports when it has begun a job, and waits at the barrier in the middle of
/// it.
fn held_in_their_jobs(store: &ReactonStore, members: usize) -> (Pool, Receiver<()>, Arc<Barrier>) {
    let ((tell, told), go) = (channel(), Arc::new(Barrier::new(members + 1)));
    let held = Arc::clone(&go);
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(members);
    let pool = builder.spawn(store, move |store: &ReactonStore| {
        let (tell, held) = (tell.clone(), Arc::clone(&held));
        store.subscribe(&JOB, move |_, _| {
            tell.send(()).expect("the channel is open");
            held.wait();
        });
    });
    (pool.expect("the pool starts"), told, go)
}

#[test]
fn a_job_that_a_disposed_member_had_begun_is_lost() {
    let store = ReactonStore::new();
    let (pool, told, go) = held_in_their_jobs(&store, 1);
    store.set(&JOB, 1);
    receive(&told);
    pool.members()[0].dispose();
    let lost = store.get(pool.lost_job()).expect("the job had been started");
    let told = (lost.number, lost.deaths, lost.message.as_str());
    assert_eq!(told, (1, 0, "its worker was disposed"));
    go.wait();
    store.set(&JOB, 2);
    let lost = store.get(pool.lost_job()).expect("no member is left");
    assert_eq!((lost.number, pool.stats().lost), (2, 2));
}

#[test]
fn all_jobs_that_are_lost_are_in_the_list_until_they_are_taken() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = builder.spawn(&store, |store: &ReactonStore| {
        store.subscribe(&JOB, |_, n| panic!("dying of {n}"));
    });
    let pool = pool.expect("the pool starts");
    let lengths = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lengths);
    store.subscribe(pool.lost_jobs(), move |_, jobs| log.borrow_mut().push(jobs.len()));
    // Main writes each in one transaction: two jobs that cause a panic, and three that no worker is left to do.
    store.set(&JOB, 1);
    store.set(&JOB, 2);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    (3..=5).for_each(|n| store.set(&JOB, n));
    let lost = pool.take_lost_jobs();
    let numbers: BTreeSet<_> =
        lost.iter().map(|job| (job.number, job.get(&JOB).copied())).collect();
    assert_eq!(numbers, (1..=5).map(|n| (u64::from(n), Some(n))).collect());
    assert_eq!(lost.len(), 5);
    assert_eq!(store.get(pool.lost_job()).as_ref(), lost.last());
    assert_eq!(lengths.take(), [1, 2, 3, 4, 5, 0], "taking the lost jobs is a change, too");
    assert_eq!(pool.take_lost_jobs(), []);
}

#[test]
fn jobs_that_are_lost_in_one_batch_are_all_shown() {
    let store = ReactonStore::new();
    let (pool, told, go) = held_in_their_jobs(&store, 2);
    (1..=4).for_each(|n| store.set(&JOB, n));
    (0..2).for_each(|_| receive(&told));
    store.batch(|_| pool.members().iter().for_each(IsolateStore::dispose));
    let mut numbers: Vec<_> = pool.take_lost_jobs().iter().map(|job| job.number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
    assert_eq!(pool.stats().lost, 4);
    go.wait();
}
