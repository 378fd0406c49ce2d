//! Runs one program on each common executor: a store that takes turns among other tasks, and a real worker.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use futures_lite::future::yield_now;
use futures_lite::{Stream, StreamExt};
use reacton::prelude::*;
use reacton_support::TIMEOUT;

#[path = "executors/futures.rs"]
mod futures;
#[path = "executors/smol.rs"]
mod smol;
#[path = "executors/tokio.rs"]
mod tokio;

/// So many transactions would block an executor for long if they were applied at once.
const BACKLOG: u32 = 20_000;

/// The least number of times that other tasks run while they are applied.
const SLICES: u32 = BACKLOG / 64;

#[reacton]
static INPUT: u32 = 0;

#[reacton]
static SQUARE: u32 = 0;

#[worker(shared = [INPUT, SQUARE])]
fn square(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, n| store.set(&SQUARE, n * n));
}

/// An async worker, here with its own store.
#[worker(shared = [INPUT, SQUARE])]
async fn squares(store: ReactonStore) {
    let mut inputs = store.changes(&INPUT);
    while let Some(n) = inputs.next().await {
        store.set(&SQUARE, n * n);
    }
}

/// A task that takes turns for the other tasks.
async fn turns(store: ReactonStore) {
    while store.turn().await > 0 {}
}

/// A task that asks the worker, and waits for each answer.
async fn ask(store: ReactonStore, mut answers: impl Stream<Item = u32> + Unpin) -> u32 {
    for n in 1..=100 {
        store.set(&INPUT, n);
        assert_eq!(answers.next().await, Some(n * n));
    }
    store.get(&SQUARE)
}

/// A task that counts how often it runs.
async fn tick(ticks: Rc<Cell<u32>>) {
    loop {
        ticks.set(ticks.get() + 1);
        yield_now().await;
    }
}

/// Returns a store with a long backlog, and a handle to it.
fn flooded() -> (ReactonStore, StoreHandle) {
    let store = ReactonStore::new();
    let handle = store.handle();
    (1..=BACKLOG).for_each(|n| handle.set(&INPUT, n));
    (store, handle)
}

/// Takes the turns of a store on its own thread, until no handle is left. Returns the last square.
fn serve() -> (StoreHandle, thread::JoinHandle<u32>) {
    let (give, given) = std::sync::mpsc::channel();
    let serving = thread::spawn(move || {
        let store = ReactonStore::new();
        let worker = square::spawn(&store).expect("the worker starts");
        give.send(store.handle()).expect("the channel is open");
        store
            .run_until(TIMEOUT, |store| store.get(&SQUARE) == 100 * 100)
            .expect("the sum of the squares arrives");
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
        assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
        store.get(&SQUARE)
    });
    (given.recv().expect("the worker has started"), serving)
}

/// A task of any thread that asks the worker through a handle.
async fn ask_from_afar(handle: StoreHandle) -> Result<u32, HandleError> {
    let mut answers = handle.watch(&SQUARE);
    assert_eq!(answers.next().await, Some(0));
    for n in 1..=100 {
        let before = handle.update(&INPUT, move |input| std::mem::replace(input, n)).await?;
        assert_eq!((before, handle.get(&INPUT).await?), (n - 1, n));
        assert_eq!(answers.next().await, Some(n * n));
    }
    handle.get(&SQUARE).await
}
