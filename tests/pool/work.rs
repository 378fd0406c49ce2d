//! Which member gets a job, and what happens to its results.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive};

use crate::{JOB, PART, RESULT, SETTING, results, square};

#[test]
fn each_job_is_done_once_and_each_result_arrives() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(4).spawn(&store).expect("the pool starts");
    assert_eq!(pool.members().len(), 4);
    (1..=1000).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (1000, 1000, 0, 0));
    assert_eq!(heard.borrow().len(), 1000, "a result was overwritten by that of another member");
    let distinct: BTreeSet<_> = heard.borrow().iter().copied().collect();
    assert_eq!(distinct, (1..=1000).map(|n| (n, n * n)).collect());
}

#[test]
fn members_work_at_the_same_time() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let all_at_work = Arc::new(Barrier::new(4));
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(4);
    let pool = builder.spawn(&store, move |store| {
        let all_at_work = Arc::clone(&all_at_work);
        store.subscribe(&JOB, move |store, n| {
            // Returns only if each of the four members has one of the four jobs.
            all_at_work.wait();
            store.set(&RESULT, (*n, 1));
        });
    });
    let pool = pool.expect("the pool starts");
    (1..=8).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().len(), 8, "a result that was written at the same time was lost");
}

#[test]
fn a_member_that_is_busy_gets_no_more_jobs() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (arrive, begun) = channel();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(signal));
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let (arrive, signal) = (arrive.clone(), Arc::clone(&signal));
        store.subscribe(&JOB, move |store, n| {
            if *n == 1 {
                arrive.send(()).expect("the channel is open");
                signal
                    .lock()
                    .expect("the mutex is not poisoned")
                    .recv()
                    .expect("a message arrives");
            }
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("the pool starts");
    store.set(&JOB, 1);
    receive(&begun);
    (2..=50).for_each(|n| store.set(&JOB, n));
    store
        .run_until(TIMEOUT, |_| heard.borrow().len() == 49)
        .expect("the other member does all jobs");
    assert_eq!(pool.stats().at_work, 1);
    go.send(()).expect("the channel is open");
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().last(), Some(&(1, 0)));
    assert_eq!(heard.borrow().len(), 50);
}

#[test]
fn the_progress_counts_a_result_that_waits_however_late_its_job_was_begun() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (tell, told) = channel();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(signal));
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let (tell, signal) = (tell.clone(), Arc::clone(&signal));
        store.subscribe(&JOB, move |store, n| {
            if *n == 1 {
                tell.send(()).expect("the channel is open");
                signal
                    .lock()
                    .expect("the mutex is not poisoned")
                    .recv()
                    .expect("a message arrives");
            }
            store.set(&RESULT, (*n, 0));
            if *n == 1 {
                tell.send(()).expect("the channel is open");
            }
        });
    });
    let pool = pool.expect("the pool starts");
    store.set(&JOB, 1);
    receive(&told);
    // The other member writes results with much higher versions.
    (2..=50).for_each(|n| store.set(&JOB, n));
    store
        .run_until(TIMEOUT, |_| heard.borrow().len() == 49)
        .expect("the other member does all jobs");
    assert!(!store.is_stale(&RESULT));
    go.send(()).expect("the channel is open");
    receive(&told);
    assert!(
        store.is_stale(&RESULT),
        "a result is applied even if it is older than the current one"
    );
    store.pump();
    assert_eq!(store.get(&RESULT), (1, 0));
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn a_job_arrives_whole() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder = IsolateStore::builder().shared(shared![JOB, PART, RESULT]).pool(3);
    let pool = builder.spawn(&store, |store| {
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, store.get(&PART))));
    });
    let pool = pool.expect("the pool starts");
    for n in 1..=300 {
        store.batch(|store| {
            store.set(&JOB, n);
            store.set(&PART, n + 1000);
        });
    }
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().len(), 300);
    assert!(heard.borrow().iter().all(|(job, part)| *part == job + 1000), "{heard:?}");
}

#[test]
fn what_is_for_all_reaches_everybody_and_no_job_overtakes_it() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (tell, told) = channel();
    let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
    let pool = builder.pool(3).for_all(shared![SETTING]).spawn(&store, move |store| {
        let tell = tell.clone();
        store.subscribe(&SETTING, move |_, setting| {
            tell.send(*setting).expect("the channel is open");
        });
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, store.get(&SETTING))));
    });
    let pool = pool.expect("the pool starts");
    for n in 1..=200 {
        store.set(&SETTING, n);
        store.set(&JOB, n);
    }
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!(pool.stats().given, 200, "a setting counts as a job");
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told.len(), 600, "each member receives each setting");
    assert!(heard.borrow().iter().all(|(job, setting)| setting >= job), "{heard:?}");
    assert_eq!(heard.borrow().len(), 200);
}

#[test]
fn a_job_that_equals_the_one_before_is_a_job_if_it_is_announced() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let tell = tell.clone();
        store.subscribe(&JOB, move |_, n| tell.send(*n).expect("the channel is open"));
    });
    let pool = pool.expect("the pool starts");
    store.set(&JOB, 1);
    store.set(&JOB, 1);
    (0..9).for_each(|_| store.touch(&JOB));
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1; 10]);
}

#[test]
fn what_a_member_writes_does_not_go_to_the_others_but_to_everybody_else() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let other = IsolateStore::spawn(&store, shared![RESULT], move |store| {
        store.subscribe(&RESULT, move |_, result| tell.send(*result).expect("the channel is open"));
    });
    let other = other.expect("the worker starts");
    let (warn, warned) = channel();
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let warn = warn.clone();
        store.subscribe(&JOB, move |store, n| {
            store.set(&RESULT, (*n, 7));
            // A member holds what it wrote, and no value of the other member.
            warn.send((*n, store.get(&RESULT).0)).expect("the channel is open");
        });
    });
    let pool = pool.expect("the pool starts");
    (1..=100).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!(pool.stats().given, 100, "a result counts as a job");
    assert_eq!(other.shutdown(TIMEOUT), Ok(()));
    let all: BTreeSet<_> = told.try_iter().map(|(n, _)| n).collect();
    assert_eq!(all, (1..=100).collect(), "the other isolate receives each result");
    assert!(warned.try_iter().all(|(n, own)| n == own));
}

#[test]
fn each_result_that_is_a_number_counts_whether_or_not_another_isolate_shares_it() {
    #[reacton(eq = never)]
    static ORDER: u32 = 0;
    #[reacton(eq = never)]
    static PARITY: u32 = 0;
    for is_shared in [false, true] {
        let store = ReactonStore::new();
        let builder = IsolateStore::builder().shared(shared![ORDER, PARITY]).pool(3);
        let pool = builder.spawn(&store, |store| {
            store.subscribe(&ORDER, |store, n| store.set(&PARITY, n % 2));
        });
        let pool = pool.expect("the pool starts");
        let (tell, told) = channel();
        let shared = if is_shared { shared![PARITY] } else { shared![SETTING] };
        let other = IsolateStore::spawn(&store, shared, move |store| {
            store.subscribe(&PARITY, move |_, parity| {
                tell.send(*parity).expect("the channel is open");
            });
        });
        let other = other.expect("the worker starts");
        let heard = store.reacton(Vec::new());
        store.subscribe(&PARITY, move |store, n| store.update(&heard, |all| all.push(*n)));
        (1..=100).for_each(|n| store.set(&ORDER, n));
        assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
        let heard = store.get(&heard);
        assert_eq!((heard.len(), heard.iter().sum::<u32>()), (100, 50));
        // A later write of main is newer than every result.
        store.set(&PARITY, 2);
        assert_eq!(other.shutdown(TIMEOUT), Ok(()));
        let expected = if is_shared { [heard, vec![2]].concat() } else { Vec::new() };
        assert_eq!(
            told.try_iter().collect::<Vec<_>>(),
            expected,
            "the other isolate receives the results in main's order"
        );
    }
}

#[test]
fn what_another_isolate_writes_is_a_job_too() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("the pool starts");
    let foreman = IsolateStore::spawn(&store, shared![JOB], |store| {
        (1..=20).for_each(|n| store.set(&JOB, n));
    });
    assert_eq!(foreman.expect("the worker starts").shutdown(TIMEOUT), Ok(()));
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().len(), 20);
}

#[test]
fn an_impossible_pool_is_an_error_with_its_reason() {
    let store = ReactonStore::new();
    let error = square::builder().pool(0).spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::NoMembers { .. }) && error.to_string().contains("square"));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2).for_all(shared![SETTING]);
    let error = builder.spawn(&store, |_| {}).expect_err("spawn fails");
    assert!(error.to_string().contains("pool::SETTING"), "{error}");
    store.dispose();
    let error = square::builder().pool(2).spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::Disposed { .. }), "{error}");
}

#[test]
fn arguments_are_cloned_for_each_member_and_members_have_names_of_their_own() {
    #[worker(shared = [JOB, RESULT], name = "adder")]
    fn add(store: &ReactonStore, tell: Sender<String>, summand: u32) {
        let name = std::thread::current().name().map(ToOwned::to_owned);
        tell.send(name.expect("the pool has a name")).expect("the channel is open");
        drop(tell);
        store.subscribe(&JOB, move |store, n| store.set(&RESULT, (*n, n + summand)));
    }
    let store = ReactonStore::new();
    let heard = results(&store);
    let (tell, told) = channel();
    let pool = add::builder().pool(3).spawn(&store, tell, 5).expect("the pool starts");
    store.set(&JOB, 1);
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(*heard.borrow(), [(1, 6)]);
    let names: BTreeSet<_> = told.try_iter().collect();
    assert_eq!(names, ["adder 1", "adder 2", "adder 3"].map(String::from).into());
}

#[test]
fn what_is_handed_over_by_count_is_a_job_without_a_copy() {
    #[reacton(zero_copy)]
    static PICTURE: Vec<u8> = Vec::new();
    #[reacton]
    static SUM: (usize, u64) = (0, 0);
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![PICTURE, SUM]).pool(2);
    let pool = builder.spawn(&store, |store| {
        store.subscribe(&PICTURE, |store, picture| {
            let sum = picture.iter().map(|byte| u64::from(*byte)).sum();
            store.set(&SUM, (picture.as_ptr() as usize, sum));
        });
    });
    let pool = pool.expect("the pool starts");
    store.set(&PICTURE, vec![3; 1 << 20]);
    let place = store.with(&PICTURE, |picture| picture.as_ptr() as usize);
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&SUM), (place, 3 << 20));
}

#[test]
fn a_job_does_not_wait_behind_a_member_that_is_busy_with_something_else() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let ((tell, told), go) = (channel(), Arc::new(Barrier::new(2)));
    let shared = shared![JOB, SETTING, RESULT];
    let builder = IsolateStore::builder().shared(shared).pool(2).for_all(shared![SETTING]);
    let (held, only_one) = (Arc::clone(&go), Arc::new(AtomicBool::new(false)));
    let pool = builder.spawn(&store, move |store: &ReactonStore| {
        let (tell, held, only_one) = (tell.clone(), Arc::clone(&held), Arc::clone(&only_one));
        // The member that is called first reports that, and waits.
        store.subscribe(&SETTING, move |_, setting| {
            if !only_one.swap(true, Ordering::SeqCst) {
                tell.send(*setting).expect("the channel is open");
                held.wait();
            }
        });
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, n * n)));
    });
    let pool = pool.expect("the pool starts");
    store.set(&SETTING, 1);
    assert_eq!(receive(&told), 1);
    for n in 1..=20 {
        store.set(&JOB, n);
        let done = store.run_until(TIMEOUT, |store| store.get(&RESULT) == (n, n * n));
        assert_eq!(done, Ok(()), "the free member does the job");
    }
    go.wait();
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
    assert_eq!(heard.borrow().len(), 20);
}

#[test]
fn a_condition_on_the_statistics_of_a_pool_is_checked_again_though_the_jobs_write_nothing() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(signal));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(1);
    let pool = builder.spawn(&store, move |store: &ReactonStore| {
        let signal = Arc::clone(&signal);
        store.subscribe(&JOB, move |_, _| {
            signal.lock().expect("the mutex is not poisoned").recv().expect("a message arrives");
        });
    });
    let pool = pool.expect("the pool starts");
    // The job continues only after the condition was checked and did not hold.
    let holds_after_a_job = |condition: fn(&reacton::PoolStats) -> bool| {
        let (mut went, begin) = (false, Instant::now());
        let waited = store.run_until(TIMEOUT, |_| {
            let holds = condition(&pool.stats());
            if !holds && !std::mem::replace(&mut went, true) {
                go.send(()).expect("the channel is open");
            }
            holds
        });
        assert!(begin.elapsed() < TIMEOUT, "the condition was checked only at the deadline");
        waited
    };
    (1..=3).for_each(|n| store.set(&JOB, n));
    assert_eq!(store.run_until(TIMEOUT, |_| pool.stats().waiting == 2), Ok(()), "one job is taken");
    assert_eq!(holds_after_a_job(|stats| stats.waiting == 1), Ok(()));
    assert_eq!(holds_after_a_job(|stats| stats.done == 2), Ok(()));
    assert_eq!(holds_after_a_job(|stats| stats.done == stats.given), Ok(()), "all jobs are done");
    assert_eq!(pool.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn a_condition_that_takes_turns_itself_is_checked_again_though_the_jobs_write_nothing() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let signal = Arc::new(Mutex::new(signal));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(1);
    let pool = builder.spawn(&store, move |store| {
        let signal = Arc::clone(&signal);
        store.subscribe(&JOB, move |_, _| {
            receive(&signal.lock().expect("the mutex is not poisoned"));
        });
    });
    let pool = pool.expect("the pool starts");
    store.set(&JOB, 1);
    let mut looks = 0;
    let done = store.run_until(TIMEOUT, |store| {
        assert_eq!(store.run_until(Duration::ZERO, |_| false), Err(RunError::TimedOut));
        let is_done = pool.stats().done == 1;
        looks += 1;
        if looks == 1 {
            // The job ends after this check.
            go.send(()).expect("the channel is open");
        }
        is_done
    });
    assert_eq!(done, Ok(()));
    store.set(&JOB, 2);
    let mut looks = 0;
    let done = store.run_until(TIMEOUT, |store| {
        let is_done = pool.stats().done == 2;
        looks += 1;
        if looks == 1 {
            // The job ends after this check, and the inner call applies its end.
            go.send(()).expect("the channel is open");
            store.run_until(TIMEOUT, |_| pool.stats().done == 2).expect("both jobs are done");
            assert_eq!(store.run_until(Duration::ZERO, |_| false), Err(RunError::TimedOut));
        }
        is_done
    });
    assert_eq!(done, Ok(()));
}
