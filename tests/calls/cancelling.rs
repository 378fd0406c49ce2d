//! K3: a call is cancelled when its answer is dropped or its timeout passes.

use super::*;

#[test]
fn k3_a_call_that_has_not_begun_is_never_begun() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let first = worker.call(&GATE, 1);
    assert_eq!(begun.recv()?.0, 1);
    drop(worker.call(&GATE, 2));
    let third = worker.call(&GATE, 3);
    third.cancel();
    assert!(matches!(third.wait(&store, SOON), Err(CallError::Cancelled { .. })));
    word.send(Some(10))?;
    assert_eq!(first.wait(&store, SOON), Ok(10));
    assert_eq!(worker.call(&ECHO, 4).wait(&store, SOON), Ok(4));
    assert!(begun.try_recv().is_err(), "a cancelled call has begun");
    Ok(())
}

#[test]
fn k3_a_call_that_runs_sees_that_it_is_cancelled() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let answer = worker.call(&GATE, 1);
    let (_, asked) = begun.recv()?;
    assert!(!asked.is_cancelled());
    drop(answer);
    assert!(asked.is_cancelled());
    word.send(Some(1))?;
    let late = worker.call(&GATE, 2);
    let (_, asked) = begun.recv()?;
    let error = late.wait(&store, Duration::from_millis(1));
    assert!(matches!(error, Err(CallError::TimedOut { .. })), "{error:?}");
    assert!(asked.is_cancelled());
    word.send(Some(2))?;
    assert_eq!(worker.call(&ECHO, 5).wait(&store, SOON), Ok(5));
    Ok(())
}

#[test]
fn k3_an_answer_that_is_detached_goes_on() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    worker.call(&PICTURE, job(9)).detach();
    store.run_until(SOON, |store| store.get(&WRITTEN) == 9)?;
    Ok(())
}

#[test]
fn k3_a_call_is_cancelled_while_it_waits_for_a_member() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(1).spawn(&store, gate)?;
    let running = pool.call(&GATE, 1);
    begun.recv()?;
    let dropped: Vec<_> = (2..50).map(|n| pool.call(&GATE, n)).collect();
    drop(dropped);
    word.send(Some(0))?;
    assert_eq!(running.wait(&store, SOON), Ok(0));
    pool.idle(&store, SOON)?;
    assert!(begun.try_recv().is_err());
    let stats = pool.stats();
    assert_eq!((stats.waiting, stats.at_work, stats.lost), (0, 0, 0));
    Ok(())
}

#[test]
fn k3_a_call_that_was_cancelled_is_joined_at_once() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let answer = worker.caller(&GATE).call(1);
    begun.recv()?;
    answer.cancel();
    let joins = std::thread::spawn(move || answer.join(Duration::MAX));
    let error =
        joins.join().expect("the thread does not panic").expect_err("the call is cancelled");
    assert!(matches!(error, CallError::Cancelled { .. }), "{error:?}");
    word.send(Some(1))?;
    Ok(())
}

#[test]
fn k3_a_call_that_is_cancelled_while_it_runs_is_not_given_again_and_its_place_becomes_free()
-> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(1).retries(3).restart(restarting()).spawn(&store, gate)?;
    let caller = pool.caller(&GATE).in_flight(1);
    for answered in [None, Some(1)] {
        let answer = caller.call(1);
        assert_eq!(begun.recv()?.0, 1);
        drop(answer);
        assert!(
            matches!(caller.try_call(2), Err(CallError::Busy { .. })),
            "the cancelled call still runs"
        );
        word.send(answered)?;
        pool.idle(&store, SOON)?;
        assert!(begun.try_recv().is_err(), "a cancelled call was repeated");
        word.send(Some(3))?;
        let next = caller.try_call(3)?;
        assert_eq!(futures_lite::future::block_on(next), Ok(3));
        assert_eq!(begun.recv()?.0, 3);
    }
    Ok(())
}

#[test]
fn k3_a_cancel_after_the_answer_has_come_changes_nothing() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let answer = worker.call(&PICTURE, job(1));
    store.run_until(SOON, |_| answer.is_ready())?;
    answer.cancel();
    assert!(answer.wait(&store, Duration::ZERO)?.is_ok());
    Ok(())
}
