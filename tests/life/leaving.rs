//! L4 and L6: what happens when one side ends before the other.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive, wait_until};

use crate::{INPUT, OUTPUT, Stuck, copier};

#[test]
fn l4_a_worker_ends_when_its_main_store_is_dropped() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    drop(store);
    expect_disconnected(&ended);
    drop(worker);
}

#[test]
fn l4_a_worker_ends_when_its_main_store_is_disposed() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    store.dispose();
    expect_disconnected(&ended);
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    assert_eq!(store.get(worker.last_error()), None);
}

#[test]
fn l4_a_detached_worker_runs_as_long_as_its_main_store_exists() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    worker.detach();
    store.set(&INPUT, 2);
    wait_until(&store, |store| store.get(&OUTPUT) == 2);
    drop(store);
    expect_disconnected(&ended);
}

#[test]
fn l4_grandchildren_end_with_the_main_store() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT], move |store| {
        let (worker, ended) = copier(store);
        worker.detach();
        tell.send(ended).expect("the channel is open");
    });
    worker.expect("the worker starts").detach();
    let ended = receive(&told);
    drop(store);
    expect_disconnected(&ended);
}

#[test]
fn l4_a_store_without_isolates_does_not_wait() {
    let store = ReactonStore::new();
    assert_eq!(store.run_until(Duration::MAX, |_| false), Err(RunError::Disconnected));
    assert_eq!(store.wait(Duration::MAX), 0);
}

#[test]
fn l4_a_wait_of_main_ends_when_the_last_isolate_has_ended() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT], |_| Err::<(), _>("no luck"));
    let waited = store.run_until(Duration::MAX, |_| false);
    assert_eq!(waited, Err(RunError::Disconnected));
    drop(worker);
}

#[test]
fn l4_a_disposed_worker_that_is_still_busy_is_not_waited_for() {
    let store = ReactonStore::new();
    let Stuck { worker, begun, go } = Stuck::begin(&store);
    worker.dispose();
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    go.send(()).expect("the worker is still in its callback");
    expect_disconnected(&begun);
}

#[test]
fn l4_main_waits_as_long_as_one_isolate_or_handle_is_left() {
    let store = ReactonStore::new();
    let (one, _ended) = copier(&store);
    let (two, _ended) = copier(&store);
    one.dispose();
    assert_eq!(store.run_until(Duration::from_millis(5), |_| false), Err(RunError::TimedOut));
    let handle = store.handle();
    two.dispose();
    assert_eq!(store.run_until(Duration::from_millis(5), |_| false), Err(RunError::TimedOut));
    drop(handle);
    assert_eq!(store.run_until(Duration::MAX, |_| false), Err(RunError::Disconnected));
}

#[test]
fn l4_what_a_worker_sent_before_it_ended_is_applied_before_the_disconnection() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![OUTPUT], |store| {
        (1..=1000).for_each(|n| store.set(&OUTPUT, n));
        Err::<(), _>("enough")
    });
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    assert_eq!(store.get(&OUTPUT), 1000);
    drop(worker);
}

#[test]
fn l6_store_and_handles_can_be_dropped_in_any_order() {
    for order in 0..6 {
        let store = ReactonStore::new();
        let (worker, ended) = copier(&store);
        let handle = store.handle();
        let (mut store, mut worker, mut handle) = (Some(store), Some(worker), Some(handle));
        let steps: [usize; 3] = match order {
            0 => [0, 1, 2],
            1 => [0, 2, 1],
            2 => [1, 0, 2],
            3 => [1, 2, 0],
            4 => [2, 0, 1],
            _ => [2, 1, 0],
        };
        for step in steps {
            match step {
                0 => drop(store.take()),
                1 => drop(worker.take()),
                _ => drop(handle.take()),
            }
        }
        expect_disconnected(&ended);
    }
}

#[test]
fn l6_an_isolate_may_be_dropped_by_an_observer_of_main() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    let mut worker = Some(worker);
    store.subscribe(&OUTPUT, move |_, _| drop(worker.take()));
    store.set(&INPUT, 1);
    wait_until(&store, |store| store.get(&OUTPUT) == 1);
    expect_disconnected(&ended);
}

#[test]
fn l6_the_store_may_be_disposed_by_an_observer_of_main() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    store.subscribe(&OUTPUT, |store, _| store.dispose());
    store.set(&INPUT, 1);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    expect_disconnected(&ended);
    drop(worker);
}

#[test]
fn l6_the_last_handle_of_a_store_can_be_dropped_in_its_own_observer() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    let slot = Rc::new(RefCell::new(None));
    let held = Rc::clone(&slot);
    store.subscribe(&INPUT, move |_, _| drop(held.take()));
    *slot.borrow_mut() = Some((store.clone(), worker));
    store.set(&INPUT, 1);
    assert!(slot.borrow().is_none());
    drop(store);
    expect_disconnected(&ended);
}

#[test]
fn l6_a_worker_may_drop_its_own_isolates_in_its_own_observers() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        let (child, ended) = copier(store);
        let mut child = Some(child);
        // Called because of a write by the child itself.
        store.subscribe(&OUTPUT, move |_, output| {
            drop(child.take());
            expect_disconnected(&ended);
            tell.send(*output).expect("the channel is open");
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 4);
    assert_eq!(receive(&told), 4);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    assert_eq!(store.get(&OUTPUT), 4);
}

#[test]
fn l6_a_worker_may_dispose_its_own_store() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        store.subscribe(&INPUT, |store, input| {
            store.set(&OUTPUT, *input);
            store.dispose();
            store.set(&OUTPUT, 100);
        });
    })
    .expect("the worker starts");
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.get(worker.status()) == IsolateStatus::Disposed);
    assert_eq!(store.get(&OUTPUT), 3);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l6_an_isolate_that_an_observer_owns_goes_with_the_store() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    store.subscribe(&INPUT, move |_, _| worker.dispose());
    drop(store);
    expect_disconnected(&ended);
}

#[test]
fn l6_an_observer_of_the_status_that_panics_leaves_nothing_behind() {
    let store = ReactonStore::new();
    let (worker, ended) = copier(&store);
    let status = *worker.status();
    let (alive, observed) = channel::<()>();
    store.subscribe(&status, move |_, status| {
        let _alive = &alive;
        assert_eq!(*status, IsolateStatus::Running, "the condition cannot become true");
    });
    let dropping = std::panic::AssertUnwindSafe(|| drop(worker));
    assert!(std::panic::catch_unwind(dropping).is_err());
    expect_disconnected(&ended);
    expect_disconnected(&observed);
    assert_eq!(store.get(&status), IsolateStatus::Disposed);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn l5_a_detached_isolate_that_has_ended_leaves_no_reactons_in_main() {
    let store = ReactonStore::new();
    for ended_before in [false, true] {
        let (heard, held) = (Rc::new(RefCell::new(Vec::new())), Rc::new(()));
        let worker = IsolateStore::spawn(&store, shared![INPUT], |store| {
            store.subscribe(&INPUT, |_, _| panic!("it fails"));
        });
        let worker = worker.expect("the worker starts");
        let (status, last_error) = (*worker.status(), *worker.last_error());
        let (log, kept) = (Rc::clone(&heard), Rc::clone(&held));
        store.subscribe(&status, move |_, status: &IsolateStatus| {
            let _ = &kept;
            log.borrow_mut().push(status.clone());
        });
        let kept = Rc::clone(&held);
        store.subscribe(&last_error, move |_, _| _ = &kept);
        let mut worker = Some(worker);
        if !ended_before {
            worker.take().into_iter().for_each(IsolateStore::detach);
        }
        store.touch(&INPUT);
        wait_until(&store, |_| !heard.borrow().is_empty());
        worker.into_iter().for_each(IsolateStore::detach);
        let heard = heard.take();
        assert!(matches!(heard[..], [IsolateStatus::Failed { .. }]), "{heard:?}");
        assert_eq!(Rc::strong_count(&held), 1, "a subscription outlives the status");
        assert_eq!(store.get(&status), IsolateStatus::Disposed);
    }
}

/// Runs in the process that `l6_a_program_may_end_while_its_workers_run` starts: spawns workers of every kind, then
/// ends.
fn end_in_the_middle(by: &str) {
    std::panic::set_hook(Box::new(|_| {}));
    let store = ReactonStore::new();
    let busy = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], |store| {
        let mut output = 0;
        while !store.is_disposed() {
            output += 1;
            store.set(&OUTPUT, output);
        }
    });
    let idle = copier(&store);
    let builder = IsolateStore::builder().shared(shared![INPUT]);
    let hour = Duration::from_secs(3600);
    let dead = builder
        .restart(Restart::OnPanic { max: 1, within: hour, backoff: hour })
        .spawn(&store, |_| -> () { panic!("at once") })
        .expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) > 100);
    wait_until(&store, |store| store.get(dead.status()) != IsolateStatus::Running);
    match by {
        "return" => drop((busy, idle, dead)),
        "forgetting" => std::mem::forget((store, busy, idle, dead)),
        _ => std::process::exit(0),
    }
}

#[test]
fn l6_a_program_may_end_while_its_workers_run() {
    if let Ok(by) = std::env::var("REACTON_END_BY") {
        return end_in_the_middle(&by);
    }
    let this = std::env::current_exe().expect("the program has a path");
    for by in ["return", "forgetting", "exit"] {
        let child = std::process::Command::new(&this)
            .args(["--exact", "leaving::l6_a_program_may_end_while_its_workers_run"])
            .env("REACTON_END_BY", by)
            .output()
            .expect("the program starts");
        assert!(child.status.success(), "{by}: {child:?}");
        assert!(child.stderr.is_empty(), "the panic hook has printed something: {child:?}");
    }
}
