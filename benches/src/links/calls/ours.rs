//! Calls of this library: on the store's thread, by a caller on another thread, answered at once or by a future.

use std::thread;
use std::time::Duration;

use futures_lite::future::block_on;
use reacton::prelude::*;

use super::{one_of_many, trips};
use crate::links::Figures;
use crate::links::cases::SPIN;
use crate::links::cores::Cores;

const SOON: Duration = Duration::from_secs(50);

#[call]
static NEXT: Call<u64, u64>;

/// How a worker answers.
#[derive(Clone, Copy)]
pub(super) enum By {
    Value,
    Future,
}

/// How a caller on another thread waits.
#[derive(Clone, Copy)]
pub(super) enum Waits {
    Joins,
    Awaits,
}

impl Waits {
    fn hear(self, answer: Answer<u64>) -> u64 {
        let answer = match self {
            Self::Joins => answer.join(SOON),
            Self::Awaits => block_on(answer),
        };
        answer.expect("the call is answered")
    }
}

fn entry(cores: Cores, by: By) -> impl Fn(&ReactonStore) + Clone + Send + Sync + 'static {
    move |store| {
        cores.pin_other();
        match by {
            By::Value => store.answer(&NEXT, |_, n, _| n + 1),
            By::Future => store.answer_async(&NEXT, |_, n, _| async move { n + 1 }),
        }
    }
}

fn worker(store: &ReactonStore, cores: Cores, spin: Duration, by: By) -> IsolateStore {
    store.set_spin(spin);
    let worker = IsolateStore::builder().spin(spin).answers(&NEXT);
    worker.spawn(store, entry(cores, by)).expect("the worker starts")
}

fn pool(store: &ReactonStore, cores: Cores, by: By) -> Pool {
    store.set_spin(SPIN);
    let members = IsolateStore::builder().spin(SPIN).answers(&NEXT).pool(2);
    members.spawn(store, entry(cores, by)).expect("the pool starts")
}

/// One call after the other, on the store's thread.
pub(super) fn trip(cores: Cores, spin: Duration, by: By) -> Figures {
    let store = ReactonStore::new();
    let worker = worker(&store, cores, spin, by);
    let figures = trips(|value| {
        assert_eq!(worker.call(&NEXT, value).wait(&store, SOON), Ok(value + 1));
    });
    worker.shutdown(SOON).expect("the worker ends");
    figures
}

/// One call after the other, by a caller on another thread.
pub(super) fn caller_trip(cores: Cores, spin: Duration, waits: Waits) -> Figures {
    let store = ReactonStore::new();
    let worker = worker(&store, cores, spin, By::Value);
    let caller = worker.caller(&NEXT);
    let asks = move || {
        cores.pin_main();
        trips(|value| assert_eq!(waits.hear(caller.call(value)), value + 1))
    };
    let figures = thread::spawn(asks).join().expect("the thread does not panic");
    worker.shutdown(SOON).expect("the worker ends");
    figures
}

/// Many calls of a pool, on the store's thread.
pub(super) fn burst(cores: Cores, by: By) -> Figures {
    let store = ReactonStore::new();
    let pool = pool(&store, cores, by);
    let figures = one_of_many(
        |n| pool.call(&NEXT, n),
        |answer| answer.wait(&store, SOON).expect("the call is answered"),
    );
    pool.shutdown(SOON).expect("the pool ends");
    figures
}

/// Many calls of a pool, by a caller on another thread. At most `limit` of them are unanswered.
pub(super) fn caller_burst(cores: Cores, limit: Option<usize>) -> Figures {
    let store = ReactonStore::new();
    let pool = pool(&store, cores, By::Value);
    let caller = pool.caller(&NEXT);
    let caller = limit.map_or_else(|| caller.clone(), |limit| caller.clone().in_flight(limit));
    let asks = move || {
        cores.pin_main();
        one_of_many(|n| caller.call(n), |answer| Waits::Joins.hear(answer))
    };
    let figures = thread::spawn(asks).join().expect("the thread does not panic");
    pool.shutdown(SOON).expect("the pool ends");
    figures
}
