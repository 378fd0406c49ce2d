//! The workers of the tests, and their reactons.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reacton::prelude::*;

pub(crate) use super::basics::{INPUT, OUTPUT, echo};

#[reacton]
pub(crate) static SEEN: Vec<u64> = Vec::new();

#[reacton]
pub(crate) static ORDER: String = String::new();

#[reacton(zero_copy)]
pub(crate) static PIXELS: Vec<u8> = Vec::new();

#[reacton]
pub(crate) static TOTAL: u64 = 0;

#[reacton]
pub(crate) static ROWS: ReactonMap<u32, String> = ReactonMap::new();

#[reacton]
pub(crate) static COUNT: Counter = Counter::default();

#[reacton]
pub(crate) static BLOB: Vec<u8> = Vec::new();

#[call]
pub(crate) static DOUBLE: Call<u64, u64>;

/// Asks for an answer of this length.
#[call]
pub(crate) static RESIZE: Call<(Vec<u8>, usize), Vec<u8>>;

#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn other(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.set(&OUTPUT, *input));
}

#[expect(clippy::needless_pass_by_value, reason = "the arguments of a worker are owned")]
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn scaler(store: &ReactonStore, factor: u64, name: String) {
    let len = name.len() as u64;
    store.watch(&INPUT, move |store, input| store.set(&OUTPUT, input * factor + len));
}

/// Writes down each value that it sees.
#[worker(shared = [INPUT, SEEN])]
pub(crate) fn witness(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| store.update(&SEEN, |seen| seen.push(*input)));
}

/// As `witness`, with merged updates.
#[worker(shared = [INPUT, SEEN], delivery = latest)]
pub(crate) fn latest_witness(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.update(&SEEN, |seen| seen.push(*input)));
}

/// How many workers of this process are at work on an order that takes long.
pub(crate) static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Does what it is told.
#[worker(shared = [ORDER, OUTPUT])]
pub(crate) fn brittle(store: &ReactonStore) {
    store.watch(&ORDER, |store, order| match order.as_str() {
        "" => {}
        "panic" => panic!("told to"),
        "abort" => std::process::abort(),
        "hang" => loop {
            std::thread::park();
        },
        "work" => {
            BUSY.fetch_add(1, Ordering::SeqCst);
            while !store.is_disposed() {
                std::thread::yield_now();
            }
            BUSY.fetch_sub(1, Ordering::SeqCst);
        }
        order => store.set(&OUTPUT, order.len() as u64),
    });
}

#[worker(shared = [ORDER])]
pub(crate) fn failing(_: &ReactonStore) -> Result<(), String> {
    Err(String::from("no such camera"))
}

#[worker(shared = [PIXELS, TOTAL])]
pub(crate) fn summer(store: &ReactonStore) {
    store.watch(&PIXELS, |store, pixels| {
        store.set(&TOTAL, pixels.iter().map(|byte| u64::from(*byte)).sum());
    });
}

/// Adds a row for each input, and counts it.
#[worker(shared = [INPUT, ROWS, COUNT])]
pub(crate) fn lister(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        store.batch(|store| {
            let key = u32::try_from(*input).unwrap_or(u32::MAX);
            store.update(&ROWS, |rows| {
                rows.insert(key, format!("row {key}"));
            });
            store.update(&COUNT, |count| count.add(1));
        });
    });
}

#[worker(shared = [OUTPUT], answers = [DOUBLE])]
pub(crate) fn doubler(store: &ReactonStore) {
    store.answer(&DOUBLE, |_, number, _| {
        assert_ne!(*number, 13, "an unlucky number");
        number * 2
    });
}

/// With this input, `sized` panics.
pub(crate) const PANICS: u64 = 999;

/// Counts the pixels and the rows, and answers each input with so many bytes.
#[worker(shared = [PIXELS, TOTAL, ROWS, INPUT, OUTPUT, BLOB], answers = [RESIZE])]
pub(crate) fn sized(store: &ReactonStore) {
    store.subscribe(&PIXELS, |store, pixels| store.set(&TOTAL, pixels.len() as u64));
    store.subscribe(&ROWS, |store, rows| store.set(&TOTAL, rows.len() as u64));
    store.subscribe(&INPUT, |store, input| {
        assert_ne!(*input, PANICS, "it was told to");
        store.batch(|store| {
            store.set(&BLOB, vec![1; usize::try_from(*input).unwrap_or(usize::MAX)]);
            store.set(&OUTPUT, *input);
        });
    });
    store.answer(&RESIZE, |_, (_, len), _| vec![1; *len]);
}

/// Answers each input, and waits until main has the answer.
#[worker(shared = [INPUT, OUTPUT, PIXELS, TOTAL])]
pub(crate) fn flusher(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        store.set(&OUTPUT, *input);
        let flushed = store.main().flush(0).wait(super::places::SOON);
        store.set(&TOTAL, u64::from(flushed.is_ok()));
    });
}

/// A worker that spawns one of its own.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn manager(store: &ReactonStore) -> Result<(), SpawnError> {
    let worker = echo::spawn(store)?;
    while !store.is_disposed() {
        store.wait(Duration::from_mins(1));
    }
    drop(worker);
    Ok(())
}

/// Panics with a message of so many bytes.
#[worker(shared = [INPUT])]
pub(crate) fn talker(store: &ReactonStore) {
    store.subscribe(&INPUT, |_, len| {
        let len = usize::try_from(*len).unwrap_or(0);
        panic!("{}", "x".repeat(len));
    });
}
