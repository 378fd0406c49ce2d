//! Values that are longer than `max_value`: an error at the side that writes them, as one that does not encode.

use reacton::prelude::*;
use reacton_net::{Host, HostBuilder, Session};

use super::places::{SOON, failure, host, key, open, place, session, until};
use super::workers::*;

const MAX: u64 = 100_000;

/// Longer than allowed, and not too long.
const LONG: usize = 200_000;
const SHORT: usize = 50_000;

/// A place with the limit at the host, and one with the limit at the client.
fn places() -> [(Host, Session); 2] {
    let at_host =
        place(|host| host.offer("tests", workers![sized, doubler, talker]).max_value(MAX));
    let own = key();
    let host = host(&[&own], |host| host.offer("tests", workers![sized, doubler, talker]));
    let session = open(Session::builder().key(own).max_value(MAX), &[&host]);
    [at_host, (host, session)]
}

/// Checks that the last error names this reacton, and the limit.
#[track_caller]
fn assert_reported(store: &ReactonStore, worker: &IsolateStore, name: &str) {
    until(store, |store| store.with(worker.last_error(), Option::is_some));
    let error = store.get(worker.last_error()).expect("there is an error");
    let LinkError::Encode { reacton, reason, .. } = &error else { panic!("{error:?}") };
    assert!(reacton.ends_with(name), "{error}");
    assert!(reason.contains("100000") && reason.contains("max_value"), "{error}");
}

#[test]
fn n6_a_value_that_is_too_long_is_held_back_at_the_client_and_the_others_go_on() {
    for (host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.batch(|store| {
            store.set(&PIXELS, vec![1; LONG]);
            store.set(&INPUT, 5);
        });
        until(&store, |store| store.get(&OUTPUT) == 5);
        assert_eq!((store.get(&TOTAL), store.with(&PIXELS, Vec::len)), (0, LONG));
        assert_reported(&store, &worker, "PIXELS");
        store.set(&PIXELS, vec![1; SHORT]);
        until(&store, |store| store.get(&TOTAL) == SHORT as u64);
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
        assert_eq!(host.running(), 1);
    }
}

#[test]
fn n6_a_value_that_is_too_long_is_held_back_at_the_host_and_the_others_go_on() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.set(&INPUT, LONG as u64);
        until(&store, |store| store.get(&OUTPUT) == LONG as u64);
        assert_eq!(store.with(&BLOB, Vec::len), 0);
        assert_reported(&store, &worker, "BLOB");
        store.set(&INPUT, SHORT as u64);
        until(&store, |store| store.with(&BLOB, Vec::len) == SHORT);
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    }
}

#[test]
fn n6_a_value_of_exactly_the_limit_crosses() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        // As bytes: a head of five bytes, and one for each.
        let len = usize::try_from(MAX).expect("the limit is small") - 5;
        store.set(&PIXELS, vec![1; len]);
        until(&store, |store| store.get(&TOTAL) == len as u64);
        assert_eq!(store.get(worker.last_error()), None);
        store.set(&PIXELS, vec![1; len + 1]);
        assert_reported(&store, &worker, "PIXELS");
    }
}

#[test]
fn n6_entries_that_are_too_long_are_held_back() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.update(&ROWS, |rows| {
            rows.insert(1, "x".repeat(LONG));
        });
        assert_reported(&store, &worker, "ROWS");
        store.update(&ROWS, |rows| {
            rows.insert(2, String::from("short"));
        });
        until(&store, |store| store.get(&TOTAL) == 1);
    }
}

#[test]
fn n6_each_entry_counts_by_itself() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let short = |keys: std::ops::Range<u32>| {
            store.update(&ROWS, |rows| {
                for key in keys.clone() {
                    rows.insert(key, "x".repeat(SHORT));
                }
            });
        };
        short(0..6);
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.batch(|store| {
            short(6..12);
            store.update(&ROWS, |rows| {
                rows.insert(12, "x".repeat(LONG));
            });
        });
        until(&store, |store| store.get(&TOTAL) == 12);
        assert_reported(&store, &worker, "ROWS");
        assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    }
}

#[test]
fn n6_a_worker_does_not_start_with_a_value_that_is_too_long() {
    for (host, session) in places() {
        let store = ReactonStore::new();
        store.set(&PIXELS, vec![1; LONG]);
        let error =
            sized::builder().at(&session, "tests").spawn(&store).expect_err("a value is too long");
        let SpawnError::Value { source: LinkError::Encode { reacton, .. }, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(reacton.ends_with("PIXELS"), "{error:?}");
        until(&store, |_| host.running() == 0);
    }
}

#[test]
fn n6_a_worker_that_is_restarted_with_a_value_that_is_too_long_has_failed() {
    for (host, session) in places() {
        let store = ReactonStore::new();
        let builder = sized::builder().restart(Restart::on_panic(50)).at(&session, "tests");
        let worker = builder.spawn(&store).expect("the worker starts");
        store.set(&PIXELS, vec![1; LONG]);
        store.set(&INPUT, PANICS);
        let message = failure(&store, &worker);
        assert!(message.contains("PIXELS") && message.contains("max_value"), "{message}");
        until(&store, |_| host.running() == 0);
    }
}

#[test]
fn n6_a_question_and_an_answer_that_are_too_long_are_errors_of_their_calls() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            sized::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        let ask = |question: Vec<u8>, len: usize| {
            worker.call(&RESIZE, (question, len)).wait(&store, SOON).map(|answer| answer.len())
        };
        assert_eq!(ask(vec![1; SHORT], 10).expect("the call is answered"), 10);
        let long = ask(vec![1; LONG], 10).expect_err("the question is too long");
        assert!(matches!(long, CallError::Encode { .. }), "{long:?}");
        let long = ask(Vec::new(), LONG).expect_err("the answer is too long");
        assert!(matches!(long, CallError::Encode { .. }), "{long:?}");
        assert_eq!(ask(Vec::new(), SHORT).expect("the call is answered"), SHORT);
    }
}

#[test]
fn n6_a_job_that_is_too_long_is_held_back_and_the_pool_goes_on() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let builder = sized::builder().pool(2).at(&session, "tests");
        let pool = builder.spawn(&store).expect("the worker starts");
        store.set(&PIXELS, vec![1; LONG]);
        assert_eq!(store.with(pool.lost_jobs(), Vec::len), 0);
        store.set(&PIXELS, vec![1; SHORT]);
        until(&store, |store| store.get(&TOTAL) == SHORT as u64);
        pool.shutdown(SOON).expect("the worker ends");
    }
}

#[test]
fn n6_a_job_that_waits_for_a_host_that_takes_less_is_lost_and_the_pool_goes_on() {
    let own = key();
    let offer = |builder: HostBuilder| builder.offer("tests", workers![sized, doubler]);
    let first = host(&[&own], offer);
    let second = host(&[&own], |builder| offer(builder).max_value(MAX));
    let session = session(own, &[&first, &second]);
    let store = ReactonStore::new();
    let shown = session.hosts(&store);
    until(&store, |store| store.get(&shown).iter().all(|host| host.connected));
    let builder = sized::builder().restart(Restart::on_panic(20)).retries(5);
    let pool = builder.pool(1).at(&session, "tests").spawn(&store).expect("the pool starts");
    assert_eq!((first.running(), second.running()), (1, 0));
    drop(first);
    // Written while nobody knows which host comes next.
    store.set(&PIXELS, vec![1; LONG]);
    let question = pool.call(&RESIZE, (vec![1; LONG], 10));
    store.set(&PIXELS, vec![1; SHORT]);
    until(&store, |store| store.get(&TOTAL) == SHORT as u64);
    let lost = pool.take_lost_jobs();
    let [job] = &lost[..] else { panic!("{lost:?}") };
    assert_eq!((job.number, job.get(&PIXELS).map(Vec::len)), (1, Some(LONG)));
    for named in ["sized", "PIXELS", "100000", "max_value"] {
        assert!(job.message.contains(named), "{}", job.message);
    }
    assert_reported(&store, &pool.members()[0], "PIXELS");
    let refused = question.wait(&store, SOON).expect_err("the question is too long");
    assert!(matches!(refused, CallError::Encode { .. }), "{refused:?}");
    // The second host was never left.
    assert_eq!((pool.members()[0].stats().restarts, second.running()), (1, 1));
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost), (3, 2, 1), "{stats:?}");
    pool.shutdown(SOON).expect("the pool ends");
}

#[test]
fn n6_a_message_of_a_panic_that_is_too_long_is_shortened() {
    for (_host, session) in places() {
        let store = ReactonStore::new();
        let worker =
            talker::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.set(&INPUT, LONG as u64);
        let message = failure(&store, &worker);
        assert!(message.starts_with("xxx") && message.len() < SHORT, "{}", message.len());
    }
}

#[test]
fn n6_arguments_that_are_too_long_are_an_error_of_the_spawn() {
    let (_host, session) = place(|host| host.offer("tests", workers![scaler]).max_value(MAX));
    let store = ReactonStore::new();
    let builder = scaler::builder().at(&session, "tests");
    let error = builder.spawn(&store, 1, "x".repeat(LONG)).expect_err("the arguments are too long");
    assert!(error.to_string().contains("arguments"), "{error}");
}
