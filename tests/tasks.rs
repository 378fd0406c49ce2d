//! One-off work: `reacton::run`.

use std::collections::HashSet;
use std::process::Command;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use reacton::prelude::*;
use reacton::run;
use reacton_support::OnEvent;

#[test]
fn a_task_returns_its_result_from_join_and_as_a_future() {
    let here = thread::current().id();
    let there = run(|| thread::current().id()).join().expect("the task does not panic");
    assert_ne!(here, there);
    assert_eq!(
        block_on(async {
            run(|| 6).await.expect("the task returns 6")
                * run(|| 7).await.expect("the task returns 7")
        }),
        42
    );
}

#[test]
fn a_task_that_panics_is_an_error_with_message_and_place() {
    let TaskError::Panicked { message, location, .. } =
        run(|| -> u32 { panic!("too much") }).join().expect_err("the thread panics")
    else {
        panic!("expected a panic");
    };
    assert_eq!(message, "too much");
    assert!(location.is_some_and(|location| location.starts_with(file!())));
    let error = block_on(run(|| panic!("again"))).expect_err("the task panics");
    assert!(error.to_string().ends_with("again"), "{error}");
}

#[test]
fn a_task_whose_handle_is_dropped_continues() {
    let ((tell, told), (go, signal)) = (channel(), channel::<()>());
    drop(run(move || {
        let waited = signal.recv();
        tell.send(waited.is_ok()).expect("the channel is open");
    }));
    go.send(()).expect("the channel is open");
    assert!(told.recv().expect("a message arrives"));
}

#[test]
fn tasks_share_threads_and_one_that_waits_does_not_hold_up_the_others() {
    let (go, signal) = channel::<()>();
    let waits = run(move || signal.recv().is_ok());
    let threads: HashSet<_> = (0..200)
        .map(|_| run(|| thread::current().id()).join().expect("the task does not panic"))
        .collect();
    assert!(threads.len() < 100, "200 tasks, one after the other, used {} threads", threads.len());
    go.send(()).expect("the channel is open");
    assert!(waits.join().expect("the thread does not panic"));
}

#[reacton]
static INPUT: u32 = 0;

#[test]
fn a_panic_of_work_has_no_place_of_other_work_on_its_thread() {
    for _ in 0..20 {
        let caught = run(|| drop(std::panic::catch_unwind(|| panic!("expected, and caught"))));
        assert_eq!(caught.join(), Ok(()));
    }
    let passed_on = run(|| {
        let payload =
            thread::spawn(|| panic!("the real one")).join().expect_err("the thread panics");
        std::panic::resume_unwind(payload)
    });
    let Err(TaskError::Panicked { message, location, .. }) = passed_on.join().map(|(): ()| ())
    else {
        panic!("expected a panic");
    };
    assert_eq!((message.as_str(), location), ("the real one", None));
}

/// Set in a process that has only its first thread: the standard library takes the stack size of others from
/// `RUST_MIN_STACK`.
const ALONE: &str = "REACTON_TEST_ALONE";

#[test]
fn without_a_thread_work_and_workers_are_errors_at_once() {
    if std::env::var_os(ALONE).is_none() {
        let name = "without_a_thread_work_and_workers_are_errors_at_once";
        let output = Command::new(std::env::current_exe().expect("the program has a path"))
            .args(["--exact", name, "--test-threads=1", "--nocapture"])
            .env(ALONE, "1")
            .env("RUST_MIN_STACK", (1_u64 << 50).to_string())
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    assert!(matches!(run(|| 1).join(), Err(TaskError::NoThread { .. })));
    assert!(matches!(block_on(run(|| 1)), Err(TaskError::NoThread { .. })));
    let store = ReactonStore::new();
    let worker = block_on(IsolateStore::spawn_async(&store, shared![INPUT], |_| ()));
    assert!(matches!(worker, Err(SpawnError::Thread { .. })));
    // A worker with a smaller stack can start. Waiting for it needs no other thread.
    let builder = IsolateStore::builder().shared(shared![INPUT]).stack_size(1 << 20);
    let worker = builder.handshake_timeout(Duration::MAX).spawn_async(&store, |_| ());
    assert_eq!(block_on(block_on(worker).expect("the worker starts").shutdown_async()), Ok(()));
}

/// Set in a process whose memory suffices for the stacks of a few threads: each takes 1 GiB of 8.
#[cfg(target_os = "linux")]
const NARROW: &str = "REACTON_TEST_NARROW";

#[test]
#[cfg(target_os = "linux")]
fn a_subscriber_may_start_work_when_the_system_has_no_more_threads() {
    if std::env::var_os(NARROW).is_none() {
        let name = "a_subscriber_may_start_work_when_the_system_has_no_more_threads";
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 8388608 && exec \"$0\" \"$@\""])
            .arg(std::env::current_exe().expect("the program has a path"))
            .args(["--exact", name, "--test-threads=1", "--nocapture"])
            .env(NARROW, "1")
            .env("RUST_MIN_STACK", (1_u64 << 30).to_string())
            .output()
            .expect("the program starts");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}\n{said}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let (tell, started) = channel();
    let (go, signal) = channel::<()>();
    let signal = Arc::new(Mutex::new(signal));
    // Without this, the test would not fail but never end.
    let watch = move || {
        if started.recv_timeout(Duration::from_secs(60)).is_err() {
            eprintln!("the subscriber did not return");
            std::process::exit(3);
        }
        drop(go);
    };
    thread::Builder::new().stack_size(1 << 20).spawn(watch).expect("the thread starts");
    let first = Mutex::new(Some(tell));
    let starts_work = OnEvent(move |_: &str| {
        let first = first.lock().expect("the mutex is not poisoned").take();
        if let Some(started) = first {
            drop(run(|| ()));
            started.send(()).expect("the channel is open");
        }
    });
    let tasks: Vec<_> = tracing::subscriber::with_default(starts_work, || {
        let wait = || {
            let signal = Arc::clone(&signal);
            run(move || signal.lock().expect("the mutex is not poisoned").recv().is_err())
        };
        (0..20).map(|_| wait()).collect()
    });
    for task in tasks {
        assert_eq!(task.join(), Ok(true));
    }
}
