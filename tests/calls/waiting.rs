//! Waiting for an answer: where it is possible, and where it returns an error at once.

use std::thread;

use futures_lite::future::block_on;

use super::*;

#[test]
fn k1_a_join_on_the_own_thread_is_an_error_at_once() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let error = worker.call(&PICTURE, job(1)).join(Duration::MAX);
    assert!(matches!(error, Err(CallError::OwnThread { .. })), "{error:?}");
    let error = worker.caller(&PICTURE).call(job(1)).join(Duration::MAX);
    assert!(matches!(error, Err(CallError::OwnThread { .. })), "{error:?}");
    // Another thread may join the answer, while this one takes turns.
    let answer = worker.call(&PICTURE, job(1));
    let joins = thread::spawn(move || answer.join(SOON));
    while !joins.is_finished() {
        store.wait(Duration::from_millis(1));
    }
    assert!(joins.join().expect("the thread does not panic")?.is_ok());
    Ok(())
}

#[test]
fn k1_a_wait_inside_a_batch_or_an_observer_is_an_error() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = std::rc::Rc::new(pictures::spawn(&store)?);
    let error = store.batch(|store| worker.call(&PICTURE, job(1)).wait(store, SOON));
    assert!(matches!(error, Err(CallError::Nested { .. })), "{error:?}");
    let seen = std::rc::Rc::new(std::cell::RefCell::new(None));
    let (asks, shows) = (std::rc::Rc::clone(&worker), std::rc::Rc::clone(&seen));
    store.subscribe(&FACTOR, move |store, _| {
        shows.replace(Some(asks.call(&PICTURE, job(1)).wait(store, SOON)));
    });
    store.set(&FACTOR, 2);
    assert!(matches!(seen.take(), Some(Err(CallError::Nested { .. }))));
    Ok(())
}

#[test]
fn k1_a_store_of_another_thread_waits_for_an_answer() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let (direct, by_turns) = (worker.caller(&PICTURE), worker.call(&PICTURE, job(2)));
    let other = thread::spawn(move || {
        let other = ReactonStore::new();
        let direct = direct.call(job(1)).wait(&other, SOON);
        (direct, by_turns.wait(&other, SOON))
    });
    while !other.is_finished() {
        store.wait(Duration::from_millis(1));
    }
    let (direct, by_turns) = other.join().expect("the thread does not panic");
    assert_eq!(direct?, Ok(String::from("picture 1 1")));
    assert_eq!(by_turns?, Ok(String::from("picture 2 2")));
    Ok(())
}

#[test]
fn k1_a_timeout_may_be_zero_or_infinite() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let error = worker.call(&GATE, 1).wait(&store, Duration::ZERO);
    assert!(matches!(error, Err(CallError::TimedOut { .. })), "{error:?}");
    word.send(Some(5))?;
    word.send(Some(6))?;
    let caller = worker.caller(&GATE);
    assert!(worker.call(&ECHO, 2).wait(&store, Duration::MAX).is_ok());
    let asks = thread::spawn(move || {
        let late = caller.call(3).join(Duration::ZERO);
        (late, caller.call(4).join(Duration::MAX))
    });
    let (late, answer) = asks.join().expect("the thread does not panic");
    assert!(matches!(late, Err(CallError::TimedOut { .. }) | Ok(_)), "{late:?}");
    assert!(answer.is_ok());
    drop(begun);
    Ok(())
}

#[test]
fn k1_an_answer_is_awaited_on_any_thread() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    assert!(block_on(worker.call(&PICTURE, job(1)))?.is_ok());
    assert!(block_on(worker.caller(&PICTURE).call(job(2)))?.is_ok());
    let caller = worker.caller(&PICTURE);
    let other = thread::spawn(move || block_on(caller.call(job(3))));
    assert!(other.join().expect("the thread does not panic")?.is_ok());
    Ok(())
}
