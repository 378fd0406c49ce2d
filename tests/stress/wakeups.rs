//! Some threads send a message each, and none sends again before all messages were received. So a lost wake-up stops
//! them for good. Tested for every way in which a store can wait.

use std::hint::spin_loop;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

use futures_lite::StreamExt;
use futures_lite::future::or;
use reacton::prelude::*;
use reacton_support::TIMEOUT;

use reacton_support::Random;

#[reacton]
static COUNT: u32 = 0;

const SENDERS: u32 = 3;
const MESSAGES: u32 = 20;

/// Each of these returns when no sender is left.
const WAYS: [fn(&ReactonStore); 7] =
    [asleep, spinning, task, two_tasks, callback, callback_and_task, task_beside_new_callbacks];

pub(crate) fn play(mut rng: Random) {
    let store = ReactonStore::new();
    let (go, signal): (Vec<_>, Vec<_>) = (0..SENDERS).map(|_| channel()).unzip();
    let go = Arc::new(go);
    let start = |signal| send(store.handle(), Arc::clone(&go), signal, Random::new(rng.next()));
    let senders: Vec<_> = signal.into_iter().map(start).collect();
    let way = rng.pick(&WAYS).expect("the list of ways is not empty");
    WAYS[way](&store);
    for sender in senders {
        sender.join().expect("all messages are applied");
    }
    assert_eq!(store.get(&COUNT), SENDERS * MESSAGES, "by way {way}");
}

fn send(
    handle: StoreHandle,
    go: Arc<Vec<Sender<()>>>,
    signal: Receiver<()>,
    mut rng: Random,
) -> JoinHandle<()> {
    thread::spawn(move || {
        for _ in 0..MESSAGES {
            let go = Arc::clone(&go);
            handle.post(move |store| {
                store.update(&COUNT, |count| *count += 1);
                if store.get(&COUNT) % SENDERS == 0 {
                    // A thread that failed has reported that.
                    go.iter().for_each(|go| _ = go.send(()));
                }
            });
            signal.recv_timeout(TIMEOUT).expect("all messages are applied");
            // Now and then long enough that the store falls asleep.
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

/// Like that of an executor, but does not wait for ever.
fn block_on(future: impl Future<Output = ()>) {
    block_on_with(future, sleep_until_woken);
}

fn block_on_with(future: impl Future<Output = ()>, sleep: impl Fn()) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    while future.as_mut().poll(&mut context).is_pending() {
        sleep();
    }
}

/// The wake-up may have happened already.
fn sleep_until_woken() {
    let begin = Instant::now();
    thread::park_timeout(TIMEOUT);
    assert!(begin.elapsed() < TIMEOUT, "the store was not woken");
}

fn until_alone(store: &ReactonStore) {
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
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

/// A callback that is added between a message and its notification must not keep the task from being woken.
fn task_beside_new_callbacks(store: &ReactonStore) {
    block_on_with(turns(store), || {
        let begin = Instant::now();
        while !store.is_stale(&COUNT) && begin.elapsed() < Duration::from_micros(20) {
            spin_loop();
        }
        let woken = store.on_wake(|| {});
        sleep_until_woken();
        woken.unsubscribe();
    });
}

fn two_tasks(store: &ReactonStore) {
    block_on(async {
        or(changes(store), turns(store)).await;
        turns(store).await;
    });
}

/// Takes one turn for each wake-up, as an event loop does. What arrives after the turn wakes it again.
fn take_a_turn_whenever_woken(store: &ReactonStore) {
    store.pump();
    while store.get(&COUNT) < SENDERS * MESSAGES {
        sleep_until_woken();
        store.pump();
    }
}

fn callback(store: &ReactonStore) {
    let me = thread::current();
    let woken = store.on_wake(move || me.unpark());
    take_a_turn_whenever_woken(store);
    woken.unsubscribe();
    until_alone(store);
}

fn callback_and_task(store: &ReactonStore) {
    let me = thread::current();
    let woken = store.on_wake(move || me.unpark()).scoped();
    let half =
        async { while store.get(&COUNT) < SENDERS * MESSAGES / 2 && store.turn().await > 0 {} };
    block_on(half);
    take_a_turn_whenever_woken(store);
    drop(woken);
    task(store);
}
