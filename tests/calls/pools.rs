//! K4: in a pool a call is a job.

use std::cell::Cell;
use std::rc::Rc;

use super::*;

#[test]
fn k4_a_call_is_given_again_and_at_last_lost() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(2).retries(1).restart(restarting()).spawn(&store, gate)?;
    // The second attempt answers.
    let answer = pool.call(&GATE, 1);
    word.send(None)?;
    word.send(Some(11))?;
    assert_eq!(answer.wait(&store, SOON), Ok(11));
    // Two panics are one too many, for this call only.
    let (bad, good) = (pool.call(&GATE, 2), pool.call(&ECHO, 3));
    word.send(None)?;
    word.send(None)?;
    assert_eq!(good.wait(&store, SOON), Ok(3));
    let error = bad.wait(&store, SOON);
    assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
    assert_eq!(begun.try_iter().map(|(n, _)| n).collect::<Vec<_>>(), [1, 1, 2, 2]);
    pool.idle(&store, SOON)?;
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.retried, stats.lost), (3, 2, 2, 1));
    assert!(store.get(pool.lost_job()).is_none(), "the error of a call is not a lost job");
    Ok(())
}

#[test]
fn k4_calls_and_written_jobs_share_the_queue() -> Result<(), Box<dyn Error>> {
    #[reacton]
    static NUMBER: u32 = 0;
    #[reacton(eq = never)]
    static SQUARE: u32 = 0;
    #[call]
    static CUBE: Call<u32, u32>;
    #[worker(shared = [NUMBER, SQUARE], answers = [CUBE])]
    fn powers(store: &ReactonStore) {
        store.subscribe(&NUMBER, |store, n| store.set(&SQUARE, n * n));
        store.answer(&CUBE, |_, n, _| n * n * n);
    }
    let store = ReactonStore::new();
    let sum = Rc::new(Cell::new(0));
    let adds = Rc::clone(&sum);
    store.subscribe(&SQUARE, move |_, square| adds.set(adds.get() + square));
    let pool = powers::builder().pool(3).spawn(&store)?;
    let answers: Vec<_> = (1..=50)
        .map(|n| {
            store.set(&NUMBER, n);
            pool.call(&CUBE, n)
        })
        .collect();
    pool.idle(&store, SOON)?;
    // All results have been applied, and all answers have arrived.
    assert_eq!(sum.get(), (1..=50).map(|n| n * n).sum::<u32>());
    for (n, answer) in (1..=50).zip(answers) {
        assert!(answer.is_ready());
        assert_eq!(answer.wait(&store, Duration::ZERO), Ok(n * n * n));
    }
    Ok(())
}

#[test]
fn k4_idle_waits_for_what_observers_give_meanwhile() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, ..) = gate();
    let pool = Rc::new(gated::builder().pool(2).spawn(&store, gate)?);
    pool.idle(&store, Duration::ZERO)?;
    let (asks, left) = (Rc::clone(&pool), Rc::new(Cell::new(20)));
    let counts = Rc::clone(&left);
    let done = store.reacton(0);
    store.watch(&done, move |store, _| {
        if counts.get() > 0 {
            counts.set(counts.get() - 1);
            asks.call(&ECHO, 1).detach();
            // When this round is over, starts another one.
            store.update(&done, |done| *done += 1);
        }
    });
    pool.idle(&store, SOON)?;
    assert_eq!((left.get(), pool.stats().done), (0, 20));
    Ok(())
}

#[test]
fn k4_idle_is_awaited() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let pool = pictures::builder().pool(2).for_all(shared![FACTOR]).spawn(&store)?;
    (1..=100).filter(|n| *n != 13).for_each(|n| pool.call(&PICTURE, job(n)).detach());
    futures_lite::future::block_on(pool.idle_async())?;
    assert_eq!(pool.stats().done, 99);
    assert_ne!(store.get(&WRITTEN), 0);
    Ok(())
}

#[test]
fn k4_idle_returns_when_no_member_is_left() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, begun, word) = gate();
    let pool = gated::builder().pool(2).spawn(&store, gate)?;
    let answers = [pool.call(&GATE, 1), pool.call(&GATE, 2), pool.call(&GATE, 3)];
    begun.recv()?;
    begun.recv()?;
    assert_eq!(pool.idle(&store, Duration::ZERO), Err(RunError::TimedOut));
    assert_eq!(store.batch(|store| pool.idle(store, SOON)), Err(RunError::Nested));
    // Both members fail for good: no member is left.
    word.send(None)?;
    word.send(None)?;
    pool.idle(&store, SOON)?;
    for answer in answers {
        assert!(answer.is_ready());
    }
    futures_lite::future::block_on(pool.idle_async())?;
    store.dispose();
    let ended = futures_lite::future::block_on(pool.idle_async());
    assert!(matches!(ended, Ok(()) | Err(RunError::Disconnected)), "{ended:?}");
    Ok(())
}

#[test]
fn k4_a_hundred_threads_call_a_pool_whose_members_panic() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let restart = Restart::OnPanic { max: 1000, within: SOON, backoff: Duration::ZERO };
    let pool =
        IsolateStore::builder().answers(&ECHO).restart(restart).pool(3).spawn(&store, |store| {
            store.answer(&ECHO, |_, n, _| {
                assert!(n % 20 != 7, "an unlucky {n}");
                n + 1
            });
        })?;
    let caller = pool.caller(&ECHO);
    let threads: Vec<_> = (0..100)
        .map(|thread| {
            let caller = caller.clone();
            std::thread::spawn(move || {
                for n in 20 * thread..20 * thread + 20 {
                    match caller.call(n).join(SOON) {
                        Ok(answer) => assert!(answer == n + 1 && n % 20 != 7),
                        Err(CallError::Panicked { message, .. }) => {
                            assert_eq!(message, format!("an unlucky {n}"));
                        }
                        Err(error) => panic!("call {n}: {error:?}"),
                    }
                }
            })
        })
        .collect();
    // Main's turns restart the members.
    while !threads.iter().all(std::thread::JoinHandle::is_finished) {
        store.wait(Duration::from_millis(1));
    }
    for thread in threads {
        thread.join().expect("the thread gets the right answers");
    }
    pool.idle(&store, SOON)?;
    let stats = pool.stats();
    assert_eq!((stats.given, stats.done, stats.lost), (2000, 1900, 100));
    Ok(())
}
