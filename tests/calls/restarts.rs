//! K6: calls and restarts.

use super::*;

#[test]
fn k6_calls_wait_for_the_successor() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::builder().restart(restarting()).spawn(&store, gate)?;
    let bad = worker.call(&GATE, 1);
    begun.recv()?;
    // One call before and one after the panic of the worker, both before main handles the panic.
    let before = worker.call(&ECHO, 2);
    let caller = worker.caller(&ECHO);
    word.send(None)?;
    let direct = caller.call(3);
    assert!(matches!(bad.wait(&store, SOON), Err(CallError::Panicked { .. })));
    let after = worker.call(&ECHO, 4);
    assert_eq!(before.wait(&store, SOON), Ok(2));
    assert_eq!(after.wait(&store, SOON), Ok(4));
    assert_eq!(direct.wait(&store, SOON), Ok(3));
    assert_eq!(worker.stats().restarts, 1);
    Ok(())
}

#[test]
fn k6_a_call_of_a_single_worker_is_given_again_as_retries_says() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::builder().restart(restarting()).retries(2).spawn(&store, gate)?;
    let answer = worker.call(&GATE, 1);
    word.send(None)?;
    word.send(None)?;
    word.send(Some(12))?;
    assert_eq!(answer.wait(&store, SOON), Ok(12));
    assert_eq!((begun.try_iter().count(), worker.stats().restarts), (3, 2));
    Ok(())
}

#[test]
fn k6_without_a_restart_the_calls_die_with_the_worker() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let (bad, waits) = (worker.call(&GATE, 1), worker.call(&ECHO, 2));
    begun.recv()?;
    word.send(None)?;
    assert!(matches!(bad.wait(&store, SOON), Err(CallError::Panicked { .. })));
    let error = waits.wait(&store, SOON).expect_err("the worker ends before it answers");
    let CallError::Died { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("the answer is not `None`"), "{message}");
    let late = worker.call(&ECHO, 3).wait(&store, SOON);
    assert!(matches!(late, Err(CallError::Died { .. })), "{late:?}");
    Ok(())
}

#[test]
fn k6_a_direct_call_that_panics_needs_no_turn_of_main() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let caller = worker.caller(&GATE);
    let asks = std::thread::spawn(move || caller.call(1).join(SOON));
    begun.recv()?;
    word.send(None)?;
    let error = asks.join().expect("the thread does not panic").expect_err("the worker panicked");
    let CallError::Panicked { location, .. } = &error else { panic!("{error:?}") };
    assert!(location.as_ref().is_some_and(|place| place.contains("calls.rs")), "{location:?}");
    Ok(())
}

#[test]
fn k6_a_worker_that_returns_an_error_ends_its_calls() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (word, open) = channel();
    let worker = IsolateStore::builder().answers(&ECHO).spawn(
        &store,
        move |_: &ReactonStore| -> Result<(), String> {
            open.recv().map_err(|_| String::from("no word"))
        },
    )?;
    let answer = worker.call(&ECHO, 1);
    drop::<Sender<()>>(word);
    let error = answer.wait(&store, SOON).expect_err("the worker ends before it answers");
    assert!(matches!(&error, CallError::Died { message, .. } if message == "no word"), "{error:?}");
    Ok(())
}

#[test]
fn k6_calls_that_are_given_again_keep_their_order() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = IsolateStore::builder()
        .answers(&ECHO)
        .answers(&GATE)
        .restart(restarting())
        .retries(1)
        .spawn(&store, move |store: &ReactonStore| {
            let echoes = gate.begun.clone();
            store.answer_async(&ECHO, move |_, n, call| {
                echoes.send((n, call)).expect("the channel is open");
                std::future::pending()
            });
            let gate = gate.clone();
            store.answer(&GATE, move |_, n, call| {
                gate.begun.send((*n, call.clone())).expect("the channel is open");
                let word = gate.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                word.recv().expect("the channel is open").expect("the answer is not `None`")
            });
        })?;
    // Half of the calls travel on the link, and half are queued. All have begun, and none is ready.
    let caller = worker.caller(&ECHO);
    let mut answers = Vec::new();
    for n in 0..40 {
        answers.push(if n % 2 == 0 { worker.call(&ECHO, n) } else { caller.call(n) });
        assert_eq!(begun.recv()?.0, n);
    }
    // These calls wait behind the one that ends the worker and is repeated first.
    let ends = worker.call(&GATE, 40);
    assert_eq!(begun.recv()?.0, 40);
    answers.extend((41..50).map(|n| worker.call(&ECHO, n)));
    word.send(None)?;
    word.send(Some(7))?;
    assert_eq!(ends.wait(&store, SOON), Ok(7));
    let again: Vec<_> = (0..50).map(|_| begun.recv().map(|(n, _)| n)).collect::<Result<_, _>>()?;
    assert!(again.is_sorted(), "{again:?}");
    Ok(())
}
