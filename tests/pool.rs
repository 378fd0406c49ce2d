//! Pools: several workers of one function, and jobs that go to whoever is free.
//!
//! Nothing sleeps: threads meet at barriers, channels and turns.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use reacton::prelude::*;
use reacton::testing::Simulation;
use serde::{Deserialize, Serialize, Serializer};

/// Long enough for any machine; nothing waits this long unless it is broken.
const SOON: Duration = Duration::from_secs(30);

#[reacton]
static JOB: u32 = 0;

/// Written together with `JOB`.
#[reacton]
static PART: u32 = 0;

#[reacton]
static SETTING: u32 = 0;

/// The job, and what came of it.
#[reacton]
static RESULT: (u32, u32) = (0, 0);

#[worker(shared = [JOB, PART, SETTING, RESULT])]
fn square(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, n * n)));
}

/// All that `store` hears of `RESULT`.
fn results(store: &ReactonStore) -> Rc<RefCell<Vec<(u32, u32)>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&RESULT, move |_, result| log.borrow_mut().push(*result));
    heard
}

#[track_caller]
fn hear<T>(told: &Receiver<T>) -> T {
    told.recv_timeout(SOON).expect("somebody tells")
}

#[track_caller]
fn hear_end<T: std::fmt::Debug>(told: &Receiver<T>) {
    match told.recv_timeout(SOON) {
        Err(RecvTimeoutError::Disconnected) => {}
        other => panic!("expected the end, got {other:?}"),
    }
}

#[test]
fn each_job_is_done_once_and_each_result_arrives() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(4).spawn(&store).expect("it starts");
    assert_eq!(pool.members().len(), 4);
    (1..=1000).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, stats.waiting), (1000, 1000, 0, 0));
    assert_eq!(heard.borrow().len(), 1000, "none is overwritten by another member's");
    let distinct: BTreeSet<_> = heard.borrow().iter().copied().collect();
    assert_eq!(distinct, (1..=1000).map(|n| (n, n * n)).collect());
}

#[test]
fn a_pool_begins_and_ends_without_blocking_and_loses_nothing() {
    let store = ReactonStore::new();
    let heard = results(&store);
    block_on(async {
        let spawning = square::builder().pool(3).spawn_async(&store);
        // Written after the call: jobs already.
        (1..=10).for_each(|n| store.set(&JOB, n));
        let pool = spawning.await.expect("it starts");
        assert_eq!(pool.members().len(), 3);
        (11..=100).for_each(|n| store.set(&JOB, n));
        assert_eq!(pool.shutdown_async().await, Ok(()));
    });
    let distinct: BTreeSet<_> = heard.borrow().iter().copied().collect();
    assert_eq!(distinct, (1..=100).map(|n| (n, n * n)).collect());
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected), "nobody is left");
}

#[test]
fn a_pool_that_is_no_longer_awaited_is_disposed() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let (tell, told) = channel::<()>();
    let entry = move |store: &ReactonStore| {
        let alive = tell.clone();
        store.subscribe(&JOB, move |_, _| alive.send(()).expect("it is never called"));
    };
    drop(builder.clone().spawn_async(&store, entry.clone()));
    let pool = block_on(builder.spawn_async(&store, entry)).expect("it starts");
    let mut ending = Box::pin(pool.shutdown_async());
    // One poll: whether it is over by then or not, nothing of it is left afterwards.
    let _ = block_on(poll_once(&mut ending));
    drop(ending);
    hear_end(&told);
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
}

#[test]
fn a_pool_that_is_awaited_gives_its_errors() {
    let store = ReactonStore::new();
    let none = block_on(square::builder().pool(0).spawn_async(&store));
    assert!(matches!(none, Err(SpawnError::NoMembers { .. })), "{none:?}");
    let pool = square::builder().pool(2).spawn(&store).expect("it starts");
    let ending = RefCell::new(Some(Box::pin(pool.shutdown_async())));
    let nested = store.batch(|_| block_on(ending.take().expect("it is there")));
    assert!(matches!(nested, Err(ShutdownError::Nested { .. })), "{nested:?}");
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = block_on(builder.spawn_async(&store, |store| {
        store.subscribe(&JOB, |_, n| assert!(*n < 7, "seven"));
    }))
    .expect("it starts");
    store.set(&JOB, 7);
    let failed = block_on(pool.shutdown_async());
    assert!(matches!(&failed, Err(ShutdownError::Failed { message, .. }) if message == "seven"));
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
            // Passed only if each of the four has one of four jobs.
            all_at_work.wait();
            store.set(&RESULT, (*n, 1));
        });
    });
    let pool = pool.expect("it starts");
    (1..=8).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(heard.borrow().len(), 8, "also what was written at the same moment");
}

#[test]
fn a_member_that_is_busy_gets_no_more_jobs() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (arrive, begun) = channel();
    let (go, gone) = channel();
    let gone = Arc::new(Mutex::new(gone));
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let (arrive, gone) = (arrive.clone(), Arc::clone(&gone));
        store.subscribe(&JOB, move |store, n| {
            if *n == 1 {
                arrive.send(()).expect("main listens");
                gone.lock().expect("nobody panics").recv().expect("main says when");
            }
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("it starts");
    store.set(&JOB, 1);
    hear(&begun);
    (2..=50).for_each(|n| store.set(&JOB, n));
    store.run_until(SOON, |_| heard.borrow().len() == 49).expect("the other one does all of them");
    assert_eq!(pool.stats().at_work, 1);
    go.send(()).expect("the first one waits");
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(heard.borrow().last(), Some(&(1, 0)));
    assert_eq!(heard.borrow().len(), 50);
}

#[test]
fn main_knows_that_a_result_waits_however_late_its_job_was_begun() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (tell, told) = channel();
    let (go, gone) = channel();
    let gone = Arc::new(Mutex::new(gone));
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let (tell, gone) = (tell.clone(), Arc::clone(&gone));
        store.subscribe(&JOB, move |store, n| {
            if *n == 1 {
                tell.send(()).expect("main listens");
                gone.lock().expect("nobody panics").recv().expect("main says when");
            }
            store.set(&RESULT, (*n, 0));
            if *n == 1 {
                tell.send(()).expect("main listens");
            }
        });
    });
    let pool = pool.expect("it starts");
    store.set(&JOB, 1);
    hear(&told);
    // The other one writes results that are newer by far.
    (2..=50).for_each(|n| store.set(&JOB, n));
    store.run_until(SOON, |_| heard.borrow().len() == 49).expect("the other one does all of them");
    assert!(!store.is_stale(&RESULT));
    go.send(()).expect("the first one waits");
    hear(&told);
    assert!(store.is_stale(&RESULT), "it is taken in whatever its version is");
    store.pump();
    assert_eq!(store.get(&RESULT), (1, 0));
    assert_eq!(pool.shutdown(SOON), Ok(()));
}

#[test]
fn a_job_arrives_whole() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder = IsolateStore::builder().shared(shared![JOB, PART, RESULT]).pool(3);
    let pool = builder.spawn(&store, |store| {
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, store.get(&PART))));
    });
    let pool = pool.expect("it starts");
    for n in 1..=300 {
        store.batch(|store| {
            store.set(&JOB, n);
            store.set(&PART, n + 1000);
        });
    }
    assert_eq!(pool.shutdown(SOON), Ok(()));
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
        store.subscribe(&SETTING, move |_, setting| tell.send(*setting).expect("main listens"));
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, store.get(&SETTING))));
    });
    let pool = pool.expect("it starts");
    for n in 1..=200 {
        store.set(&SETTING, n);
        store.set(&JOB, n);
    }
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    assert_eq!(pool.stats().given, 200, "a setting is no job");
    let told: Vec<_> = told.try_iter().collect();
    assert_eq!(told.len(), 600, "each member has heard each setting");
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
        store.subscribe(&JOB, move |_, n| tell.send(*n).expect("main listens"));
    });
    let pool = pool.expect("it starts");
    store.set(&JOB, 1);
    store.set(&JOB, 1);
    (0..9).for_each(|_| store.touch(&JOB));
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1; 10]);
}

#[test]
fn what_a_member_writes_does_not_go_to_the_others_but_to_everybody_else() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let other = IsolateStore::spawn(&store, shared![RESULT], move |store| {
        store.subscribe(&RESULT, move |_, result| tell.send(*result).expect("main listens"));
    });
    let other = other.expect("it starts");
    let (warn, warned) = channel();
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let warn = warn.clone();
        store.subscribe(&JOB, move |store, n| {
            store.set(&RESULT, (*n, 7));
            // A member holds what it wrote itself, and nothing of the other's.
            warn.send((*n, store.get(&RESULT).0)).expect("main listens");
        });
    });
    let pool = pool.expect("it starts");
    (1..=100).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    assert_eq!(pool.stats().given, 100, "a result is no job");
    assert_eq!(other.shutdown(SOON), Ok(()));
    let all: BTreeSet<_> = told.try_iter().map(|(n, _)| n).collect();
    assert_eq!(all, (1..=100).collect(), "the other isolate has heard each of them");
    assert!(warned.try_iter().all(|(n, own)| n == own));
}

#[test]
fn what_another_isolate_writes_is_a_job_too() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("it starts");
    let foreman = IsolateStore::spawn(&store, shared![JOB], |store| {
        (1..=20).for_each(|n| store.set(&JOB, n));
    });
    assert_eq!(foreman.expect("it starts").shutdown(SOON), Ok(()));
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(heard.borrow().len(), 20);
}

/// Squares, and dies of multiples of ten.
#[worker(shared = [JOB, PART, RESULT])]
fn fragile(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| {
        assert!(!n.is_multiple_of(10), "{n} is too much");
        store.set(&RESULT, (*n, n * n));
    });
}

fn always() -> Restart {
    Restart::OnPanic { max: u32::MAX, within: Duration::MAX, backoff: Duration::ZERO }
}

/// What is lost, as it is told.
fn lost(store: &ReactonStore, pool: &Pool) -> Rc<RefCell<Vec<LostJob>>> {
    let lost = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&lost);
    store.subscribe(pool.lost_job(), move |_, job| log.borrow_mut().extend(job.clone()));
    lost
}

#[test]
fn a_job_whose_worker_dies_is_shown_with_its_values_and_the_others_are_done() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = fragile::builder().restart(always()).pool(3).spawn(&store).expect("it starts");
    let lost = lost(&store, &pool);
    for n in 1..=100 {
        store.batch(|store| {
            store.set(&JOB, n);
            store.set(&PART, n + 1);
        });
    }
    assert_eq!(pool.try_shutdown(SOON), Ok(()), "all members were started again");
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
    assert!(lost.borrow()[0].get(&RESULT).is_none(), "that was not in the job");
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, stats.retried), (100, 90, 10, 0));
}

#[test]
fn a_job_whose_worker_dies_is_given_again_as_often_as_was_asked() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).restart(always());
    // The first worker of each job dies of it; of seven, the second too.
    let died = Arc::new(Mutex::new(BTreeSet::new()));
    let pool = builder.pool(2).retries(1).spawn(&store, move |store| {
        let died = Arc::clone(&died);
        store.subscribe(&JOB, move |store, n| {
            let first = died.lock().expect("it is let go before").insert(*n);
            assert!(!first && *n != 7, "dying of {n}");
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("it starts");
    let lost = lost(&store, &pool);
    (1..=20).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
    assert_eq!(done, (1..=20).filter(|n| *n != 7).collect());
    assert_eq!(heard.borrow().len(), 19);
    let [job] = &lost.borrow()[..] else { panic!("one is lost: {lost:?}") };
    assert_eq!((job.number, job.deaths, job.get(&JOB)), (7, 2, Some(&7)));
    assert_eq!(pool.stats().retried, 20);
}

#[test]
fn when_no_member_is_left_what_waits_is_lost_and_so_is_what_is_written_later() {
    let store = ReactonStore::new();
    let (go, gone) = channel();
    let gone = Arc::new(Mutex::new(gone));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let gone = Arc::clone(&gone);
        store.subscribe(&JOB, move |_, n| {
            gone.lock().expect("it is let go before").recv().expect("main says when");
            panic!("dying of {n}");
        });
    });
    let pool = pool.expect("it starts");
    let lost = lost(&store, &pool);
    (1..=5).for_each(|n| store.set(&JOB, n));
    (0..2).for_each(|_| go.send(()).expect("they wait"));
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
    let numbers =
        |lost: &Vec<LostJob>| -> BTreeSet<u64> { lost.iter().map(|job| job.number).collect() };
    assert_eq!(numbers(&lost.borrow()), (1..=5).collect());
    store.set(&JOB, 6);
    assert_eq!(lost.borrow().last().map(|job| (job.number, job.deaths)), Some((6, 0)));
    assert!(matches!(pool.shutdown(SOON), Err(ShutdownError::Failed { .. })));
    store.set(&JOB, 7);
    assert_eq!(lost.borrow().len(), 6, "the pool is no more");
}

#[test]
fn a_member_that_dies_of_something_else_loses_no_job() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]).restart(always());
    let pool = builder.pool(2).for_all(shared![SETTING]).spawn(&store, |store| {
        store.subscribe(&SETTING, |_, setting| panic!("no setting suits: {setting}"));
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, 0)));
    });
    let pool = pool.expect("it starts");
    for n in 1..=100 {
        store.set(&JOB, n);
        if n % 10 == 0 {
            store.set(&SETTING, n);
        }
    }
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    assert_eq!(heard.borrow().len(), 100);
    assert_eq!(pool.stats().lost, 0);
}

#[test]
fn a_pool_that_is_dropped_leaves_no_worker_and_no_job() {
    /// The channel ends after the argument is dropped.
    #[derive(Clone)]
    struct Held {
        _argument: Arc<()>,
        _alive: Sender<()>,
    }
    let store = ReactonStore::new();
    let (alive, ended) = channel();
    let argument = Arc::new(());
    let held = Held { _argument: Arc::clone(&argument), _alive: alive };
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).restart(always());
    let pool = builder.pool(3).spawn(&store, move |store| {
        let held = held.clone();
        store.subscribe(&JOB, move |store, n| {
            let _held = &held;
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("it starts");
    let status = *pool.members()[2].status();
    (1..=1000).for_each(|n| store.set(&JOB, n));
    drop(pool);
    hear_end(&ended);
    assert_eq!(Arc::strong_count(&argument), 1);
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    assert_eq!(store.pump(), 0, "nothing is taken in afterwards");
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
}

#[test]
fn a_pool_ends_with_its_store_also_when_it_is_detached() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let (alive, ended) = channel::<()>();
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).pool(2);
    let pool = builder.spawn(&store, move |store| {
        let alive = alive.clone();
        store.subscribe(&JOB, move |store, n| {
            let _alive = &alive;
            store.set(&RESULT, (*n, 0));
        });
    });
    pool.expect("it starts").detach();
    (1..=10).for_each(|n| store.set(&JOB, n));
    store.run_until(SOON, |_| heard.borrow().len() == 10).expect("it works on");
    drop(store);
    hear_end(&ended);
}

#[test]
fn disposing_one_member_leaves_its_share_to_the_others() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("it starts");
    (1..=10).for_each(|n| store.set(&JOB, n));
    pool.members()[0].dispose();
    (11..=50).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    let stats = pool.stats();
    assert_eq!(stats.given, 50);
    assert!(stats.done >= 49, "all but the one that it was at: {stats:?}");
    assert!(heard.borrow().iter().filter(|(n, _)| *n > 10).count() >= 39);
}

#[test]
fn a_pool_that_cannot_be_is_an_error_that_says_why() {
    let store = ReactonStore::new();
    let error = square::builder().pool(0).spawn(&store).expect_err("nobody is in it");
    assert!(matches!(error, SpawnError::NoMembers { .. }) && error.to_string().contains("square"));
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(2).for_all(shared![SETTING]);
    let error = builder.spawn(&store, |_| {}).expect_err("it is not shared");
    assert!(error.to_string().contains("pool::SETTING"), "{error}");
    store.dispose();
    let error = square::builder().pool(2).spawn(&store).expect_err("it is disposed");
    assert!(matches!(error, SpawnError::Disposed { .. }), "{error}");
}

#[test]
fn arguments_are_cloned_for_each_member_and_members_have_names_of_their_own() {
    #[worker(shared = [JOB, RESULT], name = "adder")]
    fn add(store: &ReactonStore, tell: Sender<String>, summand: u32) {
        let name = std::thread::current().name().map(ToOwned::to_owned);
        tell.send(name.expect("it has one")).expect("main listens");
        drop(tell);
        store.subscribe(&JOB, move |store, n| store.set(&RESULT, (*n, n + summand)));
    }
    let store = ReactonStore::new();
    let heard = results(&store);
    let (tell, told) = channel();
    let pool = add::builder().pool(3).spawn(&store, tell, 5).expect("it starts");
    store.set(&JOB, 1);
    assert_eq!(pool.shutdown(SOON), Ok(()));
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
    let pool = pool.expect("it starts");
    store.set(&PICTURE, vec![3; 1 << 20]);
    let place = store.with(&PICTURE, |picture| picture.as_ptr() as usize);
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(store.get(&SUM), (place, 3 << 20));
}

#[test]
fn in_a_simulation_every_schedule_does_every_job_once_though_workers_die() {
    std::panic::set_hook(Box::new(|info| {
        // The deaths of the simulation are meant to be.
        if info.payload().downcast_ref() != Some(&"its fate") {
            eprintln!("{info}");
        }
    }));
    for seed in 0..500 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let heard = results(&store);
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let members = 1 + simulation.pick(4);
        let died = Arc::new(Mutex::new(BTreeSet::new()));
        let pool = builder
            .restart(always())
            .pool(members)
            .for_all(shared![SETTING])
            .retries(1)
            .spawn(&store, move |store| {
                let died = Arc::clone(&died);
                store.subscribe(&JOB, move |store, n| {
                    assert!(store.get(&SETTING) >= n / 10, "a job has overtaken its setting");
                    if n.is_multiple_of(7) && died.lock().expect("let go before").insert(*n) {
                        std::panic::panic_any("its fate");
                    }
                    store.set(&RESULT, (*n, n * n));
                });
            })
            .expect("it starts");
        for n in 1..=40 {
            if n % 10 == 0 {
                store.set(&SETTING, n / 10);
            }
            store.set(&JOB, n);
            for _ in 0..simulation.pick(6) {
                simulation.step();
            }
        }
        if simulation.pick(2) == 0 {
            simulation.settle();
        }
        assert_eq!(pool.try_shutdown(SOON), Ok(()), "seed {seed}");
        let done: BTreeSet<_> = heard.borrow().iter().map(|(n, _)| *n).collect();
        assert_eq!(done, (1..=40).collect(), "seed {seed}");
        assert_eq!(heard.borrow().len(), 40, "seed {seed}");
        let stats = pool.stats();
        assert_eq!((stats.done, stats.retried, stats.lost), (40, 5, 0), "seed {seed}");
    }
}

/// Dies of its first job; the job is told of, and may be done again.
#[worker(shared = [JOB, RESULT])]
fn dies_once(store: &ReactonStore, begun: Sender<()>, go: Arc<Barrier>, tried: Arc<AtomicBool>) {
    store.subscribe(&JOB, move |store, n| {
        if !tried.swap(true, Ordering::SeqCst) {
            begun.send(()).expect("main listens");
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
    let pool = pool.spawn(&store, begun, Arc::clone(&go), Arc::default()).expect("it starts");
    store.set(&JOB, 5);
    hear(&told);
    let mut ending = Box::pin(pool.shutdown_async());
    // The others have nothing to do, and are told to end.
    assert_eq!(block_on(poll_once(&mut ending)), None);
    go.wait();
    assert!(matches!(block_on(ending), Err(ShutdownError::Failed { .. })), "one has died");
    assert_eq!(heard.take(), [(5, 25)], "its job was done by another");
}

#[worker(shared = [JOB, RESULT])]
fn tough(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| {
        assert!(*n != 1, "one is too hard");
        store.set(&RESULT, (*n, n * n));
    });
    while !store.is_disposed() {
        // Whatever a job does, the next is asked for.
        let _ = catch_unwind(AssertUnwindSafe(|| store.wait(Duration::MAX)));
    }
}

#[test]
fn a_job_whose_panic_its_worker_catches_is_over() {
    let store = ReactonStore::new();
    let pool = tough::builder().pool(2).spawn(&store).expect("it starts");
    store.set(&JOB, 1);
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.done, stats.at_work, stats.lost), (1, 0, 0));
}

#[test]
fn what_is_written_after_a_shutdown_has_begun_is_no_job() {
    let store = ReactonStore::new();
    let heard = results(&store);
    let pool = square::builder().pool(2).spawn(&store).expect("it starts");
    // Each result asks for another, without end.
    store.subscribe(&RESULT, |store, (n, _)| store.set(&JOB, n + 100));
    (1..=20).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(SOON), Ok(()));
    assert_eq!((heard.borrow().len(), pool.stats().given, pool.stats().lost), (20, 20, 0));
}

#[test]
fn what_goes_to_all_of_a_pool_converges_though_a_member_writes_it() {
    for seed in 0..200 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let shared = shared![JOB, SETTING, RESULT];
        let builder = IsolateStore::builder().shared(shared).pool(2).for_all(shared![SETTING]);
        let pool = builder.spawn(&store, |store| {
            store.subscribe(&JOB, |store, n| {
                if *n < 10 {
                    store.set(&SETTING, *n);
                }
                store.set(&RESULT, (*n, store.get(&SETTING)));
            });
        });
        let _pool = pool.expect("it starts");
        store.set(&JOB, 1);
        store.set(&JOB, 2);
        (0..seed % 7).for_each(|_| _ = simulation.step());
        store.set(&SETTING, 30);
        store.set(&SETTING, 20);
        simulation.settle();
        // Now each is asked what it holds.
        let heard = results(&store);
        (10..20).for_each(|n| store.set(&JOB, n));
        simulation.settle();
        let setting = store.get(&SETTING);
        assert_eq!(heard.borrow().len(), 10, "seed {seed}");
        assert!(heard.borrow().iter().all(|(_, held)| *held == setting), "seed {seed}: {heard:?}");
    }
}

#[test]
fn a_job_that_a_disposed_member_had_begun_is_lost() {
    let store = ReactonStore::new();
    let ((tell, told), go) = (channel(), Arc::new(Barrier::new(2)));
    let held = Arc::clone(&go);
    let builder = IsolateStore::builder().shared(shared![JOB]).pool(1);
    let pool = builder.spawn(&store, move |store: &ReactonStore| {
        let (tell, held) = (tell.clone(), Arc::clone(&held));
        store.subscribe(&JOB, move |_, _| {
            tell.send(()).expect("main listens");
            held.wait();
        });
    });
    let pool = pool.expect("it starts");
    store.set(&JOB, 1);
    hear(&told);
    pool.members()[0].dispose();
    let lost = store.get(pool.lost_job()).expect("it had been begun");
    assert_eq!((lost.number, lost.message.as_str()), (1, "its worker was disposed"));
    go.wait();
    store.set(&JOB, 2);
    let lost = store.get(pool.lost_job()).expect("nobody is left");
    assert_eq!((lost.number, pool.stats().lost), (2, 2));
}

#[test]
fn in_a_simulation_no_job_vanishes_with_a_member_that_is_disposed() {
    let mut lost_in_all = 0;
    for seed in 0..300 {
        let simulation = Simulation::new(seed);
        let store = ReactonStore::new();
        let begun = Arc::new(Mutex::new(BTreeSet::new()));
        let builder = IsolateStore::builder().shared(shared![JOB, SETTING, RESULT]);
        let log = Arc::clone(&begun);
        let pool = builder.pool(3).for_all(shared![SETTING]).spawn(&store, move |store| {
            let log = Arc::clone(&log);
            store.subscribe(&JOB, move |_, n| _ = log.lock().expect("let go before").insert(*n));
        });
        let pool = pool.expect("it starts");
        let lost = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&lost);
        store.subscribe(pool.lost_job(), move |_, job| {
            log.borrow_mut().extend(job.as_ref().and_then(|job| job.get(&JOB).copied()));
        });
        let (when, who) = (1 + simulation.pick(20), simulation.pick(3));
        for n in 1..=20 {
            store.set(&JOB, n);
            store.set(&SETTING, n);
            (0..simulation.pick(6)).for_each(|_| _ = simulation.step());
            if n as usize == when {
                pool.members()[who].dispose();
            }
        }
        simulation.settle();
        lost_in_all += lost.borrow().len();
        // What was done by a member that is disposed may not arrive; but it was done.
        let mut all = std::mem::take(&mut *begun.lock().expect("let go before"));
        all.extend(lost.take());
        assert_eq!(all, (1..=20).collect(), "seed {seed}");
        let stats = pool.stats();
        assert_eq!(
            (stats.done + stats.lost, stats.at_work, stats.waiting),
            (20, 0, 0),
            "seed {seed}"
        );
    }
    assert_eq!(lost_in_all, 0, "in a simulation a job is done in one step");
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
        // Whoever is first.
        store.subscribe(&SETTING, move |_, setting| {
            if !only_one.swap(true, Ordering::SeqCst) {
                tell.send(*setting).expect("main listens");
                held.wait();
            }
        });
        store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, n * n)));
    });
    let pool = pool.expect("it starts");
    store.set(&SETTING, 1);
    assert_eq!(hear(&told), 1);
    for n in 1..=20 {
        store.set(&JOB, n);
        let done = store.run_until(SOON, |store| store.get(&RESULT) == (n, n * n));
        assert_eq!(done, Ok(()), "by the one that is free");
    }
    go.wait();
    assert_eq!(pool.shutdown(SOON), Ok(()));
    assert_eq!(heard.borrow().len(), 20);
}

/// Counts how often it is written.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Counted(u32);

static WRITTEN: AtomicUsize = AtomicUsize::new(0);

impl Serialize for Counted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WRITTEN.fetch_add(1, Ordering::SeqCst);
        self.0.serialize(serializer)
    }
}

#[reacton]
static COUNTED: Counted = Counted(0);

#[test]
fn a_pool_that_nobody_holds_costs_nothing_once_its_members_have_ended() {
    let store = ReactonStore::new();
    let entry = |_: &ReactonStore| Err::<(), _>("no");
    let builder = IsolateStore::builder().shared(shared![COUNTED]).pool(2);
    let pool = builder.clone().spawn(&store, entry).expect("it starts");
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
    store.set(&COUNTED, Counted(1));
    let written = WRITTEN.load(Ordering::SeqCst);
    assert!(
        store.get(pool.lost_job()).is_some() && written > 0,
        "as long as it is held it is told"
    );
    pool.detach();
    builder.spawn(&store, entry).expect("it starts").detach();
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
    let written = WRITTEN.load(Ordering::SeqCst);
    store.set(&COUNTED, Counted(2));
    assert_eq!(WRITTEN.load(Ordering::SeqCst), written);
}
