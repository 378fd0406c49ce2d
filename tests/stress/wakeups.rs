//! Whoever sends waits until it was taken in before sending again, so that a wake-up that is lost stops it for good: by
//! every way in which a store can wait.

use std::hint::spin_loop;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use futures_lite::future::or;
use reacton::prelude::*;

use crate::SOON;
use crate::random::Rng;

#[reacton]
static COUNT: u32 = 0;

const SENDERS: u32 = 3;
const MESSAGES: u32 = 20;

/// Each of these ends when nobody is left who could send.
const WAYS: [fn(&ReactonStore); 6] =
    [asleep, spinning, task, two_tasks, callback, callback_and_task];

pub(crate) fn play(mut rng: Rng) {
    let store = ReactonStore::new();
    let senders: Vec<_> =
        (0..SENDERS).map(|_| send(store.handle(), Rng::new(rng.next()))).collect();
    let way = rng.pick(&WAYS).expect("there are some");
    WAYS[way](&store);
    for sender in senders {
        sender.join().expect("each message is taken in");
    }
    assert_eq!(store.get(&COUNT), SENDERS * MESSAGES, "by way {way}");
}

fn send(handle: StoreHandle, mut rng: Rng) -> JoinHandle<()> {
    thread::spawn(move || {
        for _ in 0..MESSAGES {
            let (taken_in, answer) = channel();
            handle.post(move |store| {
                store.update(&COUNT, |count| *count += 1);
                taken_in.send(()).expect("the sender waits");
            });
            answer.recv_timeout(SOON).expect("it is taken in though nothing else comes");
            // Now and then long enough for the store to fall asleep.
            let most = 1 << rng.below(12);
            (0..rng.below(most)).for_each(|_| spin_loop());
        }
    })
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// As that of an executor, but it does not wait for ever.
fn block_on(future: impl Future<Output = ()>) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    while future.as_mut().poll(&mut context).is_pending() {
        sleep_until_woken();
    }
}

/// What woke may have come before.
fn sleep_until_woken() {
    let begin = Instant::now();
    thread::park_timeout(SOON);
    assert!(begin.elapsed() < SOON, "nobody woke the store");
}

fn until_alone(store: &ReactonStore) {
    assert_eq!(store.run_until(SOON, |_| false), Err(RunError::Disconnected));
}

fn asleep(store: &ReactonStore) {
    store.set_spin(Duration::ZERO);
    until_alone(store);
}

fn spinning(store: &ReactonStore) {
    store.set_spin(Duration::from_micros(2));
    until_alone(store);
}

async fn turns(store: &ReactonStore) {
    while store.turn().await > 0 {}
}

async fn changes(store: &ReactonStore) {
    let mut changes = store.changes(&COUNT);
    while changes.next().await.is_some_and(|count| count < SENDERS * MESSAGES) {}
}

fn task(store: &ReactonStore) {
    block_on(turns(store));
}

fn two_tasks(store: &ReactonStore) {
    block_on(async {
        or(changes(store), turns(store)).await;
        turns(store).await;
    });
}

fn callback(store: &ReactonStore) {
    let me = thread::current();
    let woken = store.on_wake(move || me.unpark());
    while store.get(&COUNT) < SENDERS * MESSAGES {
        if store.pump() == 0 {
            sleep_until_woken();
        }
    }
    woken.unsubscribe();
    until_alone(store);
}

fn callback_and_task(store: &ReactonStore) {
    let me = thread::current();
    let woken = store.on_wake(move || me.unpark()).scoped();
    let half =
        async { while store.get(&COUNT) < SENDERS * MESSAGES / 2 && store.turn().await > 0 {} };
    block_on(half);
    while store.get(&COUNT) < SENDERS * MESSAGES {
        if store.pump() == 0 {
            sleep_until_woken();
        }
    }
    drop(woken);
    task(store);
}
