//! There and back: main writes, the worker answers, and main receives the answer.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::Figures;
use super::cores::Cores;
use super::wire::{Ear, Mouth, Wire, other};
use crate::figures::middle_and_tail;

/// The least total time of all samples. A tenth of it runs before, untimed.
const SAMPLED: Duration = Duration::from_millis(400);

#[reacton]
static THERE: u64 = 0;
#[reacton]
static BACK: u64 = 0;

pub(super) fn reacton(cores: Cores, spin: Duration) -> Figures {
    let store = ReactonStore::new();
    store.set_spin(spin);
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        store.subscribe(&THERE, |store, value| store.set(&BACK, *value));
    };
    let worker = IsolateStore::builder().spin(spin).shared(shared![THERE, BACK]);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    let heard = Rc::new(Cell::new(0));
    let hear = Rc::clone(&heard);
    store.subscribe(&BACK, move |_, value| hear.set(*value));
    let figures = trips(|value| {
        store.set(&THERE, value);
        while heard.get() != value {
            store.wait(Duration::MAX);
        }
    });
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    figures
}

pub(super) fn wire<W: Wire>(cores: Cores, spin: Duration) -> Figures {
    let ((there, mut there_ear), (back, mut back_ear)) = (W::new(), W::new());
    let thread = other(cores, move || {
        while let Some(value) = there_ear.hear(spin) {
            back.say(value);
        }
    });
    let figures = trips(|value| {
        there.say(value);
        while back_ear.hear(spin) != Some(value) {}
    });
    drop(there);
    thread.join().expect("the thread does not panic");
    figures
}

/// Times each round trip of a value.
pub(super) fn trips(mut trip: impl FnMut(u64)) -> Figures {
    let mut nanos = Vec::with_capacity(1 << 20);
    let mut value = 0;
    let mut go_on_for = |time| {
        let begin = Instant::now();
        while begin.elapsed() < time {
            value += 1;
            let begin = Instant::now();
            trip(value);
            nanos.push(begin.elapsed().as_secs_f64() * 1e9);
        }
        std::mem::take(&mut nanos)
    };
    go_on_for(SAMPLED / 10);
    middle_and_tail(go_on_for(SAMPLED)).into()
}
