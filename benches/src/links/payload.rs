//! Values of many sizes and kinds: the time from the write until an observer in the worker sees the value.
//!
//! The worker is awake all the time, so that the value is timed and not the wake-up.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reacton::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Figures;
use super::cores::Cores;
use super::wire::{other, spun};
use crate::figures::middle;

/// The least total time of all samples, and their least number.
const SAMPLED: Duration = Duration::from_millis(250);
const SAMPLES: usize = 9;

/// The maximum number of bytes of values that are made before some are timed.
const PREPARED: usize = 64 << 20;

/// Practically for ever.
const AWAKE: Duration = Duration::from_secs(3600);

/// A value of 24 bytes, as programs have them in lists.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Point {
    id: u64,
    x: f64,
    y: f64,
}

/// A map as programs use it to share settings and statistics.
pub(super) type Map = BTreeMap<String, f64>;

/// A kind of value.
pub(super) trait Make: Clone + PartialEq + Send + 'static {
    /// Returns a value of about so many bytes. Two values with different `mark` differ in the first bytes that are
    /// compared.
    fn make(bytes: usize, mark: u8) -> Self;
}

impl Make for u64 {
    fn make(_: usize, mark: u8) -> Self {
        mark.into()
    }
}

/// A kind of value for which reactons are declared here.
pub(super) trait Kind: Make + Serialize + DeserializeOwned + Sync {
    /// Returns the reacton that is serialized.
    fn copied() -> (&'static Reacton<Self>, SharedSet);
    /// Returns the reacton that is shared by reference count.
    fn counted() -> (&'static Reacton<Self, reacton::ZeroCopy>, SharedSet);
}

macro_rules! kinds {
    ($($kind:ty, $copied:ident, $counted:ident, |$bytes:ident, $mark:ident| $make:expr;)*) => { $(
        #[reacton]
        static $copied: $kind = Default::default();
        #[reacton(zero_copy)]
        static $counted: $kind = Default::default();

        impl Make for $kind {
            fn make($bytes: usize, $mark: u8) -> Self {
                $make
            }
        }

        impl Kind for $kind {
            fn copied() -> (&'static Reacton<Self>, SharedSet) {
                (&$copied, shared![$copied])
            }

            fn counted() -> (&'static Reacton<Self, reacton::ZeroCopy>, SharedSet) {
                (&$counted, shared![$counted])
            }
        }
    )* };
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn float(index: usize) -> f64 {
    index as f64 + 0.5
}

kinds! {
    Vec<u8>, BYTES, BYTES_COUNTED, |bytes, mark| vec![mark; bytes];
    Vec<f64>, FLOATS, FLOATS_COUNTED,
        |bytes, mark| (0..bytes / 8).map(|index| float(index) + f64::from(mark)).collect();
    String, TEXT, TEXT_COUNTED, |bytes, mark| String::from(char::from(b'a' + mark)).repeat(bytes);
    Vec<Point>, POINTS, POINTS_COUNTED, |bytes, mark| (0..bytes.div_ceil(24))
        .map(|index| Point { id: index as u64 + u64::from(mark), x: float(index), y: 0.5 })
        .collect();
    Map, MAP, MAP_COUNTED, |bytes, mark| (0..bytes.div_ceil(32))
        .map(|index| (format!("{index:07}"), f64::from(mark)))
        .collect();
}

#[reacton]
static NUMBER: u64 = 0;

/// A number, measured in the same way.
pub(super) fn number(cores: Cores) -> Figures {
    crossing::<u64, _>(cores, LARGE, &NUMBER, shared![NUMBER], Between::Kept)
}

/// A number. Before each crossing as many bytes are written as for a large value, so that the caches are as full.
pub(super) fn number_in_full_caches(cores: Cores) -> Figures {
    crossing::<u64, _>(cores, LARGE, &NUMBER, shared![NUMBER], Between::Filled)
}

/// The largest value, while the one before is still held. Freeing so much memory takes a while, but does not belong to
/// a crossing.
pub(super) fn large(cores: Cores) -> Figures {
    crossing(cores, LARGE, &BYTES_COUNTED, shared![BYTES_COUNTED], Between::Kept)
}

const LARGE: usize = 16 << 20;

/// A number, sent through a plain channel and compared on both sides.
pub(super) fn number_by_hand(cores: Cores) -> Figures {
    by_hand(cores, |value: u64| value)
}

/// The largest value, handed over by reference count in the same way: the cost of its memory for the sending thread.
pub(super) fn large_by_hand(cores: Cores) -> Figures {
    by_hand(cores, Arc::<Vec<u8>>::new)
}

/// What main does between the timed crossings.
#[derive(Clone, Copy)]
enum Between {
    Nothing,
    /// Keeps the values that it has written, so that none is freed meanwhile.
    Kept,
    /// Writes as many bytes as large values have.
    Filled,
}

fn fill(bytes: usize) {
    let pattern = Vec::<u8>::make(bytes, 1);
    let values: Vec<_> = (0..PREPARED / bytes).map(|_| pattern.clone()).collect();
    black_box(values);
}

pub(super) fn serialized<K: Kind>(cores: Cores, bytes: usize) -> Figures {
    let (reacton, shared) = K::copied();
    crossing(cores, bytes, reacton, shared, Between::Nothing)
}

pub(super) fn zero_copy<K: Kind>(cores: Cores, bytes: usize) -> Figures {
    let (reacton, shared) = K::counted();
    crossing(cores, bytes, reacton, shared, Between::Nothing)
}

fn crossing<K: Make, M>(
    cores: Cores,
    bytes: usize,
    reacton: &'static Reacton<K, M>,
    shared: SharedSet,
    between: Between,
) -> Figures
where
    Reacton<K, M>: Writable<Value = K> + Sync,
{
    let store = ReactonStore::new();
    let (tell, told) = flume::unbounded();
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        store.subscribe(reacton, move |_, value| {
            black_box(value);
            let _ = tell.send(Instant::now());
        });
    };
    let worker = IsolateStore::builder().spin(AWAKE).shared(shared);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    let mut held = Vec::new();
    let figures = crossings::<K>(
        bytes,
        &told,
        |last| match (between, last) {
            (Between::Nothing, _) | (Between::Filled, false) => {}
            (Between::Kept, false) => held.push(store.snapshot()),
            (Between::Kept, true) => held.clear(),
            (Between::Filled, true) => fill(bytes),
        },
        |value| store.set(reacton, value),
    );
    worker.shutdown(Duration::from_secs(9)).expect("the worker ends");
    figures
}

/// Cloned, sent through a channel at which no thread sleeps, and cloned again: what a program would do by hand.
pub(super) fn cloned<K: Kind>(cores: Cores, bytes: usize) -> Figures {
    let mut held = K::make(0, 0);
    let keep = |held: &mut K, value: K| {
        // Drops the value that was held before, as a store does.
        *held = K::make(0, 0);
        *held = value.clone();
    };
    through_channel(cores, K::make(0, 0), keep, |send, told| {
        let send_clone = |value: K| {
            held = value;
            send(held.clone());
        };
        crossings::<K>(bytes, told, |_| (), send_clone)
    })
}

fn by_hand<K: Make, V: Clone + PartialEq + Send + 'static>(
    cores: Cores,
    hold: impl Fn(K) -> V,
) -> Figures {
    let first = hold(K::make(0, 0));
    let keep = |held: &mut V, value: V| {
        if *held != value {
            *held = value;
        }
    };
    through_channel(cores, first.clone(), keep, |send, told| {
        // No value is freed while the clock runs.
        let written = RefCell::new(vec![first]);
        let free = |last: bool| {
            if last {
                let last = written.take().pop();
                written.borrow_mut().extend(last);
            }
        };
        let set = |value: K| {
            let value = hold(value);
            let mut written = written.borrow_mut();
            if written.last() != Some(&value) {
                written.push(value.clone());
                send(value);
            }
        };
        crossings::<K>(LARGE, told, free, set)
    })
}

/// Calls `measure` with a function that sends to a thread that never sleeps, and with a receiver that is told when
/// that thread has stored a value.
fn through_channel<V: Send + 'static>(
    cores: Cores,
    mut held: V,
    keep: impl Fn(&mut V, V) + Send + 'static,
    measure: impl FnOnce(&dyn Fn(V), &flume::Receiver<Instant>) -> Figures,
) -> Figures {
    let (send, receive) = flume::unbounded();
    let (tell, told) = flume::unbounded();
    let thread = other(cores, move || {
        let look = || match receive.try_recv() {
            Ok(value) => Some(Some(value)),
            Err(flume::TryRecvError::Empty) => None,
            Err(flume::TryRecvError::Disconnected) => Some(None),
        };
        while let Some(value) = spun(AWAKE, look).flatten() {
            keep(&mut held, value);
            black_box(&held);
            let _ = tell.send(Instant::now());
        }
    });
    let figures = measure(&|value| send.send(value).expect("the channel is open"), &told);
    drop(send);
    thread.join().expect("the thread does not panic");
    figures
}

/// `before` is called before each crossing. Its argument is `true` after the last of the values that were made
/// together.
fn crossings<K: Make>(
    bytes: usize,
    told: &flume::Receiver<Instant>,
    mut before: impl FnMut(bool),
    mut set: impl FnMut(K),
) -> Figures {
    let patterns = [K::make(bytes, 1), K::make(bytes, 2)];
    let prepared = (PREPARED / bytes).clamp(2, 1024);
    let (mut nanos, begin) = (Vec::new(), Instant::now());
    while nanos.len() < SAMPLES * 2 || begin.elapsed() < SAMPLED {
        let values: Vec<_> = (0..prepared).map(|index| patterns[index % 2].clone()).collect();
        for value in values {
            before(false);
            // A varying wait, so that the crossings are never in step with the yields of the other thread.
            wait(Duration::from_nanos(97 * nanos.len() as u64 % 1000));
            let begin = Instant::now();
            set(value);
            let seen = spun(AWAKE, || told.try_recv().ok())
                .expect("the value arrives while the receiver spins");
            nanos.push(seen.duration_since(begin).as_secs_f64() * 1e9);
        }
        before(true);
    }
    // The first crossings find the caches full of prepared values.
    vec![middle(nanos)]
}

fn wait(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {
        spin_loop();
    }
}

/// Copies as many bytes twice, into memory that exists already.
pub(super) fn two_copies(bytes: usize) -> Figures {
    let (value, mut first, mut second) = (vec![1_u8; bytes], Vec::new(), Vec::new());
    sampled(|| {
        first.clone_from(black_box(&value));
        second.clone_from(black_box(&first));
        black_box(&second);
    })
}

/// The time of the codec alone.
pub(super) fn bare_codec<K: Kind>(bytes: usize) -> Figures {
    let (value, mut back) = (K::make(bytes, 1), K::make(0, 0));
    sampled(|| {
        let encoded = rmp_serde::to_vec_named(black_box(&value)).expect("the value is serialized");
        back = rmp_serde::from_slice(black_box(&encoded)).expect("the value is decoded");
        black_box(&back);
    })
}

fn sampled(mut sample: impl FnMut()) -> Figures {
    let (mut nanos, begin) = (Vec::new(), Instant::now());
    while nanos.len() < SAMPLES || begin.elapsed() < SAMPLED {
        // Many together, because one can be shorter than the resolution of the clock.
        let begin = Instant::now();
        sample();
        let one = begin.elapsed();
        let count = (10_000 / one.as_nanos().max(1)).clamp(1, 1000);
        let begin = Instant::now();
        (0..count).for_each(|_| sample());
        nanos.push(
            begin.elapsed().as_secs_f64() * 1e9 / u32::try_from(count).map_or(1.0, f64::from),
        );
    }
    vec![middle(nanos)]
}
