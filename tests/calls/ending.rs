//! K1 at the end of a worker: a shutdown still answers calls, `dispose` does not.

use std::thread;

use super::*;

#[test]
fn k1_a_shutdown_answers_what_was_asked_before() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let answers: Vec<_> = (1..=12).map(|n| worker.call(&PICTURE, job(n))).collect();
    worker.try_shutdown(SOON)?;
    for (n, answer) in (1..=12).zip(answers) {
        assert!(answer.is_ready());
        assert_eq!(answer.wait(&store, Duration::ZERO)?, Ok(format!("picture {n} {n}")));
    }
    let late = worker.call(&PICTURE, job(1)).wait(&store, SOON);
    assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
    let pool = pictures::builder().pool(2).for_all(shared![FACTOR]).spawn(&store)?;
    let (caller, answers) =
        (pool.caller(&PICTURE), (1..=12).map(|n| pool.call(&PICTURE, job(n))).collect::<Vec<_>>());
    pool.shutdown(SOON)?;
    assert!(answers.iter().all(Answer::is_ready));
    let late = thread::spawn(move || caller.call(job(1)).join(SOON))
        .join()
        .expect("the thread does not panic");
    assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
    Ok(())
}

#[test]
fn k1_disposal_ends_calls_at_once_also_one_that_runs() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate.clone())?;
    let (running, waiting, direct) =
        (worker.call(&GATE, 1), worker.call(&ECHO, 2), worker.caller(&ECHO).call(3));
    let (_, asked) = begun.recv()?;
    worker.dispose();
    assert!(asked.is_cancelled());
    for answer in [running, waiting, direct] {
        let error = answer.wait(&store, Duration::ZERO);
        assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    }
    word.send(Some(1))?;
    let pool = gated::builder().pool(2).spawn(&store, gate)?;
    let answers: Vec<_> = (0..5).map(|n| pool.call(&GATE, n)).collect();
    begun.recv()?;
    drop(pool);
    for answer in answers {
        let error = answer.wait(&store, Duration::ZERO);
        assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    }
    drop(word);
    Ok(())
}

#[test]
fn k1_the_end_of_the_main_store_ends_calls() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let caller = worker.caller(&GATE);
    let threads: Vec<_> = (0..3)
        .map(|n| {
            let caller = caller.clone();
            thread::spawn(move || caller.call(n).join(SOON))
        })
        .collect();
    begun.recv()?;
    let (own, awaited) = (worker.call(&ECHO, 1), worker.call(&ECHO, 2));
    store.dispose();
    assert!(own.is_ready());
    let error = futures_lite::future::block_on(awaited);
    assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    for thread in threads {
        let error = thread.join().expect("the thread does not panic");
        assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    }
    let error = own.wait(&store, SOON);
    assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    let late = worker.call(&ECHO, 1).wait(&store, SOON);
    assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
    drop(word);
    Ok(())
}

#[test]
fn k1_a_worker_that_disposes_itself_while_it_answers() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = IsolateStore::builder().answers(&ECHO).spawn(&store, |store: &ReactonStore| {
        store.answer(&ECHO, |store, n, _| {
            store.dispose();
            *n
        });
    })?;
    let (first, second) = (worker.call(&ECHO, 1), worker.call(&ECHO, 2));
    // The first answer was made, or was lost with the link. The second call never begins.
    let first = first.wait(&store, SOON);
    assert!(matches!(first, Ok(1) | Err(CallError::Disposed { .. })), "{first:?}");
    let second = second.wait(&store, SOON);
    assert!(matches!(second, Err(CallError::Disposed { .. })), "{second:?}");
    Ok(())
}

#[test]
fn k1_one_member_that_is_disposed_loses_only_the_call_that_it_runs() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(1).spawn(&store, gate)?;
    let (running, waiting) = (pool.call(&GATE, 1), pool.call(&ECHO, 2));
    begun.recv()?;
    pool.members()[0].dispose();
    for answer in [running, waiting] {
        let error = answer.wait(&store, SOON);
        assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    }
    word.send(Some(1))?;
    Ok(())
}

#[test]
fn k1_a_call_of_a_batch_in_which_its_worker_or_its_store_ends() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let answer = store.batch(|_| {
        let answer = worker.call(&PICTURE, job(1));
        worker.dispose();
        answer
    });
    assert!(matches!(answer.wait(&store, Duration::ZERO), Err(CallError::Disposed { .. })));
    let worker = pictures::spawn(&store)?;
    let answer = store.batch(|store| {
        let answer = worker.call(&PICTURE, job(1));
        store.dispose();
        answer
    });
    assert!(answer.is_ready(), "the store was disposed, so the call has an outcome");
    let error = futures_lite::future::block_on(answer);
    assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    Ok(())
}

#[test]
fn k1_the_drop_of_the_main_store_ends_calls() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let caller = worker.caller(&ECHO);
    let (running, waiting, direct) = (worker.call(&GATE, 1), worker.call(&ECHO, 2), caller.call(3));
    let (_, asked) = begun.recv()?;
    drop((store, worker));
    assert!(asked.is_cancelled());
    for answer in [running, waiting, direct, caller.call(4)] {
        let error = futures_lite::future::block_on(answer);
        assert!(matches!(error, Err(CallError::Disposed { .. })), "{error:?}");
    }
    word.send(Some(1))?;
    Ok(())
}

#[test]
fn k1_a_shutdown_that_times_out_still_answers_what_was_asked_before() -> Result<(), Box<dyn Error>>
{
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let (running, waiting) = (worker.call(&GATE, 1), worker.call(&ECHO, 2));
    let direct = worker.caller(&ECHO).call(3);
    begun.recv()?;
    assert!(worker.try_shutdown(Duration::ZERO).is_err());
    let late = worker.call(&ECHO, 4).wait(&store, SOON);
    assert!(matches!(late, Err(CallError::Disposed { .. })), "{late:?}");
    word.send(Some(11))?;
    worker.try_shutdown(SOON)?;
    for (answer, expected) in [(running, 11), (waiting, 2), (direct, 3)] {
        assert_eq!(answer.wait(&store, Duration::ZERO), Ok(expected));
    }
    Ok(())
}
