//! L1 to L6 for a store that has its own thread.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use futures_lite::future::block_on;
use reacton::StoreThreadBuilder;
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive};

use crate::{INPUT, OUTPUT};

/// Returns the result of a request. If the library is broken, this waits for ever, and nothing else does.
#[track_caller]
fn result<U>(reply: Reply<U>) -> U {
    block_on(reply).expect("the thread is alive")
}

/// Blocks the thread in a posted closure until the returned sender is used.
fn hold(app: &StoreThread<impl Sized + 'static>) -> (Receiver<()>, Sender<()>, Reply<bool>) {
    let (tell, begun) = channel();
    let (go, signal) = channel();
    let reply = app.post(move |store, _| {
        tell.send(()).expect("the channel is open");
        signal.recv().expect("a message arrives");
        store.is_disposed()
    });
    (begun, go, reply)
}

#[test]
fn a_store_thread_takes_turns_by_itself_and_lends_its_state_to_what_is_posted() {
    let app = StoreThread::spawn("app", |store| {
        let heard = Rc::new(Cell::new(0)); // neither `Send` nor `Sync`
        let sum = Rc::clone(&heard);
        store.subscribe(&INPUT, move |_, input| sum.set(sum.get() + input));
        (heard, vec![thread::current().name().map(String::from)])
    })
    .expect("the worker starts");
    assert_eq!(app.name(), "app");
    thread::scope(|scope| {
        for n in 1..=4 {
            let (app, handle) = (&app, app.handle());
            scope.spawn(move || {
                handle.update(&INPUT, move |input| *input += n);
                result(app.post(|_, (_, names)| {
                    names.push(thread::current().name().map(String::from));
                }));
            });
        }
    });
    let (sum, names) = result(app.post(|_, (heard, names)| (heard.get(), names.clone())));
    assert!(sum >= 10, "an observer was not called for each write: {sum}");
    assert_eq!(names, vec![Some(String::from("app")); 5]);
    assert_eq!(result(app.handle().get(&INPUT)), 10);
    assert_eq!(app.status(), IsolateStatus::Running);
    assert_eq!(app.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn closures_and_writes_run_in_the_order_in_which_they_were_sent() {
    let app = StoreThread::spawn("app", |_| Vec::new()).expect("the worker starts");
    let handle = app.handle();
    for n in 0..100 {
        handle.set(&INPUT, n);
        app.post(|store, seen| seen.push(store.get(&INPUT)));
    }
    assert_eq!(result(app.post(|_, seen| seen.clone())), (0..100).collect::<Vec<_>>());
}

#[test]
fn l2_shutdown_of_a_store_thread_applies_what_was_sent_and_drains_its_workers_and_one_off_work() {
    let (tell, told) = channel();
    let app = StoreThread::spawn("app", move |store| {
        let late = tell.clone();
        store.subscribe(&OUTPUT, move |_, output| tell.send(*output).expect("the channel is open"));
        let worker = IsolateStore::spawn(store, shared![INPUT, OUTPUT], |store| {
            store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, input * 2));
        });
        let handle = store.handle();
        drop(reacton::run(move || {
            handle.post(move |_| late.send(0).expect("the channel is open"));
        }));
        worker.expect("the worker starts")
    })
    .expect("the worker starts");
    let handle = app.handle();
    (1..=100).for_each(|input| handle.set(&INPUT, input));
    assert_eq!(app.shutdown(TIMEOUT), Ok(()));
    let mut heard: Vec<_> = told.try_iter().collect();
    heard.sort_unstable();
    assert_eq!(heard, (0..=100).map(|n| n * 2).collect::<Vec<_>>());
}

#[test]
fn l2_a_shutdown_that_times_out_in_a_post_can_be_waited_for_again() {
    let app = StoreThread::spawn("app", |_| ()).expect("the worker starts");
    let (begun, go, disposed) = hold(&app);
    receive(&begun);
    let last = app.post(|store, ()| store.get(&INPUT));
    let late = app.try_shutdown(std::time::Duration::ZERO).expect_err("`try_shutdown` times out");
    let unfinished = Unfinished::AtWork;
    assert!(
        matches!(&late, ShutdownError::TimedOut { worker, queued: 2, unfinished: why, .. } if worker == "app" && *why == unfinished),
        "{late:?}"
    );
    go.send(()).expect("the channel is open");
    assert_eq!(app.try_shutdown(TIMEOUT), Ok(()));
    assert!(!result(disposed));
    assert_eq!(result(last), 0, "the closure was posted before the shutdown");
    assert_eq!(app.status(), IsolateStatus::Disposed);
}

#[test]
fn l1_dispose_of_a_store_thread_lets_a_post_finish_and_drops_what_waits() {
    let (alive, ended) = channel::<()>();
    let app = StoreThread::spawn("app", move |_| alive).expect("the worker starts");
    let handle = app.handle();
    let (begun, go, disposed) = hold(&app);
    receive(&begun);
    let waits = app.post(|_, _| ());
    app.dispose();
    app.dispose();
    go.send(()).expect("the channel is open");
    assert!(result(disposed), "the closure sees the disposal");
    assert_eq!(block_on(waits), Err(HandleError::Closed));
    expect_disconnected(&ended);
    assert_eq!(app.try_shutdown(TIMEOUT), Ok(()));
    assert_eq!(
        block_on(app.post(|_, _| ())),
        Err(HandleError::Closed),
        "a closure that is posted after the end is refused"
    );
    assert_eq!(block_on(handle.get(&INPUT)), Err(HandleError::Closed));
    assert_eq!(app.status(), IsolateStatus::Disposed);
}

#[test]
fn l1_a_store_thread_that_is_dropped_ends_with_its_state_and_its_workers() {
    let (alive, ended) = channel::<()>();
    let both = alive.clone();
    let app = StoreThread::spawn("app", move |store| {
        let worker = IsolateStore::spawn(store, shared![INPUT], move |store| {
            store.subscribe(&INPUT, move |_, _| drop(both.clone()));
        });
        (alive, worker.expect("the worker starts"))
    })
    .expect("the worker starts");
    drop(app);
    expect_disconnected(&ended);
}

#[test]
fn l3_a_panic_in_a_post_ends_the_store_thread_with_its_message_and_place() {
    let (alive, ended) = channel::<()>();
    let app = StoreThread::spawn("app", move |_| alive).expect("the worker starts");
    let line = line!() + 1;
    let panicked = app.post(|store, _| store.batch(|_| panic!("one request too many")));
    assert_eq!(block_on::<Result<(), _>>(panicked), Err(HandleError::Panicked));
    expect_disconnected(&ended);
    assert_eq!(block_on(app.post(|_, _| ())), Err(HandleError::Closed));
    let error = app.try_shutdown(TIMEOUT).expect_err("the worker has failed");
    let ShutdownError::Failed { worker, message, location, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((worker.as_str(), message.as_str()), ("app", "one request too many"));
    let place = location.as_deref().expect("the panic has a location");
    assert!(place.contains(&format!("store_threads.rs:{line}:")), "{place}");
    assert!(matches!(app.status(), IsolateStatus::Failed { .. }), "{:?}", app.status());
}

#[test]
fn l3_a_panic_of_an_observer_ends_the_store_thread_as_well() {
    let app = StoreThread::spawn("app", |store| {
        store.subscribe(&INPUT, |_, input| assert!(*input < 3, "too large"));
    })
    .expect("the worker starts");
    (1..=3).for_each(|input| app.handle().set(&INPUT, input));
    let failed = app.shutdown(TIMEOUT);
    assert!(
        matches!(&failed, Err(ShutdownError::Failed { message, .. }) if message == "too large"),
        "{failed:?}"
    );
}

#[test]
fn l3_a_state_that_panics_when_it_is_dropped_is_a_failure() {
    struct Brittle;
    impl Drop for Brittle {
        fn drop(&mut self) {
            panic!("not flushed");
        }
    }
    let app = StoreThread::spawn("app", |_| Brittle).expect("the worker starts");
    let failed = app.shutdown(TIMEOUT);
    assert!(
        matches!(&failed, Err(ShutdownError::Failed { message, .. }) if message == "not flushed"),
        "{failed:?}"
    );
}

#[test]
fn l6_a_state_that_cannot_be_made_is_an_error_with_its_reason_and_leaves_no_thread() {
    let (alive, ended) = channel::<()>();
    let panics = StoreThread::<()>::spawn("app", move |_| {
        let _alive = alive;
        panic!("no disk")
    });
    let error = panics.expect_err("the call fails");
    assert!(
        matches!(&error, SpawnError::State { thread, message, location: Some(place), .. }
            if thread == "app" && message == "no disk" && place.contains("store_threads.rs")),
        "{error:?}"
    );
    expect_disconnected(&ended);
    let fails = StoreThread::<()>::try_spawn("app", |_| Err("no network"));
    let error = fails.expect_err("the call fails");
    assert_eq!(error.to_string(), "the state of the store thread `app` was not made: no network");
}

#[test]
fn l6_a_store_thread_that_the_system_does_not_give_is_an_error() {
    let (alive, ended) = channel::<()>();
    let huge: StoreThreadBuilder = StoreThread::builder().name("app").stack_size(usize::MAX / 4);
    let failed = huge.spawn(move |_| alive);
    assert!(
        matches!(&failed, Err(SpawnError::Thread { worker, .. }) if worker == "app"),
        "{failed:?}"
    );
    expect_disconnected(&ended);
}

#[test]
fn l6_a_store_thread_that_shuts_itself_down_is_an_error_at_once() {
    let app = Arc::new(StoreThread::spawn("app", |_| ()).expect("the worker starts"));
    let own = Arc::clone(&app);
    let refused = result(app.post(move |_, ()| own.try_shutdown(TIMEOUT)));
    assert!(
        matches!(&refused, Err(ShutdownError::Nested { worker, .. }) if worker == "app"),
        "{refused:?}"
    );
    // The last owner may be dropped on that thread, too.
    let (alive, ended) = channel::<()>();
    let own = Arc::clone(&app);
    let (go, signal) = channel();
    app.post(move |_, ()| {
        signal.recv().expect("a message arrives");
        drop((own, alive));
    });
    drop(app);
    go.send(()).expect("the channel is open");
    expect_disconnected(&ended);
}

#[test]
fn a_detached_store_thread_ends_with_the_last_handle() {
    let (alive, ended) = channel::<()>();
    let app = StoreThread::spawn("app", move |_| alive).expect("the worker starts");
    let handle = app.handle();
    app.detach();
    handle.set(&INPUT, 7);
    assert_eq!(result(handle.get(&INPUT)), 7);
    drop(handle);
    expect_disconnected(&ended);
}

#[test]
fn a_store_thread_ends_without_blocking_on_any_executor() {
    let app = StoreThread::spawn("app", |_| Vec::new()).expect("the worker starts");
    let (tell, told) = channel();
    (0..100).for_each(|n| {
        let tell = tell.clone();
        app.post(move |_, seen: &mut Vec<u32>| {
            seen.push(n);
            tell.send(n).expect("the channel is open");
        });
    });
    // The future is `Send`, so any task may await it.
    let ended = thread::spawn(move || block_on(app.shutdown_async()));
    assert_eq!(ended.join().expect("the thread does not panic"), Ok(()));
    assert_eq!(told.try_iter().count(), 100);
}
