//! Calls to a process that dies or sends false frames.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always, wait_until};

use super::members::*;

#[test]
fn p8_a_process_that_dies_ends_its_calls_at_once() {
    for (how, expected) in [
        ("abort", "killed by SIGABRT"),
        ("exit", "exited with code 3"),
        ("kill", "killed by SIGKILL"),
    ] {
        let store = ReactonStore::new();
        let worker = asked::builder().process().spawn(&store).expect("the worker starts");
        let caller = worker.caller(&ASK);
        let begin = Instant::now();
        let direct = std::thread::spawn(move || caller.call(Chore::new(1, how)).join(TIMEOUT));
        // Main needs no turn for this.
        let error = direct.join().expect("the thread does not panic").expect_err("the worker dies");
        let CallError::Died { message, .. } = &error else { panic!("{error:?}") };
        assert!(message.starts_with(expected), "{message}");
        println!("{how}: `{error}` after {:?}", begin.elapsed());
        let worker = asked::builder().process().spawn(&store).expect("the worker starts");
        let (bad, waits) =
            (worker.call(&ASK, Chore::new(1, how)), worker.call(&ASK, Chore::new(2, "")));
        for answer in [bad, waits] {
            let error = answer.wait(&store, TIMEOUT);
            let Err(CallError::Died { message, .. }) = &error else { panic!("{error:?}") };
            assert!(message.starts_with(expected), "{message}");
        }
    }
}

#[test]
fn p8_an_answer_whose_panic_aborts_is_reported_with_its_message() {
    let store = ReactonStore::new();
    let task = || Chore::new(1, "panic twice");
    let workers = [
        asked::builder().process().spawn(&store).expect("the worker starts"),
        asked::builder().process().spawn(&store).expect("the worker starts"),
        later::builder().process().spawn(&store).expect("the worker starts"),
        later::builder().process().spawn(&store).expect("the worker starts"),
    ];
    for (at, worker) in workers.iter().enumerate() {
        let answer =
            if at % 2 == 0 { worker.call(&ASK, task()) } else { worker.caller(&ASK).call(task()) };
        let error = answer.wait(&store, TIMEOUT);
        let Err(CallError::Panicked { message, location, .. }) = &error else {
            panic!("{at}: {error:?}")
        };
        assert_eq!(message, "and again");
        assert!(location.as_ref().is_some_and(|place| place.contains("members.rs:")));
    }
}

#[test]
fn p8_a_call_whose_process_was_killed_is_given_again_as_retries_says() {
    let store = ReactonStore::new();
    let builder = asked::builder().process().restart(restart_always()).retries(1);
    let worker = builder.spawn(&store).expect("the worker starts");
    let answer = worker.call(&ASK, Chore::new(6, "held"));
    wait_until(&store, |store| store.get(&BEGUN).0 == 6);
    let first = store.get(&BEGUN).1;
    let killed = Command::new("kill").args(["-KILL", &first.to_string()]).status();
    assert!(killed.is_ok_and(|status| status.success()));
    wait_until(&store, |store| store.get(&BEGUN).1 != first);
    store.set(&GO, 1);
    assert_eq!(answer.wait(&store, TIMEOUT), Ok(12));
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

#[test]
fn p2_a_zero_copy_call_is_refused_by_name_and_no_process_is_started() {
    #[call(zero_copy)]
    static HANDED: Call<Vec<u8>, Vec<u8>>;
    #[worker(answers = [HANDED])]
    fn handing(store: &ReactonStore) {
        store.answer(&HANDED, |_, bytes, _| bytes.clone());
    }
    let store = ReactonStore::new();
    let error = handing::builder().process().spawn(&store).expect_err("spawn fails");
    assert!(matches!(error, SpawnError::ZeroCopyCall { .. }), "{error}");
    assert!(error.to_string().contains("HANDED"), "{error}");
    assert!(handing::builder().pool(2).process().spawn(&store).is_err());
}

/// Returns a program that answers the handshake as a worker does, and then sends `frames`.
fn liar(name: &str, frames: &[&[u8]]) -> std::path::PathBuf {
    let frame = |bytes: &[u8]| {
        let len = u32::try_from(bytes.len()).expect("the number fits").to_le_bytes();
        let octal = |byte: &u8| format!("\\{byte:03o}");
        len.iter().chain(bytes).map(octal).collect::<String>()
    };
    // An acknowledgement without a mismatch is a frame of kind 2.
    let acknowledged = frame(&[0x92, 2, 0]);
    let said: String = frames.iter().map(|bytes| frame(bytes)).collect();
    let path = std::env::temp_dir().join(format!("reacton-{name}-{}", std::process::id()));
    // The program sends the acknowledgement, and the frames when main has handled that.
    let text = format!(
        "#!/bin/sh\nprintf '{acknowledged}' >&0\nsleep 0.3\nprintf '{said}' >&0\nsleep 1000\n"
    );
    std::fs::write(&path, text).expect("the file is written");
    std::fs::set_permissions(&path, Permissions::from_mode(0o755))
        .expect("the script is executable");
    path
}

#[test]
fn p6_a_process_that_reports_a_job_or_call_that_it_does_not_have_is_ended_alone() {
    // Each frame is an array: the kind, the number of payloads, their lengths, numbers.
    let lies: [(&str, &[&[u8]], &str); 10] = [
        ("unknown-answer", &[&[0x96, 21, 1, 0, 0, 9, 0]], "answered a call"),
        ("unasked-begin", &[&[0x94, 14, 0, 1, 9]], "begun with a job"),
        ("unasked-call", &[&[0x94, 14, 0, 0, 9]], "begun with a job"),
        ("unasked-done", &[&[0x93, 15, 0, 9]], "done with a job"),
        ("done-by-asking", &[&[0x93, 12, 0, 9]], "done with a job"),
        ("unasked-later", &[&[0x93, 22, 0, 1]], "done with a job"),
        ("unasked-fault", &[&[0x94, 23, 0, 1, 9]], "answered a call"),
        // A frame that only main sends.
        ("order", &[&[0x93, 13, 0, 1]], "no worker sends"),
        ("flag", &[&[0x94, 14, 0, 7, 9]], "malformed"),
        ("error", &[&[0x96, 21, 1, 0, 1, 1, 99]], "malformed"),
    ];
    for (name, frames, expected) in lies {
        let path = liar(name, frames);
        let store = ReactonStore::new();
        let other = asked::builder().process().spawn(&store).expect("the worker starts");
        let builder = asked::builder().process().with(Process::new().program(&path));
        let worker = builder.spawn(&store).expect("the script is accepted as a worker");
        let pending = worker.call(&ASK, Chore::new(1, ""));
        let error = pending.wait(&store, TIMEOUT);
        let Err(CallError::Died { message, .. }) = &error else { panic!("{name}: {error:?}") };
        assert!(message.contains(expected), "{name}: {message}");
        wait_until(&store, |store| {
            matches!(store.get(worker.status()), IsolateStatus::Failed { .. })
        });
        assert_eq!(other.call(&ASK, Chore::new(2, "")).wait(&store, TIMEOUT), Ok(4), "{name}");
        println!("{name}: {message}");
        std::fs::remove_file(&path).expect("the file is removed");
    }
}

#[test]
fn p6_an_answer_of_wrong_bytes_is_the_error_of_its_call_and_a_second_answer_ends_the_process() {
    // The program begins the first call of the link, and answers it with a text.
    let begun: &[u8] = &[0x94, 14, 0, 0, 1];
    // The payload follows the head like a frame; here it is missing.
    let refused: &[u8] = &[0x96, 21, 1, 0, 0, 1, 2];
    let path = liar("twice", &[begun, refused, refused]);
    let store = ReactonStore::new();
    let builder = asked::builder().process().with(Process::new().program(&path));
    let worker = builder.spawn(&store).expect("the script is accepted as a worker");
    let (first, second) =
        (worker.call(&ASK, Chore::new(1, "")), worker.call(&ASK, Chore::new(2, "")));
    let error = first.wait(&store, TIMEOUT);
    assert!(matches!(error, Err(CallError::NotAnswered { .. })), "{error:?}");
    let error = second.wait(&store, TIMEOUT);
    let Err(CallError::Died { message, .. }) = &error else { panic!("{error:?}") };
    assert!(message.contains("answered a call that it does not have"), "{message}");
    std::fs::remove_file(&path).expect("the file is removed");
}

#[test]
fn p8_many_calls_and_deaths_leave_each_call_with_one_outcome() {
    let store = ReactonStore::new();
    let builder = asked::builder().restart(restart_always()).retries(1).pool(3).process();
    let pool = builder.spawn(&store).expect("the worker starts");
    let hows = ["", "panic", "", "abort", "write", "exit", ""];
    let answers: Vec<_> = (0..140_u32)
        .map(|n| {
            let how = hows[n as usize % hows.len()];
            let task = Chore::new(n, how);
            let answer =
                if n % 2 == 0 { pool.call(&ASK, task) } else { pool.caller(&ASK).call(task) };
            (n, how, answer)
        })
        .collect();
    for (n, how, answer) in answers {
        let outcome = answer.wait(&store, Duration::from_secs(60));
        match how {
            "" | "write" => assert_eq!(outcome, Ok(2 * n)),
            "panic" => assert!(matches!(outcome, Err(CallError::Panicked { .. })), "{outcome:?}"),
            _ => assert!(matches!(outcome, Err(CallError::Died { .. })), "{outcome:?}"),
        }
    }
    pool.idle(&store, TIMEOUT).expect("all jobs are done");
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost, stats.retried), (140, 80, 60, 60));
    pool.shutdown(TIMEOUT).expect("the pool ends");
}
