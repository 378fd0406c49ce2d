//! K5: async answers.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_lite::StreamExt;
use futures_lite::future::block_on;

use super::*;

/// A number that the test sets once, and that any thread can await.
#[derive(Clone, Default)]
struct Word(Arc<Mutex<(Option<u32>, Vec<Waker>)>>);

impl Word {
    fn say(&self, word: u32) {
        let mut state = self.0.lock().expect("the mutex is not poisoned");
        state.0 = Some(word);
        state.1.drain(..).for_each(Waker::wake);
    }
}

impl Future for Word {
    type Output = u32;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u32> {
        let mut state = self.0.lock().expect("the mutex is not poisoned");
        state.1.push(context.waker().clone());
        state.0.map_or(Poll::Pending, Poll::Ready)
    }
}

/// Answered when the value arrives in the worker.
#[call]
static WHEN: Call<u32, u32>;

#[worker(shared = [FACTOR, WRITTEN], answers = [WHEN, ECHO])]
async fn patient(store: ReactonStore) {
    store.answer_async(&WHEN, |store, n, _| async move {
        let mut changes = store.changes(&FACTOR);
        while store.get(&FACTOR) != n {
            if changes.next().await.is_none() {
                break;
            }
        }
        store.set(&WRITTEN, n);
        n + 100
    });
    store.answer(&ECHO, |_, n, _| *n);
    // Continues to take turns, as other async workers do.
    let mut changes = store.changes(&FACTOR);
    while changes.next().await.is_some() {}
}

#[worker(shared = [FACTOR, WRITTEN], answers = [WHEN, ECHO])]
fn patient_after_its_function(store: &ReactonStore) {
    store.answer_async(&WHEN, |store, n, _| async move {
        let mut changes = store.changes(&FACTOR);
        while store.get(&FACTOR) != n {
            if changes.next().await.is_none() {
                break;
            }
        }
        store.set(&WRITTEN, n);
        n + 100
    });
    store.answer(&ECHO, |_, n, _| *n);
}

fn answers_as_they_are_ready(
    store: &ReactonStore,
    worker: &IsolateStore,
) -> Result<(), Box<dyn Error>> {
    let (third, second) = (worker.call(&WHEN, 3), worker.call(&WHEN, 2));
    assert_eq!(worker.call(&ECHO, 7).wait(store, SOON)?, 7);
    assert!(!third.is_ready() && !second.is_ready());
    store.set(&FACTOR, 2);
    assert_eq!(second.wait(store, SOON)?, 102);
    assert_eq!(store.get(&WRITTEN), 2);
    assert!(!third.is_ready());
    store.set(&FACTOR, 3);
    assert_eq!(block_on(third)?, 103);
    assert_eq!(store.get(&WRITTEN), 3);
    Ok(())
}

#[test]
fn k5_concurrent_answers_are_sent_as_they_become_ready() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let worker = patient::spawn(&store)?;
    answers_as_they_are_ready(&store, &worker)?;
    worker.shutdown(SOON)?;
    let worker = patient_after_its_function::spawn(&store)?;
    store.set(&FACTOR, 1);
    answers_as_they_are_ready(&store, &worker)?;
    worker.shutdown(SOON)?;
    Ok(())
}

#[test]
fn k5_a_shutdown_waits_for_async_answers() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let word = Word::default();
    let open = word.clone();
    let worker =
        IsolateStore::builder().answers(&ECHO).spawn(&store, move |store: &ReactonStore| {
            store.answer_async(&ECHO, move |_, n, _| {
                let open = open.clone();
                async move { n + open.await }
            });
        })?;
    let answer = worker.call(&ECHO, 1);
    assert!(worker.try_shutdown(Duration::from_millis(5)).is_err());
    word.say(4);
    worker.try_shutdown(SOON)?;
    assert_eq!(answer.wait(&store, Duration::ZERO)?, 5);
    Ok(())
}

#[test]
fn k5_a_panic_is_the_error_of_its_call_alone() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let word = Word::default();
    let open = word.clone();
    let worker = IsolateStore::builder().answers(&ECHO).restart(restarting()).retries(0).spawn(
        &store,
        move |store: &ReactonStore| {
            let open = open.clone();
            store.answer_async(&ECHO, move |_, n, _| {
                let open = open.clone();
                async move {
                    if n == 1 {
                        let word = open.await;
                        assert_ne!(word, 7, "a bad word");
                    } else if n == 2 {
                        std::future::pending::<()>().await;
                    }
                    n
                }
            });
        },
    )?;
    let (waits, panics) = (worker.call(&ECHO, 2), worker.call(&ECHO, 1));
    assert_eq!(worker.call(&ECHO, 3).wait(&store, SOON)?, 3);
    word.say(7);
    let error = panics.wait(&store, SOON).expect_err("the call fails with a panic");
    let CallError::Panicked { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("a bad word"), "{message}");
    let error = waits.wait(&store, SOON);
    assert!(matches!(error, Err(CallError::Died { .. })), "{error:?}");
    assert_eq!(worker.call(&ECHO, 4).wait(&store, SOON)?, 4);
    Ok(())
}

/// A future that is ready at the second poll. Its first poll wakes it, and then takes turns.
async fn restless(store: &ReactonStore) {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        store.pump();
        Poll::Pending
    })
    .await;
}

#[test]
fn k5_an_answer_that_wakes_itself_and_takes_turns_in_its_own_poll_is_polled_again()
-> Result<(), Box<dyn Error>> {
    #[worker(answers = [ECHO, WHEN])]
    fn returns(store: &ReactonStore) {
        restless_answers(store);
    }
    #[worker(answers = [ECHO, WHEN])]
    fn has_a_loop(store: &ReactonStore) {
        restless_answers(store);
        while !store.is_disposed() {
            store.wait(Duration::MAX);
        }
    }
    #[worker(answers = [ECHO, WHEN])]
    async fn is_async(store: ReactonStore) {
        restless_answers(&store);
        while store.turn().await > 0 {}
    }
    fn restless_answers(store: &ReactonStore) {
        store.answer_async(&ECHO, |store, n, _| async move {
            restless(&store).await;
            n
        });
        // Answers two calls at a time, in one task.
        store.answer_async(&WHEN, |store, n, _| async move {
            futures_lite::future::zip(restless(&store), restless(&store)).await;
            n
        });
    }
    let store = ReactonStore::new();
    for worker in [returns::spawn(&store)?, has_a_loop::spawn(&store)?, is_async::spawn(&store)?] {
        for n in 0..100 {
            let (first, second) = (worker.call(&ECHO, n), worker.call(&WHEN, n + 1));
            assert_eq!(first.wait(&store, SOON), Ok(n));
            assert_eq!(second.wait(&store, SOON), Ok(n + 1));
        }
        worker.shutdown(SOON)?;
    }
    Ok(())
}

#[test]
fn k5_a_waker_that_is_called_after_the_answer_delays_no_other_one() -> Result<(), Box<dyn Error>> {
    #[worker(answers = [WHEN])]
    fn has_a_loop(store: &ReactonStore, word: Word) {
        store.answer_async(&WHEN, move |_, _, _| word.clone());
        while !store.is_disposed() {
            store.wait(Duration::MAX);
        }
    }
    let store = ReactonStore::new();
    let word = Word::default();
    let worker = has_a_loop::spawn(&store, word.clone())?;
    word.say(7);
    for _ in 0..100 {
        assert_eq!(worker.call(&WHEN, 1).wait(&store, SOON), Ok(7));
        word.say(7);
    }
    Ok(())
}

#[test]
fn k5_a_call_that_arrives_while_the_function_of_the_worker_runs_is_answered()
-> Result<(), Box<dyn Error>> {
    #[worker(answers = [ECHO])]
    fn turns_first(store: &ReactonStore) {
        store.answer_async(&ECHO, |_, n, _| async move { n });
        store.wait(Duration::MAX);
    }
    let store = ReactonStore::new();
    let worker = turns_first::spawn(&store)?;
    assert_eq!(worker.call(&ECHO, 1).wait(&store, SOON), Ok(1));
    drop(worker);
    drop(store);
    for seed in 0..100 {
        let simulation = reacton::testing::Simulation::new(seed);
        let store = ReactonStore::new();
        let worker = turns_first::spawn(&store)?;
        let answer = worker.call(&ECHO, 1);
        simulation.settle();
        assert!(answer.is_ready(), "seed {seed}");
    }
    Ok(())
}

#[test]
fn k5_answers_await_other_workers() -> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let (gate, ..) = gate();
    let echo = gated::builder().pool(2).spawn(&store, gate)?;
    let caller = echo.caller(&ECHO);
    let front =
        IsolateStore::builder().answers(&WHEN).spawn(&store, move |store: &ReactonStore| {
            store.answer_async(&WHEN, move |_, n, _| {
                let caller = caller.clone();
                async move {
                    let mut sum = 0;
                    for k in 1..=n {
                        sum += caller.call(k).await.expect("the call is answered");
                    }
                    sum
                }
            });
        })?;
    let answers: Vec<_> = (1..=20).map(|n| (n, front.call(&WHEN, n))).collect();
    for (n, answer) in answers {
        assert_eq!(answer.wait(&store, SOON)?, n * (n + 1) / 2);
    }
    Ok(())
}

#[test]
fn k5_an_executor_on_the_thread_of_the_store_takes_turns_by_awaiting() -> Result<(), Box<dyn Error>>
{
    let store = ReactonStore::new();
    let worker = pictures::spawn(&store)?;
    let executor = async_executor::LocalExecutor::new();
    let done = Rc::new(RefCell::new(Vec::new()));
    for n in 1..=12 {
        let (answer, done) = (worker.call(&PICTURE, job(n)), Rc::clone(&done));
        executor
            .spawn(async move {
                let answer = answer.await;
                done.borrow_mut().push((n, answer));
            })
            .detach();
    }
    block_on(executor.run(async {
        while done.borrow().len() < 12 {
            futures_lite::future::yield_now().await;
        }
    }));
    for (n, answer) in done.take() {
        assert_eq!(answer?, Ok(format!("picture {n} {n}")));
    }
    Ok(())
}

/// Answers `WHEN` when the test sets the word, and panics if the question is 13. Catches panics, and continues.
#[worker(answers = [WHEN])]
fn stubborn(store: &ReactonStore, word: Word) {
    store.answer_async(&WHEN, move |_, n, _| {
        let word = word.clone();
        async move {
            let word = word.await;
            assert!(n != 13, "an unlucky number");
            n + word
        }
    });
    while !store.is_disposed() {
        let turn = std::panic::AssertUnwindSafe(|| store.wait(Duration::MAX));
        drop(std::panic::catch_unwind(turn));
    }
}

#[test]
fn k5_a_panic_in_one_async_answer_ends_neither_the_others_nor_a_shutdown()
-> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let word = Word::default();
    let worker = stubborn::spawn(&store, word.clone())?;
    let answers = [12, 13, 14, 13, 15].map(|n| worker.call(&WHEN, n));
    // Waits until all answers wait for the word.
    while word.0.lock().is_ok_and(|state| state.1.len() < answers.len()) {
        std::thread::yield_now();
    }
    word.say(100);
    for (n, answer) in [12, 13, 14, 13, 15].into_iter().zip(answers) {
        match answer.wait(&store, SOON) {
            Ok(answer) => assert_eq!(answer, n + 100),
            Err(CallError::Panicked { .. }) => assert_eq!(n, 13),
            Err(error) => panic!("call {n}: {error:?}"),
        }
    }
    worker.shutdown(SOON)?;
    Ok(())
}

/// As [`k5_a_panic_in_one_async_answer_ends_neither_the_others_nor_a_shutdown`], but the calls were taken from a queue.
#[test]
fn k5_an_async_answer_whose_panic_is_caught_is_no_work_of_its_pool_any_more()
-> Result<(), Box<dyn Error>> {
    let store = ReactonStore::new();
    let word = Word::default();
    word.say(100);
    let pool = stubborn::builder().pool(2).spawn(&store, word.clone())?;
    let caller = pool.caller(&WHEN);
    for n in [12, 13, 14, 13, 15] {
        for answer in [pool.call(&WHEN, n).wait(&store, SOON), caller.call(n).wait(&store, SOON)] {
            match answer {
                Ok(answer) => assert_eq!(answer, n + 100),
                Err(CallError::Panicked { .. }) => assert_eq!(n, 13),
                Err(error) => panic!("call {n}: {error:?}"),
            }
        }
    }
    store.run_until(SOON, |_| pool.stats().done == 10)?;
    assert_eq!(pool.stats().at_work, 0);
    pool.shutdown(SOON)?;
    let worker = stubborn::spawn(&store, word)?;
    let caller = worker.caller(&WHEN);
    let error = std::thread::spawn(move || caller.call(13).join(SOON))
        .join()
        .expect("the thread does not panic");
    assert!(matches!(error, Err(CallError::Panicked { .. })), "{error:?}");
    worker.shutdown(SOON)?;
    Ok(())
}
