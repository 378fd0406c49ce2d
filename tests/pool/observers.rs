//! L3: an observer of a status or of `lost_job` that panics does not stop the work of the supervision.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, restart_always};

use crate::{JOB, RESULT};

/// Panics on the first call.
fn panics_once<T>() -> impl FnMut(&ReactonStore, &T) + 'static {
    let mut first = true;
    move |_, _| assert!(!std::mem::take(&mut first), "the program's own observer")
}

/// Takes turns until `done` returns true, also after a turn that panics. Returns how many turns panicked.
fn until_despite_panics(store: &ReactonStore, done: impl Fn(&ReactonStore) -> bool) -> usize {
    let mut panics = 0;
    loop {
        match catch_unwind(AssertUnwindSafe(|| store.run_until(TIMEOUT, &done))) {
            Ok(result) => {
                result.expect("the condition becomes true");
                return panics;
            }
            Err(_) => panics += 1,
        }
    }
}

#[test]
fn l3_an_observer_of_a_lost_job_that_panics_does_not_stop_the_restart() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB, RESULT]).restart(restart_always());
    let pool = builder.pool(2).spawn(&store, |store: &ReactonStore| {
        store.subscribe(&JOB, |store, n| {
            assert!(*n != 13, "unlucky");
            store.set(&RESULT, (*n, 0));
        });
    });
    let pool = pool.expect("the pool starts");
    store.subscribe(pool.lost_job(), panics_once());
    store.set(&JOB, 13);
    let restarts = |pool: &Pool| pool.members().iter().map(|m| m.stats().restarts).sum::<u32>();
    let running = |store: &ReactonStore| {
        let status = |member: &IsolateStore| store.get(member.status());
        pool.members().iter().all(|member| status(member) == IsolateStatus::Running)
    };
    let panics = until_despite_panics(&store, |store| restarts(&pool) == 1 && running(store));
    assert_eq!(panics, 1);
    (1..=3).for_each(|n| store.set(&JOB, n));
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    let stats = pool.stats();
    assert_eq!((stats.done, stats.lost, stats.at_work), (3, 1, 0));
}

#[test]
fn l1_an_observer_of_a_members_status_that_panics_does_not_keep_its_job() {
    let store = ReactonStore::new();
    let ((tell, told), (go, signal)) = (channel(), channel::<()>());
    let signal = Arc::new(Mutex::new(signal));
    let pool = IsolateStore::builder().shared(shared![JOB]).pool(1);
    let pool = pool.spawn(&store, move |store: &ReactonStore| {
        let (tell, signal) = (tell.clone(), Arc::clone(&signal));
        store.subscribe(&JOB, move |_, _| {
            tell.send(()).expect("the channel is open");
            let _ = signal.lock().expect("the mutex is not poisoned").recv();
        });
    });
    let pool = pool.expect("the pool starts");
    store.subscribe(pool.members()[0].status(), panics_once());
    store.set(&JOB, 1);
    receive(&told);
    store.set(&JOB, 2);
    let disposed = catch_unwind(AssertUnwindSafe(|| pool.members()[0].dispose()));
    assert!(disposed.is_err(), "the panic reaches the caller");
    let stats = pool.stats();
    assert_eq!((stats.lost, stats.at_work, stats.waiting), (2, 0, 0));
    assert_eq!(store.get(pool.lost_job()).map(|job| job.number), Some(2));
    drop(go);
}

#[test]
fn l1_every_member_is_disposed_though_each_status_has_an_observer_that_panics() {
    let store = ReactonStore::new();
    let pool = IsolateStore::builder().shared(shared![JOB]).pool(3);
    let pool = pool.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
    for member in pool.members() {
        store.subscribe(member.status(), |_, _| panic!("the program's own observer"));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| pool.dispose())).is_err());
    for member in pool.members() {
        assert_eq!(store.get(member.status()), IsolateStatus::Disposed);
    }
    // No thread is left that could send anything.
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn l1_a_pool_that_is_dropped_while_main_unwinds_does_not_end_the_process() {
    let store = ReactonStore::new();
    let pool = IsolateStore::builder().shared(shared![JOB]).pool(2);
    let pool = pool.spawn(&store, |_: &ReactonStore| ()).expect("the worker starts");
    for member in pool.members() {
        store.subscribe(member.status(), |_, _| panic!("the program's own observer"));
    }
    let unwound = catch_unwind(AssertUnwindSafe(|| {
        let _pool = pool;
        panic!("main");
    }));
    assert!(unwound.is_err());
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

/// Panics when it is dropped on the thread that made it, if its flag says so.
struct Fragile(std::thread::ThreadId, bool);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        Self(self.0, false)
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        let here = self.1 && self.0 == std::thread::current().id();
        assert!(!here || std::thread::panicking(), "an argument that panics when it is dropped");
    }
}

#[test]
fn l3_arguments_that_panic_when_they_are_dropped_do_not_hide_the_end_of_a_member() {
    let store = ReactonStore::new();
    let fragile = Fragile(std::thread::current().id(), true);
    let builder = IsolateStore::builder().shared(shared![JOB]);
    let never = Restart::OnPanic { max: 0, within: TIMEOUT, backoff: std::time::Duration::ZERO };
    let worker = builder.restart(never).spawn(&store, move |store: &ReactonStore| {
        let _ = &fragile;
        store.subscribe(&JOB, |_, n| panic!("dying of {n}"));
    });
    let worker = worker.expect("the worker starts");
    store.set(&JOB, 1);
    let failed = |store: &ReactonStore| {
        store.with(worker.status(), |status| matches!(status, IsolateStatus::Failed { .. }))
    };
    assert_eq!(until_despite_panics(&store, failed), 1, "the panic does not reach main's turn");
}

#[test]
fn l1_an_observer_of_a_lost_job_may_dispose_the_pool_while_a_restart_waits() {
    let store = ReactonStore::new();
    let builder = IsolateStore::builder().shared(shared![JOB]).restart(restart_always());
    let pool = builder.pool(1).spawn(&store, |store: &ReactonStore| {
        store.subscribe(&JOB, |_, n| panic!("dying of {n}"));
    });
    let pool = Rc::new(pool.expect("the pool starts"));
    let held = Rc::downgrade(&pool);
    store.subscribe(pool.lost_job(), move |_, _| {
        held.upgrade().expect("the value is alive").dispose();
    });
    store.set(&JOB, 1);
    let status = pool.members()[0].status();
    let is_lost = |store: &ReactonStore| store.get(pool.lost_job()).is_some();
    store.run_until(TIMEOUT, is_lost).expect("the job is lost");
    assert_eq!(store.get(status), IsolateStatus::Disposed);
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
}
