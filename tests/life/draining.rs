//! A drain waits until the worker has handled everything that it received.

use std::future::pending;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::oneshot;
use futures_lite::future::{block_on, poll_once};
use reacton::prelude::*;
use reacton_support::{TIMEOUT, expect_disconnected, receive};

use crate::{INPUT, OUTPUT};

/// Sends each question to the test, with a sender for the answer, which the test uses when it wants to.
type Elsewhere = Sender<(u32, oneshot::Sender<u32>)>;

async fn ask(elsewhere: &Elsewhere, question: u32) -> u32 {
    let (answer, answered) = oneshot::channel();
    elsewhere.send((question, answer)).expect("the channel is open");
    answered.await.expect("the test answers")
}

/// Awaits an answer of the test for each input.
#[worker(shared = [INPUT, OUTPUT])]
async fn oracle(store: ReactonStore, elsewhere: Elsewhere) {
    let mut questions = store.changes(&INPUT);
    while let Some(question) = questions.next().await {
        store.set(&OUTPUT, ask(&elsewhere, question).await);
    }
}

/// As `oracle`, with several questions at a time.
#[worker(shared = [INPUT, OUTPUT])]
async fn oracle_of_many(store: ReactonStore, elsewhere: Elsewhere) {
    let questions = store.changes(&INPUT);
    let mut answers = questions.map(|question| ask(&elsewhere, question)).buffer_unordered(100);
    while let Some(answer) = answers.next().await {
        store.set(&OUTPUT, answer);
    }
}

fn outputs(store: &ReactonStore) -> LocalReacton<Vec<u32>> {
    let heard = store.reacton(Vec::new());
    store.subscribe(&OUTPUT, move |store, n| store.update(&heard, |all| all.push(*n)));
    heard
}

#[test]
fn l2_shutdown_of_an_async_worker_loses_nothing() {
    let store = ReactonStore::new();
    let heard = outputs(&store);
    let (elsewhere, asked) = channel();
    let worker = oracle::spawn(&store, elsewhere).expect("the worker starts");
    (1..=10).for_each(|n| store.set(&INPUT, n));
    let (first, answer) = receive(&asked);
    let mut ending = Box::pin(worker.shutdown_async());
    assert_eq!(block_on(poll_once(&mut ending)), None);
    answer.send(first * 10).expect("the channel is open");
    let rest = std::thread::spawn(move || {
        for (n, answer) in &asked {
            answer.send(n * 10).expect("the channel is open");
        }
    });
    assert_eq!(block_on(ending), Ok(()));
    rest.join().expect("the thread does not panic");
    assert_eq!(store.get(&heard), (1..=10).map(|n| n * 10).collect::<Vec<_>>());
}

#[test]
fn l2_shutdown_of_an_async_worker_that_does_several_things_at_a_time_loses_nothing() {
    let store = ReactonStore::new();
    let heard = outputs(&store);
    let (elsewhere, asked) = channel();
    let worker = oracle_of_many::spawn(&store, elsewhere).expect("the worker starts");
    (1..=10).for_each(|n| store.set(&INPUT, n));
    // All questions are open, and the worker asks for more.
    let questions: Vec<_> = (0..10).map(|_| receive(&asked)).collect();
    let mut ending = Box::pin(worker.shutdown_async());
    assert_eq!(block_on(poll_once(&mut ending)), None);
    for (n, answer) in questions.into_iter().rev() {
        answer.send(n * 10).expect("the channel is open");
    }
    assert_eq!(block_on(ending), Ok(()));
    let mut all = store.get(&heard);
    all.sort_unstable();
    assert_eq!(all, (1..=10).map(|n| n * 10).collect::<Vec<_>>());
}

#[test]
fn l2_an_async_worker_that_never_asks_for_more_is_not_ended() {
    #[worker(shared = [INPUT])]
    async fn waiting(store: ReactonStore, begun: Sender<()>) {
        store.changes(&INPUT).next().await;
        begun.send(()).expect("the channel is open");
        pending::<()>().await;
    }
    let store = ReactonStore::new();
    let (begun, told) = channel();
    let worker = waiting::spawn(&store, begun).expect("the worker starts");
    store.set(&INPUT, 1);
    receive(&told);
    let ended = worker.try_shutdown(Duration::from_millis(20));
    assert!(matches!(ended, Err(ShutdownError::TimedOut { .. })), "{ended:?}");
    worker.dispose();
    expect_disconnected(&told);
}

#[test]
fn an_async_worker_that_ignores_the_end_of_its_streams_ends() {
    #[worker(shared = [INPUT])]
    async fn deaf(store: ReactonStore, alive: Sender<()>) {
        let _alive = alive;
        loop {
            store.changes(&INPUT).next().await;
        }
    }
    #[worker(shared = [INPUT])]
    async fn deaf_to_one(store: ReactonStore, alive: Sender<()>) {
        let _alive = alive;
        let mut changes = store.changes(&INPUT);
        loop {
            changes.next().await;
        }
    }
    let store = ReactonStore::new();
    for disposed in [true, false] {
        for deaf in [deaf::spawn, deaf_to_one::spawn] {
            let (alive, ended) = channel();
            let worker = deaf(&store, alive).expect("the worker starts");
            store.touch(&INPUT);
            if disposed {
                worker.dispose();
            } else {
                assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
            }
            expect_disconnected(&ended);
        }
    }
}

#[test]
fn l2_a_result_of_run_that_comes_by_a_handle_is_not_lost() {
    let store = ReactonStore::new();
    let heard = outputs(&store);
    let ((begun, told), (go, signal)) = (channel(), channel());
    let signal = Arc::new(Mutex::new(signal));
    let worker = IsolateStore::spawn(&store, shared![INPUT, OUTPUT], move |store| {
        let handle = store.handle();
        store.subscribe(&INPUT, move |_, n| {
            let (n, handle, begun, signal) = (*n, handle.clone(), begun.clone(), signal.clone());
            drop(reacton::run(move || {
                // A drain also waits for the tasks that this task starts.
                drop(reacton::run(move || {
                    begun.send(()).expect("the channel is open");
                    signal
                        .lock()
                        .expect("the mutex is not poisoned")
                        .recv()
                        .expect("a message arrives");
                    handle.set(&OUTPUT, n * 10);
                }));
            }));
        });
    });
    let worker = worker.expect("the worker starts");
    (1..=3).for_each(|n| store.set(&INPUT, n));
    (0..3).for_each(|_| receive(&told));
    let mut ending = Box::pin(worker.shutdown_async());
    assert_eq!(block_on(poll_once(&mut ending)), None);
    (0..3).for_each(|_| go.send(()).expect("the channel is open"));
    assert_eq!(block_on(ending), Ok(()));
    let mut all = store.get(&heard);
    all.sort_unstable();
    assert_eq!(all, [10, 20, 30]);
}

/// A worker with its own loop, which checks in the middle of its work whether it is to end.
#[worker(shared = [INPUT, OUTPUT])]
#[expect(clippy::needless_pass_by_value, reason = "a worker owns its arguments")]
fn asks_in_the_middle(store: &ReactonStore, begun: Sender<()>, go: Receiver<()>) {
    begun.send(()).expect("the channel is open");
    go.recv().expect("a message arrives");
    while !store.is_disposed() {
        if store.wait(Duration::MAX) > 0 && !store.is_disposed() {
            store.set(&OUTPUT, store.get(&INPUT) * 10);
        }
    }
}

#[test]
fn l2_a_worker_is_not_over_before_it_asks_for_more() {
    let store = ReactonStore::new();
    let ((begun, told), (go, signal)) = (channel(), channel());
    let worker = asks_in_the_middle::spawn(&store, begun, signal).expect("the worker starts");
    receive(&told);
    store.set(&INPUT, 7);
    let mut ending = Box::pin(worker.shutdown_async());
    assert_eq!(block_on(poll_once(&mut ending)), None);
    // The worker applies both in one turn.
    go.send(()).expect("the channel is open");
    assert_eq!(block_on(ending), Ok(()));
    assert_eq!(store.get(&OUTPUT), 70);
}

#[reacton]
static QUESTION: u32 = 0;

#[reacton]
static ANSWER: u32 = 0;

/// A worker that calls another isolate for each input.
#[worker(shared = [INPUT, OUTPUT])]
#[expect(clippy::needless_pass_by_value, reason = "a worker owns its arguments")]
fn asks_its_own(store: &ReactonStore, begun: Sender<()>, go: Receiver<()>, members: usize) {
    let entry = |store: &ReactonStore| {
        store.subscribe(&QUESTION, |store, n| store.set(&ANSWER, *n));
    };
    let builder = IsolateStore::builder().shared(shared![QUESTION, ANSWER]);
    if members > 0 {
        builder.pool(members).spawn(store, entry).expect("the pool starts").detach();
    } else {
        builder.spawn(store, entry).expect("the worker starts").detach();
    }
    begun.send(()).expect("the channel is open");
    go.recv().expect("a message arrives");
    let mut done = 0;
    while !store.is_disposed() {
        store.wait(Duration::MAX);
        let input = store.get(&INPUT);
        if input != done {
            assert!(!store.is_disposed(), "the store is disposed before its work is done");
            store.set(&QUESTION, input);
            store
                .run_until(TIMEOUT, |store| store.get(&ANSWER) == input)
                .expect("the question is answered");
            store.set(&OUTPUT, input * 10);
            done = input;
        }
    }
}

#[test]
fn l2_a_worker_that_is_drained_while_it_works_still_has_its_own_isolates() {
    for members in [0, 1, 3] {
        let store = ReactonStore::new();
        let ((begun, told), (go, signal)) = (channel(), channel());
        let worker =
            asks_its_own::spawn(&store, begun, signal, members).expect("the worker starts");
        receive(&told);
        store.set(&INPUT, 7);
        let mut ending = Box::pin(worker.shutdown_async());
        assert_eq!(block_on(poll_once(&mut ending)), None);
        // The worker applies both in one turn.
        go.send(()).expect("the channel is open");
        assert_eq!(block_on(ending), Ok(()));
        assert_eq!(store.get(&OUTPUT), 70, "with {members} members");
    }
}

#[test]
fn a_job_of_an_async_member_is_done_when_the_member_asks_for_the_next() {
    let store = ReactonStore::new();
    let heard = outputs(&store);
    let (elsewhere, asked) = channel();
    let pool = oracle::builder().pool(2).spawn(&store, elsewhere).expect("the pool starts");
    (1..=10).for_each(|n| store.set(&INPUT, n));
    let first_two = [receive(&asked), receive(&asked)];
    let stats = pool.stats();
    assert_eq!((stats.done, stats.at_work, stats.waiting), (0, 2, 8));
    let rest = std::thread::spawn(move || {
        for (n, answer) in first_two.into_iter().chain(asked) {
            answer.send(n * 10).expect("the channel is open");
        }
    });
    assert_eq!(pool.try_shutdown(TIMEOUT), Ok(()));
    rest.join().expect("the thread does not panic");
    let mut all = store.get(&heard);
    all.sort_unstable();
    assert_eq!(all, (1..=10).map(|n| n * 10).collect::<Vec<_>>());
    assert_eq!(pool.stats().done, 10);
}
