//! One way: small transactions as fast as possible, until the receiver has all of them.

use std::cell::Cell;
use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use super::wire::{other, spun};
use crate::figures::{middle, per_one};

/// How many transactions one sample has.
const BURST: u64 = 20_000;

/// The least total time of all samples.
const SAMPLED: Duration = Duration::from_millis(600);

#[reacton]
static NUMBER: u64 = 0;

pub(super) fn reacton(cores: Cores) -> Figures {
    let store = ReactonStore::new();
    one_of(cores, &store, &NUMBER, shared![NUMBER])
}

/// Writes one of the shared reactons, again and again.
pub(super) fn one_of(
    cores: Cores,
    store: &ReactonStore,
    number: &'static Reacton<u64>,
    shared: SharedSet,
) -> Figures {
    let (tell, told) = flume::unbounded();
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        let runs = Cell::new(0);
        store.subscribe(number, move |_, value| {
            runs.set(runs.get() + 1);
            if value % BURST == 0 {
                // Main may have ended already.
                let _ = tell.send(runs.get());
            }
        });
    };
    let worker = IsolateStore::builder().spin(SPIN).shared(shared);
    let worker = worker.spawn(store, entry).expect("the worker starts");
    let figures = bursts(|value| store.set(number, value), &told);
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    figures
}

/// flume, emptied with `drain` at each look.
pub(super) fn flume_drain(cores: Cores) -> Figures {
    let (send, receive) = flume::unbounded::<u64>();
    let (tell, told) = flume::unbounded();
    let thread = other(cores, move || {
        let mut runs = 0;
        let mut take = |value: u64| {
            runs += 1;
            if value.is_multiple_of(BURST) {
                let _ = tell.send(runs);
            }
        };
        while let Some(value) =
            spun(SPIN, || receive.try_recv().ok()).or_else(|| receive.recv().ok())
        {
            take(value);
            receive.drain().for_each(&mut take);
        }
    });
    let figures = bursts(|value| send.send(value).expect("the channel is open"), &told);
    drop(send);
    thread.join().expect("the thread does not panic");
    figures
}

/// crossbeam-channel, which has no `drain`.
pub(super) fn crossbeam(cores: Cores) -> Figures {
    let (send, receive) = crossbeam_channel::unbounded::<u64>();
    let (tell, told) = flume::unbounded();
    let thread = other(cores, move || {
        let mut runs = 0;
        while let Some(value) =
            spun(SPIN, || receive.try_recv().ok()).or_else(|| receive.recv().ok())
        {
            runs += 1;
            if value.is_multiple_of(BURST) {
                let _ = tell.send(runs);
            }
        }
    });
    let figures = bursts(|value| send.send(value).expect("the channel is open"), &told);
    drop(send);
    thread.join().expect("the thread does not panic");
    figures
}

fn bursts(write: impl Fn(u64), told: &flume::Receiver<u64>) -> Figures {
    let (mut sent, mut times, begin) = (0, Vec::new(), Instant::now());
    while times.len() < 5 || begin.elapsed() < SAMPLED {
        let begin = Instant::now();
        for _ in 0..BURST {
            sent += 1;
            write(sent);
        }
        let arrived = told.recv().expect("a message arrives");
        times.push(per_one(begin.elapsed(), BURST));
        assert_eq!(arrived, sent, "each message arrives once");
    }
    vec![middle(times)]
}
