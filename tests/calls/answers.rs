//! K1: each call has exactly one outcome.

use std::thread;

use futures_lite::future::block_on;

use super::*;

#[test]
fn k1_a_call_is_answered() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    store.set(&FACTOR, 2);
    let answer = worker.call(&PICTURE, job(4));
    assert_eq!(answer.wait(&store, SOON)?, Ok(String::from("picture 4 8")));
    assert_eq!(store.get(&WRITTEN), 4);
    let refused = worker.call(&PICTURE, job(0));
    assert_eq!(block_on(refused)?, Err(String::from("no rows")));
    worker.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k1_a_pool_and_a_caller_are_answered() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let pool = pictures::builder().pool(3).for_all(shared![FACTOR]).spawn(&store)?;
    store.set(&FACTOR, 3);
    let answers: Vec<_> =
        (1..=100).filter(|n| *n != 13).map(|n| (n, pool.call(&PICTURE, job(n)))).collect();
    for (n, answer) in answers {
        assert_eq!(answer.wait(&store, SOON)?, Ok(format!("picture {n} {}", 3 * n)));
    }
    let caller = pool.caller(&PICTURE);
    let threads: Vec<_> = (1..=10)
        .map(|n| {
            let caller = caller.clone();
            thread::spawn(move || (n, caller.call(job(n)).join(SOON)))
        })
        .collect();
    for thread in threads {
        let (n, answer) = thread.join().expect("the thread does not panic");
        assert_eq!(answer?, Ok(format!("picture {n} {}", 3 * n)));
    }
    pool.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k1_a_panic_is_the_error_of_its_call() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::builder().restart(Restart::on_panic(5)).spawn(&store)?;
    let (before, bad, after) = (
        worker.call(&PICTURE, job(1)),
        worker.call(&PICTURE, job(13)),
        worker.call(&PICTURE, job(2)),
    );
    assert!(before.wait(&store, SOON)?.is_ok());
    let error = bad.wait(&store, SOON).expect_err("the call fails with a panic");
    let CallError::Panicked { message, location, .. } = &error else { panic!("{error:?}") };
    assert_eq!(message, "an unlucky job");
    assert!(location.as_ref().is_some_and(|place| place.contains("calls.rs")), "{location:?}");
    assert!(error.to_string().contains("PICTURE"), "{error}");
    assert_eq!(after.wait(&store, SOON)?, Ok(String::from("picture 2 2")));
    Ok(())
}

#[test]
fn k1_what_nothing_answers_is_an_error() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    for error in [
        worker.call(&UNLISTED, 1).wait(&store, SOON),
        worker.call(&FORGOTTEN, 1).wait(&store, SOON),
    ] {
        let Err(CallError::NotAnswered { worker, .. }) = error else { panic!("{error:?}") };
        assert_eq!(worker, "pictures");
    }
    Ok(())
}

#[test]
fn k1_a_hundred_threads_each_get_their_own_answers() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, ..) = gate();
    let pool = gated::builder().pool(2).spawn(&store, gate)?;
    let caller = pool.caller(&ECHO);
    let threads: Vec<_> = (0..100)
        .map(|thread| {
            let caller = caller.clone();
            thread::spawn(move || {
                (0..50).all(|n| caller.call(1000 * thread + n).join(SOON) == Ok(1000 * thread + n))
            })
        })
        .collect();
    // None of the calls needs a turn of main.
    assert!(threads.into_iter().all(|thread| thread.join().expect("the thread does not panic")));
    let stats = pool.stats();
    assert_eq!((stats.given, stats.lost), (5000, 0));
    pool.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k1_closures_answer_without_an_attribute() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let mut sum = 0;
    let worker = IsolateStore::builder().answers(&ECHO).answers(&UNLISTED).spawn(
        &store,
        move |store: &ReactonStore| {
            store.answer(&ECHO, move |_, n, _| {
                sum += n;
                sum
            });
            store.answer(&UNLISTED, |_, n, call| {
                assert!(call.name().ends_with("UNLISTED"));
                n + 1
            });
        },
    )?;
    assert_eq!(worker.call(&ECHO, 3).wait(&store, SOON), Ok(3));
    assert_eq!(worker.call(&ECHO, 4).wait(&store, SOON), Ok(7));
    assert_eq!(worker.call(&UNLISTED, 4).wait(&store, SOON), Ok(5));
    Ok(())
}

#[test]
fn k1_a_call_that_is_not_listed_or_is_answered_twice_panics_in_the_worker()
-> Result<(), Box<dyn Error>> {
    let message = |entry: fn(&ReactonStore)| {
        let store = ReactonStore::new();
        let worker = IsolateStore::builder().answers(&ECHO).spawn(&store, entry)?;
        let answer = worker.call(&ECHO, 1).wait(&store, SOON);
        let Err(CallError::Died { message, .. }) = answer else { panic!("{answer:?}") };
        Ok::<_, Box<dyn Error>>(message)
    };
    let unlisted = message(|store| store.answer(&UNLISTED, |_, n, _| *n))?;
    assert!(
        unlisted.contains("UNLISTED` is not among the calls of this worker: add it to `answers"),
        "{unlisted}"
    );
    let twice = message(|store| {
        store.answer(&ECHO, |_, n, _| *n);
        store.answer(&ECHO, |_, n, _| n + 1);
    })?;
    assert!(twice.contains("ECHO` is answered twice"), "{twice}");
    Ok(())
}

#[test]
fn k1_a_worker_of_a_worker_is_called() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let outer = IsolateStore::builder().answers(&ECHO).spawn(&store, |store: &ReactonStore| {
        let inner = IsolateStore::builder().answers(&ECHO).spawn(store, |store: &ReactonStore| {
            store.answer(&ECHO, |_, n, _| 2 * n);
        });
        let inner = inner.expect("the worker starts");
        let caller = inner.caller(&ECHO);
        inner.detach();
        store.answer_async(&ECHO, move |_, n, _| {
            let answer = caller.call(n + 1);
            async move { answer.await.expect("the call is answered") }
        });
    })?;
    assert_eq!(outer.call(&ECHO, 20).wait(&store, SOON), Ok(42));
    outer.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k1_a_worker_that_catches_its_own_panic_answers_with_it() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let entry = |store: &ReactonStore| {
        store.answer(&ECHO, |_, n, _| {
            assert_ne!(*n, 1, "one");
            *n
        });
        while !store.is_disposed() {
            let turn = std::panic::AssertUnwindSafe(|| store.wait(SOON));
            drop(std::panic::catch_unwind(turn));
        }
    };
    let worker = IsolateStore::builder().answers(&ECHO).spawn(&store, entry)?;
    let (bad, good) = (worker.call(&ECHO, 1), worker.call(&ECHO, 2));
    let direct = worker.caller(&ECHO).call(1);
    for bad in [bad, direct] {
        let error = bad.wait(&store, SOON);
        assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
    }
    assert_eq!(good.wait(&store, SOON), Ok(2));
    let pool = IsolateStore::builder().answers(&ECHO).pool(1).spawn(&store, entry)?;
    let (bad, good) = (pool.call(&ECHO, 1), pool.call(&ECHO, 2));
    assert!(matches!(bad.wait(&store, SOON), Err(CallError::Panicked { .. })));
    assert_eq!(good.wait(&store, SOON), Ok(2));
    Ok(())
}
