//! How a process starts, and which errors are found before one starts.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};

use super::workers::*;

#[test]
fn i1_a_worker_in_a_process_begins_with_the_values_of_main() {
    let store = ReactonStore::new();
    store.set(&INPUT, 7);
    let worker = echo::builder().process().spawn(&store).expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 7);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn i1_nothing_that_is_written_after_the_spawn_is_missed() {
    let store = ReactonStore::new();
    let worker = history::builder().process().spawn(&store).expect("the worker starts");
    (1..=100).for_each(|input| store.set(&INPUT, input));
    worker.shutdown(TIMEOUT).expect("the worker ends");
    assert_eq!(store.get(&SEEN), (1..=100).collect::<Vec<_>>());
}

#[test]
fn p2_arguments_cross_as_bytes() {
    let store = ReactonStore::new();
    store.set(&INPUT, 4);
    let builder = doubler::builder().process();
    let worker = builder.spawn(&store, 2, String::from("abc")).expect("the worker starts");
    wait_until(&store, |store| store.get(&OUTPUT) == 11);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn p2_what_is_zero_copy_crosses_as_bytes_if_its_type_has_serde() {
    let store = ReactonStore::new();
    let worker = counted::builder().process().spawn(&store).expect("the worker starts");
    store.set(&PICTURE, Picture { pixels: vec![1; 1_000_000] });
    wait_until(&store, |store| store.get(&RESULT).pixels.len() == 1_000_000);
    assert!(store.get(&RESULT).pixels.iter().all(|pixel| *pixel == 254));
    let stats = worker.stats();
    assert!(stats.bytes_sent > 1_000_000 && stats.bytes_received > 1_000_000, "{stats:?}");
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn p2_what_is_zero_copy_without_serde_is_refused_by_name() {
    let store = ReactonStore::new();
    let error = opaque::builder().process().spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::NotSerializable { .. }));
    assert!(error.to_string().contains("OPAQUE"), "{error}");
}

#[test]
fn p1_a_worker_that_is_not_among_those_of_the_test_program_is_refused() {
    #[worker(shared = [INPUT])]
    fn unknown(_: &ReactonStore) {}
    let store = ReactonStore::new();
    let error = unknown::builder().process().spawn(&store).expect_err("spawn fails");
    assert!(error.to_string().contains("unknown"), "{error}");
    assert!(error.to_string().contains("is not among"), "{error}");
}

#[test]
fn p1_a_program_that_does_not_serve_ends_the_spawn() {
    let store = ReactonStore::new();
    let other = Process::new().program("/bin/true");
    let error = echo::builder().process().with(other).spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::Died { .. }), "{error}");
    assert!(error.to_string().contains("exited with code 0"), "{error}");
    let none = Process::new().program("/nowhere/at/all");
    let error = echo::builder().process().with(none).spawn(&store).expect_err("spawn fails");
    assert!(error.to_string().contains("could not be started"), "{error}");
}

/// Makes a shell script.
fn script(name: &str, text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("reacton-{name}-{}", std::process::id()));
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("the file is written");
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))
        .expect("the script is executable");
    path
}

#[test]
fn p1_without_serve_the_spawn_fails_at_once_and_no_process_is_started() {
    const VARIABLE: &str = "REACTON_TEST_UNSERVED";
    if std::env::var_os(VARIABLE).is_some() {
        let store = ReactonStore::new();
        let error = echo::builder().process().spawn(&store).expect_err("spawn fails");
        assert!(matches!(error, SpawnError::NotServed { .. }), "{error}");
        assert!(error.to_string().contains("serve(workers![echo])"), "{error}");
        assert!(
            std::fs::read_to_string("/proc/thread-self/children").is_ok_and(|list| list.is_empty())
        );
        return;
    }
    // A program outside of the folder where test programs are.
    let path = std::env::temp_dir().join(format!("reacton-unserved-{}", std::process::id()));
    std::fs::copy(std::env::current_exe().expect("the program has a path"), &path)
        .expect("the program is copied");
    let test = "starting::p1_without_serve_the_spawn_fails_at_once_and_no_process_is_started";
    let output = Command::new(&path).args(["--exact", test]).env(VARIABLE, "1").output();
    std::fs::remove_file(&path).expect("the file is removed");
    let output = output.expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{printed}");
}

#[test]
fn p6_a_process_that_sends_garbage_is_killed() {
    for garbage in [
        "garbage that is no frame at all",
        "\\001\\000\\000\\000\\220",
        "\\003\\000\\000\\000\\222\\010\\000",
    ] {
        let path = script("garbage", &format!("printf '{garbage}' >&0; sleep 1000"));
        let store = ReactonStore::new();
        let builder = echo::builder().process().with(Process::new().program(&path));
        let error = builder.spawn(&store).expect_err("spawn fails");
        assert!(error.to_string().contains("it sent"), "{error}");
        std::fs::remove_file(&path).expect("the file is removed");
    }
}

#[test]
fn l6_a_process_that_does_not_answer_is_killed_at_the_timeout() {
    // A program that accepts any argument, and does nothing.
    let path = script("sleeps", "sleep 1000");
    let store = ReactonStore::new();
    let begin = Instant::now();
    let process = Process::new().program(&path);
    let builder = echo::builder().process().with(process);
    let timeout = Duration::from_millis(300);
    let error = builder
        .handshake_timeout(timeout)
        .spawn(&store)
        .expect_err("the worker does not answer the handshake");
    assert!(matches!(error, SpawnError::TimedOut { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(5));
    std::fs::remove_file(&path).expect("the file is removed");
}

#[test]
fn p1_a_worker_in_a_process_has_workers_in_processes() {
    let store = ReactonStore::new();
    let worker = parent::builder().process().spawn(&store).expect("the worker starts");
    store.set(&INPUT, 5);
    wait_until(&store, |store| store.get(&OUTPUT) == 5);
    worker.shutdown(TIMEOUT).expect("the worker ends, and its own worker before it");
}
