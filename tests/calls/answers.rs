//! K1: each call has exactly one outcome.

use std::thread;

use futures_lite::future::block_on;

use super::*;

#[test]
fn k1_a_call_is_answered() -> Result<(), Box<dyn std::error::Error>> {
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
fn k1_a_pool_and_a_caller_are_answered() -> Result<(), Box<dyn std::error::Error>> {
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
        let (n, answer) = thread.join().expect("it does not panic");
        assert_eq!(answer?, Ok(format!("picture {n} {}", 3 * n)));
    }
    pool.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k1_a_panic_is_the_error_of_its_call() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    let worker = pictures::builder().restart(Restart::on_panic(5)).spawn(&store)?;
    let (before, bad, after) = (
        worker.call(&PICTURE, job(1)),
        worker.call(&PICTURE, job(13)),
        worker.call(&PICTURE, job(2)),
    );
    assert!(before.wait(&store, SOON)?.is_ok());
    let error = bad.wait(&store, SOON).expect_err("it panics");
    let CallError::Panicked { message, location, .. } = &error else { panic!("{error:?}") };
    assert_eq!(message, "an unlucky job");
    assert!(location.as_ref().is_some_and(|place| place.contains("calls.rs")), "{location:?}");
    assert!(error.to_string().contains("PICTURE"), "{error}");
    assert_eq!(after.wait(&store, SOON)?, Ok(String::from("picture 2 2")));
    Ok(())
}

#[test]
fn k1_what_nothing_answers_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
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
