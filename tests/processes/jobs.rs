//! The promises of jobs, each kept by a pool of threads and by a pool of processes.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::members::*;
use super::place::Place;

type Results = Rc<RefCell<Vec<(u32, u32, u32)>>>;

/// Returns a log of the results of all jobs that the members have done.
fn results(store: &ReactonStore) -> Results {
    let results = Results::default();
    let log = Rc::clone(&results);
    store.subscribe(&DONE, move |_, done| log.borrow_mut().push(*done));
    results
}

fn numbers(results: &Results) -> BTreeSet<u32> {
    results.borrow().iter().map(|(number, ..)| *number).collect()
}

/// Returns a log of the jobs that have begun.
fn all_begun(store: &ReactonStore) -> Rc<RefCell<BTreeSet<u32>>> {
    let begun = Rc::new(RefCell::new(BTreeSet::new()));
    let log = Rc::clone(&begun);
    store.subscribe(&BEGUN, move |_, (number, _)| {
        log.borrow_mut().insert(*number);
    });
    begun
}

fn give(store: &ReactonStore, number: u32, how: &str) {
    store.set(&TASK, Chore::new(number, how));
}

/// Waits until this job has begun.
fn wait_begun(store: &ReactonStore, number: u32) {
    wait_until(store, |store| store.get(&BEGUN).0 == number);
}

in_both_places! {
    fn p7_each_job_is_done_once_and_each_result_arrives(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(4), &store).expect("the pool starts");
        assert_eq!(pool.members().len(), 4);
        (1..=500).for_each(|number| give(&store, number, ""));
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (500, 500, 0, 0));
        assert_eq!(heard.borrow().len(), 500, "a result was overwritten by that of another member");
        assert_eq!(numbers(&heard), (1..=500).collect());
    }

    fn p7_members_work_at_the_same_time(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(3).for_all(shared![GO]), &store).expect("the pool starts");
        let begun = all_begun(&store);
        (1..=3).for_each(|number| give(&store, number, "hold"));
        wait_until(&store, |_| begun.borrow().len() == 3);
        assert_eq!(pool.stats().at_work, 3);
        store.set(&GO, 1);
        assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
        assert_eq!(heard.borrow().len(), 3);
    }

    fn p7_a_member_that_is_busy_gets_no_more_jobs(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2).for_all(shared![GO]), &store).expect("the pool starts");
        give(&store, 1, "hold");
        wait_begun(&store, 1);
        (2..=50).for_each(|number| give(&store, number, ""));
        wait_until(&store, |_| heard.borrow().len() == 49);
        // The results of a job arrive before it counts as done.
        wait_until(&store, |_| pool.stats().at_work == 1);
        store.set(&GO, 1);
        assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
        assert_eq!(heard.borrow().last().map(|done| done.0), Some(1));
        assert_eq!(heard.borrow().len(), 50);
    }

    fn p7_a_job_arrives_whole(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(3), &store).expect("the pool starts");
        for number in 1..=300 {
            store.batch(|store| {
                give(store, number, "");
                store.set(&PART, number + 1000);
            });
        }
        assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
        assert_eq!(heard.borrow().len(), 300);
        assert!(heard.borrow().iter().all(|(job, _, part)| *part == job + 1000), "{heard:?}");
    }

    fn p7_no_job_overtakes_what_is_for_all(place: Place) {
        for delivery in [Delivery::Every, Delivery::Latest] {
            let store = ReactonStore::new();
            let heard = results(&store);
            let pool = start!(place, hand.delivery(delivery).pool(3).for_all(shared![SETTING]), &store);
            let pool = pool.expect("the pool starts");
            for number in 100..=300 {
                store.set(&SETTING, number);
                give(&store, number, "");
            }
            assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
            assert_eq!(pool.stats().given, 201, "a setting counts as a job");
            // Under `Latest`, results are merged on their way.
            assert!(heard.borrow().iter().all(|(job, _, setting)| setting >= job), "{heard:?}");
            assert!(delivery == Delivery::Latest || heard.borrow().len() == 201);
        }
    }

    fn p7_a_job_that_equals_the_one_before_is_a_job_if_it_is_announced(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        give(&store, 1, "");
        (0..9).for_each(|_| store.touch(&TASK));
        assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
        assert_eq!(*heard.borrow(), [(1, 1, 0); 10]);
    }

    fn p7_a_job_whose_worker_panics_is_shown_as_lost_and_the_others_are_done(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.restart(restart_always()).pool(3), &store).expect("the pool starts");
        for number in 1..=60 {
            store.batch(|store| {
                give(store, number, if number % 10 == 0 { "panic" } else { "" });
                store.set(&PART, number + 1);
            });
        }
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()), "all members were restarted");
        assert_eq!(heard.borrow().len(), 54);
        let mut told: Vec<_> = pool
            .take_lost_jobs()
            .iter()
            .map(|job| {
                assert!(job.message.contains("told to"), "{}", job.message);
                assert!(job.get(&DONE).is_none(), "`DONE` is not a part of the job");
                (job.number, job.get(&TASK).map(|task| task.number), job.get(&PART).copied(), job.deaths)
            })
            .collect();
        told.sort_unstable();
        let tens = (1..=6_u32).map(|n| (u64::from(n * 10), Some(n * 10), Some(n * 10 + 1), 1));
        assert_eq!(told, tens.collect::<Vec<_>>());
        let stats = pool.stats();
        assert_eq!((stats.given, stats.done, stats.lost, stats.retried), (60, 54, 6, 0));
    }

    fn p7_a_job_whose_worker_panics_is_given_again_as_retries_says(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = restart_always();
        let pool = start!(place, hand.restart(builder).retries(2).pool(2), &store).expect("the pool starts");
        give(&store, 7, "panic");
        give(&store, 8, "");
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!(numbers(&heard), [8].into());
        let lost = pool.take_lost_jobs();
        let [job] = &lost[..] else { panic!("expected one lost job, got {lost:?}") };
        assert_eq!((job.number, job.deaths), (1, 3));
        assert_eq!(pool.stats().retried, 2);
    }

    fn p7_when_no_member_is_left_what_waits_is_lost(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, hand.pool(2).for_all(shared![GO]), &store).expect("the pool starts");
        let begun = all_begun(&store);
        (1..=2).for_each(|number| give(&store, number, "hold and panic"));
        (3..=5).for_each(|number| give(&store, number, ""));
        wait_until(&store, |_| begun.borrow().len() == 2);
        store.set(&GO, 1);
        assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
        let lost: BTreeSet<_> = pool.take_lost_jobs().iter().map(|job| job.number).collect();
        assert_eq!(lost, (1..=5).collect());
        give(&store, 6, "");
        assert_eq!(pool.take_lost_jobs().first().map(|job| (job.number, job.deaths)), Some((6, 0)));
        assert!(matches!(pool.shutdown(TIMEOUT), Err(ShutdownError::Failed { .. })));
    }

    fn p7_a_member_that_panics_outside_of_a_job_loses_no_job(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.restart(restart_always()).pool(2).for_all(shared![SETTING]), &store);
        let pool = pool.expect("the pool starts");
        for number in 1..=50 {
            give(&store, number, "");
            if number % 10 == 0 {
                store.set(&SETTING, 13);
                store.set(&SETTING, 0);
            }
        }
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!((heard.borrow().len(), pool.stats().lost), (50, 0));
    }

    fn p7_a_job_that_a_disposed_member_had_begun_is_lost(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, hand.pool(1), &store).expect("the pool starts");
        give(&store, 1, "hold");
        wait_begun(&store, 1);
        pool.members()[0].dispose();
        let lost = store.get(pool.lost_job()).expect("the job had been started");
        assert_eq!((lost.number, lost.message.as_str()), (1, "its worker was disposed"));
        give(&store, 2, "");
        let lost = store.get(pool.lost_job()).expect("no member is left");
        assert_eq!((lost.number, pool.stats().lost), (2, 2));
    }

    fn p7_a_disposed_pool_ends_at_once(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        (1..=20).for_each(|number| give(&store, number, "hold"));
        wait_until(&store, |_| pool.stats().at_work == 2);
        pool.dispose();
        pool.dispose();
        for member in pool.members() {
            assert_eq!(store.get(member.status()), IsolateStatus::Disposed);
        }
        drop(pool);
        assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
        assert!(heard.borrow().is_empty());
    }

    fn p7_a_member_that_is_shut_down_by_itself_gets_no_more_jobs(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        give(&store, 1, "slow");
        wait_begun(&store, 1);
        // Either of the two members may have the job; it ends when the job is done.
        assert_eq!(pool.members()[0].try_shutdown(TIMEOUT), Ok(()));
        (2..=10).for_each(|number| give(&store, number, ""));
        wait_until(&store, |_| heard.borrow().len() == 10);
        assert_eq!(pool.members()[1].try_shutdown(TIMEOUT), Ok(()));
        give(&store, 11, "");
        assert_eq!(store.get(pool.lost_job()).map(|job| job.number), Some(11));
        assert_eq!((pool.stats().done, pool.stats().lost), (10, 1));
    }

    fn p7_the_last_member_does_what_waits_before_it_ends(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(1), &store).expect("the pool starts");
        give(&store, 1, "slow");
        wait_begun(&store, 1);
        (2..=10).for_each(|number| give(&store, number, ""));
        let timed_out = pool.members()[0].try_shutdown(Duration::ZERO);
        assert!(matches!(timed_out, Err(ShutdownError::TimedOut { .. })));
        assert_eq!(pool.members()[0].try_shutdown(TIMEOUT), Ok(()));
        assert_eq!(numbers(&heard), (1..=10).collect());
    }

    fn p7_a_shutdown_waits_for_a_job_that_comes_back_from_a_member_that_died_of_it(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, hand.pool(3).retries(1), &store).expect("the pool starts");
        give(&store, 5, "slow and panic");
        wait_begun(&store, 5);
        // The other members have nothing to do, and are to end. One of them gets the job, and dies as well.
        let failed = pool.try_shutdown(TIMEOUT);
        assert!(matches!(failed, Err(ShutdownError::Failed { .. })), "{failed:?}");
        let lost = pool.take_lost_jobs();
        assert_eq!(lost.iter().map(|job| (job.number, job.deaths)).collect::<Vec<_>>(), [(1, 2)]);
    }

    fn p7_the_progress_follows_and_idle_waits_for_all(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        let progress = *pool.progress();
        (1..=100).for_each(|number| give(&store, number, ""));
        pool.idle(&store, TIMEOUT).expect("all jobs are done");
        assert_eq!(heard.borrow().len(), 100, "all results have arrived");
        wait_until(&store, |store| store.get(&progress).done == 100);
        assert_eq!(store.get(&progress), pool.stats());
        pool.shutdown(TIMEOUT).expect("the pool ends");
    }

    fn p7_a_member_with_a_loop_of_its_own_is_done_when_it_asks_for_more(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, looping.pool(2), &store).expect("the pool starts");
        (1..=100).for_each(|number| give(&store, number, ""));
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!((heard.borrow().len(), pool.stats().done), (100, 100));
    }

    fn p7_an_async_member_does_jobs(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, keen.pool(2), &store).expect("the pool starts");
        (1..=100).for_each(|number| give(&store, number, ""));
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        assert_eq!((heard.borrow().len(), pool.stats().done), (100, 100));
    }

    fn p7_a_job_whose_panic_its_worker_catches_is_over(place: Place) {
        let store = ReactonStore::new();
        let pool = start!(place, gatherer.pool(2), &store).expect("the pool starts");
        give(&store, 1, "panic");
        assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
        let stats = pool.stats();
        assert_eq!((stats.done, stats.at_work, stats.lost), (1, 0, 0));
    }

    fn p7_a_detached_pool_does_what_it_was_given(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        (1..=50).for_each(|number| give(&store, number, ""));
        pool.detach();
        wait_until(&store, |_| heard.borrow().len() == 50);
        store.dispose();
    }

    fn p7_a_large_job_arrives_whole(place: Place) {
        let store = ReactonStore::new();
        let heard = results(&store);
        let pool = start!(place, hand.pool(2), &store).expect("the pool starts");
        let how = "x".repeat(3_000_000);
        store.set(&TASK, Chore { number: 1, how: String::new() });
        store.set(&TASK, Chore { number: 2, how });
        // The second one is not an order that the member knows.
        let failed = pool.try_shutdown(TIMEOUT);
        assert!(matches!(failed, Err(ShutdownError::Failed { .. })), "{failed:.200?}");
        assert_eq!(numbers(&heard), [1].into());
        let lost = pool.take_lost_jobs();
        // It repeats the order, and is cut off on its way from a process.
        let is_long = |job: &LostJob| job.message.len() >= 16 * 1024;
        assert!(lost.iter().all(is_long), "the message of the panic is missing");
        assert_eq!(lost.len(), 1);
    }
}
