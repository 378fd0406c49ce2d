//! `Delivery::Latest` while the receiver is slow: the time of a write, and the memory that is used.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use super::wire::{Ear, Mouth, Wire, other};
use crate::figures::per_one;

/// How many writes one measurement makes.
const WRITES: u64 = 10_000_000;

/// How long the receiver is busy after each turn.
pub(crate) const BUSY: Duration = Duration::from_millis(1);

#[reacton]
static NUMBER: u64 = 0;

/// The time of a write, and how much memory was added meanwhile.
pub(crate) struct Flood {
    pub(crate) nanos: f64,
    pub(crate) grown: f64,
}

pub(crate) fn flood(mut write: impl FnMut(u64)) -> Flood {
    let warm = WRITES / 10;
    (1..=warm).for_each(&mut write);
    let before = resident();
    let begin = Instant::now();
    (warm + 1..=warm + WRITES).for_each(&mut write);
    Flood { nanos: per_one(begin.elapsed(), WRITES), grown: (resident() - before).max(0.0) }
}

/// Returns how many bytes of this process are in memory.
fn resident() -> f64 {
    const PAGE: f64 = 4096.0;
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(f64::NAN) * PAGE
}

fn reacton(cores: Cores) -> Flood {
    let store = ReactonStore::new();
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        store.subscribe(&NUMBER, |_, _| sleep(BUSY));
    };
    let worker =
        IsolateStore::builder().spin(SPIN).delivery(Delivery::Latest).shared(shared![NUMBER]);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    let flood = flood(|value| store.set(&NUMBER, value));
    worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
    flood
}

pub(super) fn reacton_time(cores: Cores) -> Figures {
    vec![reacton(cores).nanos]
}

pub(super) fn reacton_memory(cores: Cores) -> Figures {
    vec![reacton(cores).grown]
}

fn wire<W: Wire>(cores: Cores) -> Flood {
    let (mouth, mut ear) = W::new();
    let thread = other(cores, move || {
        while ear.hear(SPIN).is_some() {
            sleep(BUSY);
        }
    });
    let flood = flood(|value| mouth.say(value));
    drop(mouth);
    thread.join().expect("the thread does not panic");
    flood
}

pub(super) fn wire_time<W: Wire>(cores: Cores) -> Figures {
    vec![wire::<W>(cores).nanos]
}

pub(super) fn wire_memory<W: Wire>(cores: Cores) -> Figures {
    vec![wire::<W>(cores).grown]
}
