//! One-off work: `reacton::run`.

use std::collections::HashSet;
use std::sync::mpsc::channel;
use std::thread;

use futures_lite::future::block_on;
use reacton::{TaskError, run};

#[test]
fn a_task_gives_its_result_to_join_and_as_a_future() {
    let here = thread::current().id();
    let there = run(|| thread::current().id()).join().expect("it does not panic");
    assert_ne!(here, there);
    assert_eq!(
        block_on(async { run(|| 6).await.expect("six") * run(|| 7).await.expect("seven") }),
        42
    );
}

#[test]
fn a_task_that_panics_is_an_error_with_words_and_place() {
    let TaskError::Panicked { message, location, .. } =
        run(|| -> u32 { panic!("too much") }).join().expect_err("it panics")
    else {
        panic!("it panicked");
    };
    assert_eq!(message, "too much");
    assert!(location.is_some_and(|location| location.starts_with(file!())));
    let error = block_on(run(|| panic!("again"))).expect_err("it panics");
    assert!(error.to_string().ends_with("again"), "{error}");
}

#[test]
fn a_task_that_is_dropped_goes_on() {
    let ((tell, told), (go, gone)) = (channel(), channel::<()>());
    drop(run(move || {
        let waited = gone.recv();
        tell.send(waited.is_ok()).expect("the test listens");
    }));
    go.send(()).expect("it waits");
    assert!(told.recv().expect("it goes on"));
}

#[test]
fn tasks_share_threads_and_one_that_waits_does_not_hold_up_the_others() {
    let (go, gone) = channel::<()>();
    let waits = run(move || gone.recv().is_ok());
    let threads: HashSet<_> =
        (0..200).map(|_| run(|| thread::current().id()).join().expect("it ends")).collect();
    assert!(threads.len() < 100, "{} threads for 200 tasks, one after the other", threads.len());
    go.send(()).expect("it waits");
    assert!(waits.join().expect("it ends"));
}
