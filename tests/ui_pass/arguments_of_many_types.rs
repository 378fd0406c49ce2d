//! Whatever is `Send` and owned can be handed to a worker; `Clone` is asked only where it may be started again.
#![deny(warnings)]
use reacton::prelude::*;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[reacton]
static COUNT: u32 = 0;

/// `Send`, and neither `Sync` nor `Clone`.
struct Own {
    number: Cell<u32>,
    text: RefCell<String>,
}

type Job = Box<dyn FnOnce(u32) -> u32 + Send>;

#[worker(shared = [COUNT])]
fn takes_what_is_not_clone(store: &ReactonStore, own: Own, numbers: Receiver<u32>, job: Job) {
    own.text.borrow_mut().push('!');
    store.set(&COUNT, job(own.number.get()) + numbers.iter().sum::<u32>());
}

#[worker(shared = [COUNT])]
fn takes_what_is_shared(
    store: &ReactonStore,
    total: Arc<Mutex<u32>>,
    words: &'static [&'static str],
    answer: SyncSender<u32>,
    by: fn(u32) -> u32,
) {
    *total.lock().expect("the mutex is not poisoned") += by(words.len() as u32);
    let _ = answer.send(store.get(&COUNT));
}

#[worker(shared = [COUNT])]
async fn awaits_what_it_is_given(
    store: ReactonStore,
    first: Pin<Box<dyn Future<Output = u32> + Send>>,
    (tell, by): (Sender<u32>, [u32; 2]),
) {
    store.set(&COUNT, first.await + by[0]);
    let _ = tell.send(by[1]);
}

#[worker(shared = [COUNT])]
fn takes_eight(store: &ReactonStore, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) {
    store.set(&COUNT, [a, b, c, d, e, f, g, h].into_iter().map(u32::from).sum());
}

#[worker(shared = [COUNT])]
fn never_returns(store: &ReactonStore, _end: Sender<()>) -> ! {
    loop {
        store.wait(Duration::MAX);
        if store.is_disposed() {
            // The way out of what never returns.
            std::panic::resume_unwind(Box::new("it is over"));
        }
    }
}

fn own() -> Own {
    Own { number: Cell::new(3), text: RefCell::default() }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let soon = Duration::from_secs(30);
    let store = ReactonStore::new();
    let (sender, numbers) = mpsc::channel();
    sender.send(4)?;
    drop(sender);
    let worker = takes_what_is_not_clone::spawn(&store, own(), numbers, Box::new(|n| n + 1))?;
    store.run_until(soon, |store| store.get(&COUNT) == 8)?;
    worker.shutdown(soon)?;
    let builder = takes_what_is_not_clone::builder().delivery(Delivery::Latest);
    let (_, none) = mpsc::channel();
    builder.spawn(&store, own(), none, Box::new(|n| n * 2))?.shutdown(soon)?;
    assert_eq!(store.get(&COUNT), 6);

    let (total, (answer, answers)) = (Arc::new(Mutex::new(0)), mpsc::sync_channel(1));
    let restart = Restart::OnPanic { max: 1, within: soon, backoff: Duration::ZERO };
    let again = takes_what_is_shared::builder().restart(restart);
    let worker = again.spawn(&store, Arc::clone(&total), &["a", "b"], answer, |n| n + 1)?;
    assert_eq!(answers.recv_timeout(soon)?, 6);
    worker.shutdown(soon)?;
    assert_eq!(*total.lock().expect("the mutex is not poisoned"), 3);

    let (tell, told) = mpsc::channel();
    let worker = awaits_what_it_is_given::spawn(&store, Box::pin(async { 5 }), (tell, [1, 2]))?;
    assert_eq!(told.recv_timeout(soon)?, 2);
    worker.shutdown(soon)?;
    assert_eq!(store.get(&COUNT), 6);

    takes_eight::builder().spawn(&store, 1, 2, 3, 4, 5, 6, 7, 8)?.shutdown(soon)?;
    assert_eq!(store.get(&COUNT), 36);
    let (alive, ended) = mpsc::channel();
    never_returns::spawn(&store, alive)?.dispose();
    assert_eq!(ended.recv_timeout(soon), Err(mpsc::RecvTimeoutError::Disconnected));
    Ok(())
}
