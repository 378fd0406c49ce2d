//! K8: back-pressure, if the program asks for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use futures_lite::future::block_on;

use super::*;

#[test]
fn k8_no_more_calls_than_the_limit_are_with_the_worker() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(1).spawn(&store, gate)?;
    let caller = pool.caller(&GATE).in_flight(2);
    let again = caller.clone();
    let (first, second) = (caller.try_call(1)?, again.try_call(2)?);
    let error = caller.try_call(3).expect_err("two calls are unanswered");
    assert!(matches!(error, CallError::Busy { in_flight: 2, .. }), "{error:?}");
    let waits = caller.call(4);
    let dropped = caller.call(5);
    let after = caller.call(6);
    drop(dropped);
    begun.recv()?;
    assert_eq!(pool.stats().waiting, 1, "one call is in the queue");
    for n in [10, 20, 40, 60] {
        word.send(Some(n))?;
    }
    let join = |answer: Answer<u32>| {
        thread::spawn(move || answer.join(SOON)).join().expect("the thread does not panic")
    };
    assert_eq!([first, second, waits, after].map(join), [Ok(10), Ok(20), Ok(40), Ok(60)]);
    assert_eq!(begun.iter().take(3).map(|(n, _)| n).collect::<Vec<_>>(), [2, 4, 6]);
    // By now all places are free again.
    word.send(Some(7))?;
    word.send(Some(8))?;
    let (one, two) = (caller.try_call(7)?, caller.try_call(8)?);
    assert_eq!((block_on(one), block_on(two)), (Ok(7), Ok(8)));
    Ok(())
}

#[test]
fn k8_calls_that_wait_for_a_place_end_with_the_worker() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let worker = gated::spawn(&store, gate)?;
    let caller = worker.caller(&GATE).in_flight(1);
    // More than a recursion over all of them would survive.
    let answers: Vec<_> = (0..100_000).map(|n| caller.call(n)).collect();
    begun.recv()?;
    drop(worker);
    drop(word);
    for answer in answers {
        assert!(answer.is_ready());
    }
    assert!(matches!(block_on(caller.call(1)), Err(CallError::Disposed { .. })));
    Ok(())
}

#[test]
fn k8_a_hundred_threads_share_a_limit() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, ..) = gate();
    let pool = gated::builder().pool(2).spawn(&store, gate)?;
    let caller = pool.caller(&ECHO).in_flight(3);
    let threads: Vec<_> = (0..100)
        .map(|n| {
            let caller = caller.clone();
            thread::spawn(move || (0..30).all(|_| caller.call(n).join(SOON) == Ok(n)))
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().expect("the thread does not panic")));
    for n in 0..3 {
        caller.try_call(n)?.detach();
    }
    pool.idle(&store, SOON)?;
    assert!(caller.try_call(1).is_ok());
    Ok(())
}

#[test]
fn k8_the_place_of_a_call_is_free_when_its_answer_is_there() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, ..) = gate();
    let worker = gated::spawn(&store, gate)?;
    let caller = worker.caller(&ECHO).in_flight(1);
    let asks =
        move || (0..20_000).all(|n| caller.try_call(n).is_ok_and(|it| it.join(SOON) == Ok(n)));
    assert!(thread::spawn(asks).join().expect("the thread does not panic"));
    Ok(())
}

#[test]
fn k8_a_flush_bounds_what_is_queued_at_main() -> Result<(), Box<dyn Error>> {
    static MOST: AtomicU64 = AtomicU64::new(0);
    let store = ReactonStore::new();
    let worker = IsolateStore::builder().shared(shared![WRITTEN]).spawn(
        &store,
        |store: &ReactonStore| -> Result<(), FlushError> {
            for n in 1..=2000 {
                store.set(&WRITTEN, n);
                store.main().flush(5).wait(SOON)?;
            }
            Ok(())
        },
    )?;
    while store.get(&WRITTEN) < 2000 {
        MOST.fetch_max(worker.stats().waiting, Ordering::SeqCst);
        store.pump_at_most(1);
        thread::yield_now();
    }
    // One more than the limit, because of the item that asks for the notification.
    assert!((1..=7).contains(&MOST.load(Ordering::SeqCst)), "{MOST:?}");
    worker.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k8_a_flush_is_awaited_and_times_out() -> Result<(), Box<dyn Error>> {
    #[worker(shared = [WRITTEN])]
    async fn writes(
        store: ReactonStore,
        late: Sender<Result<(), FlushError>>,
    ) -> Result<(), FlushError> {
        for n in 1..=500 {
            store.set(&WRITTEN, n);
            store.main().flush(3).await?;
        }
        store.set(&WRITTEN, 501);
        let timed_out = store.main().flush(0).wait(Duration::from_millis(1));
        late.send(timed_out).expect("the channel is open");
        Ok(())
    }
    let store = ReactonStore::new();
    let (late, timed_out) = channel();
    let worker = writes::spawn(&store, late)?;
    store.run_until(SOON, |store| store.get(&WRITTEN) >= 500)?;
    drop(timed_out.recv()?);
    worker.shutdown(SOON)?;
    // For a store that is not a worker's, `flush` is ready at once.
    store.main().flush(0).wait(Duration::ZERO)?;
    Ok(())
}

#[test]
fn k8_a_flush_ends_with_the_main_store() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let (waits, at_it) = channel();
    let worker = IsolateStore::builder().shared(shared![WRITTEN]).spawn(
        &store,
        move |store: &ReactonStore| {
            store.set(&WRITTEN, 1);
            waits.send(()).expect("the channel is open");
            tell.send(store.main().flush(0).wait(SOON)).expect("the channel is open");
        },
    )?;
    at_it.recv()?;
    worker.dispose();
    assert!(matches!(told.recv()?, Err(FlushError::Disposed)));
    Ok(())
}
