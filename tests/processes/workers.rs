//! The workers of the tests of processes, and their reactons.

use std::thread;
use std::time::Duration;

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

#[reacton]
pub(crate) static INPUT: u64 = 0;

#[reacton]
pub(crate) static OUTPUT: u64 = 0;

/// The number of the worker's process, once it runs.
#[reacton]
pub(crate) static PID: u32 = 0;

/// The order to the brittle worker.
#[reacton]
pub(crate) static ORDER: String = String::new();

#[reacton]
pub(crate) static SEEN: Vec<u64> = Vec::new();

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Picture {
    pub(crate) pixels: Vec<u8>,
}

#[reacton(zero_copy)]
pub(crate) static PICTURE: Picture = Picture::default();

#[reacton(zero_copy)]
pub(crate) static RESULT: Picture = Picture::default();

/// A type without serde.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Opaque(pub(crate) u8);

#[reacton(zero_copy)]
pub(crate) static OPAQUE: Opaque = Opaque(0);

#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn echo(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.set(&OUTPUT, *input));
}

#[worker(shared = [INPUT, OUTPUT], delivery = latest)]
pub(crate) fn latest_echo(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.set(&OUTPUT, *input));
}

#[expect(clippy::needless_pass_by_value, reason = "the arguments of a worker are owned")]
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn doubler(store: &ReactonStore, factor: u64, name: String) {
    let len = name.len() as u64;
    store.watch(&INPUT, move |store, input| store.set(&OUTPUT, input * factor + len));
}

/// Appends each input to a list, in order.
#[worker(shared = [INPUT, SEEN])]
pub(crate) fn history(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        let input = *input;
        store.update(&SEEN, |seen| seen.push(input));
    });
}

#[worker(shared = [PICTURE, RESULT])]
pub(crate) fn counted(store: &ReactonStore) {
    store.subscribe(&PICTURE, |store, picture| {
        let pixels = picture.pixels.iter().map(|pixel| !pixel).collect();
        store.set(&RESULT, Picture { pixels });
    });
}

#[worker(shared = [OPAQUE])]
pub(crate) fn opaque(_: &ReactonStore) {}

/// Waits at each input.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn slow_reader(store: &ReactonStore, wait: u64) {
    store.subscribe(&INPUT, move |store, input| {
        thread::sleep(Duration::from_millis(wait));
        store.set(&OUTPUT, *input);
    });
}

/// Ends its process as the order says.
#[worker(shared = [ORDER, PID, INPUT, OUTPUT])]
pub(crate) fn brittle(store: &ReactonStore) {
    store.set(&PID, std::process::id());
    store.subscribe(&INPUT, |store, input| store.set(&OUTPUT, *input));
    store.subscribe(&ORDER, |_, order| obey(order));
}

fn obey(order: &str) {
    match order {
        "panic" => panic!("told to"),
        "abort" => std::process::abort(),
        "exit 3" => std::process::exit(3),
        "exit 0" => std::process::exit(0),
        "panic twice" => {
            struct Again;
            impl Drop for Again {
                fn drop(&mut self) {
                    panic!("and again");
                }
            }
            let _again = Again;
            panic!("first");
        }
        "overflow" => {
            #[expect(unconditional_recursion, reason = "it overflows the stack")]
            fn deeper(depth: u64) -> u64 {
                std::hint::black_box(deeper(depth + 1)) + depth
            }
            std::hint::black_box(deeper(0));
        }
        "allocate" => {
            let mut all = Vec::new();
            loop {
                all.push(std::hint::black_box(vec![1_u8; 16 << 20]));
            }
        }
        "loop" => loop {
            std::hint::spin_loop();
        },
        "sleep" => thread::sleep(Duration::from_secs(3600)),
        "grandchild" => {
            let child =
                std::process::Command::new("sleep").arg("30").spawn().expect("the program starts");
            drop(child);
            std::process::abort();
        }
        "" => {}
        other => panic!("no order: {other}"),
    }
}

/// Has a worker of its own, in a process.
#[worker(shared = [INPUT, OUTPUT, PID])]
pub(crate) fn parent(store: &ReactonStore) -> Result<(), SpawnError> {
    store.set(&PID, std::process::id());
    let child = echo::builder().process().spawn(store)?;
    child.detach();
    Ok(())
}

#[reacton]
pub(crate) static LEFT: u64 = 0;

#[reacton]
pub(crate) static RIGHT: u64 = 0;

/// The fault that a worker has found; empty if there is none.
#[reacton]
pub(crate) static WRONG: String = String::new();

/// Written by both sides.
#[reacton]
pub(crate) static SHARED: u64 = 0;

/// Checks that values written together arrive together, and writes pairs itself.
#[worker(shared = [LEFT, RIGHT, WRONG, OUTPUT])]
pub(crate) fn pairs(store: &ReactonStore) {
    let check = |store: &ReactonStore| {
        let (left, right) = (store.get(&LEFT), store.get(&RIGHT));
        if left != right {
            store.set(&WRONG, format!("{left} and {right}"));
        }
        store.set(&OUTPUT, left);
    };
    store.subscribe(&LEFT, move |store, _| check(store));
    store.subscribe(&RIGHT, move |store, _| check(store));
}

/// Writes the reactons that main writes, too.
#[worker(shared = [INPUT, OUTPUT, SHARED])]
pub(crate) fn rival(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        for number in 0..100 {
            store.set(&SHARED, input * 1000 + number);
        }
        store.set(&OUTPUT, *input);
    });
}

/// Replaces values that are too large.
#[worker(shared = [SHARED])]
pub(crate) fn corrector(store: &ReactonStore) {
    store.watch(&SHARED, |store, value| {
        if *value > 10 {
            store.set(&SHARED, 10);
        }
    });
}

/// Checks while it works whether newer input waits.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn impatient(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        while *input == 1 && !store.is_stale(&INPUT) && !store.is_disposed() {
            thread::yield_now();
        }
        store.set(&OUTPUT, *input);
    });
}

/// Fails with this message.
#[worker(shared = [INPUT])]
pub(crate) fn failing(_: &ReactonStore, message: String) -> Result<(), String> {
    Err(message)
}

/// A value that panics when it is installed, so that the worker panics before the handshake is complete.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct Fuse(pub(crate) bool);

impl<'de> Deserialize<'de> for Fuse {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let lit = bool::deserialize(from)?;
        // In debug builds main decodes its value, too, to check that nothing is lost.
        let is_worker = thread::current().name() == Some("fused");
        assert!(!(lit && is_worker), "the fuse is lit");
        Ok(Self(lit))
    }
}

#[reacton]
pub(crate) static FUSE: Fuse = Fuse(false);

#[worker(shared = [FUSE])]
pub(crate) fn fused(_: &ReactonStore) {}

#[worker(shared = [INPUT, OUTPUT])]
pub(crate) async fn awaiting(store: ReactonStore) {
    loop {
        store.turn().await;
        store.set(&OUTPUT, store.get(&INPUT));
    }
}

/// Writes each number, and waits for main now and then.
#[worker(shared = [OUTPUT, WRONG])]
pub(crate) fn considerate(store: &ReactonStore) {
    let main = MainLink::of(store).expect("the store belongs to a worker");
    for number in 1..=1000 {
        store.set(&OUTPUT, number);
        if number % 100 == 0
            && let Err(error) = main.flush(10).wait(Duration::from_secs(30))
        {
            store.set(&WRONG, error.to_string());
        }
    }
}

/// As [`considerate`], under the other delivery, and until main has applied everything.
#[worker(shared = [OUTPUT, WRONG], delivery = latest)]
pub(crate) fn considerate_latest(store: &ReactonStore) {
    let main = MainLink::of(store).expect("the store belongs to a worker");
    for number in 1..=100 {
        store.set(&OUTPUT, number);
        if number % 10 == 0
            && let Err(error) = main.flush(0).wait(Duration::from_secs(30))
        {
            store.set(&WRONG, error.to_string());
            return;
        }
    }
}

/// A number type with values that serde refuses to encode or to decode.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Picky(pub(crate) u64);

/// Cannot be encoded.
pub(crate) const UNSENDABLE: Picky = Picky(13);

/// Cannot be decoded, except where it was written.
pub(crate) const UNREADABLE: Picky = Picky(17);

impl Serialize for Picky {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if *self == UNSENDABLE {
            return Err(serde::ser::Error::custom("it is not to be sent"));
        }
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let picky = Self(u64::deserialize(from)?);
        let is_worker = thread::current().name() == Some("picker");
        if is_worker && picky == UNREADABLE {
            return Err(serde::de::Error::custom("it is not to be read"));
        }
        Ok(picky)
    }
}

#[reacton]
pub(crate) static PICKY: Picky = Picky(0);

#[reacton]
pub(crate) static PICKED: Picky = Picky(0);

/// Answers each input with an equal value; one of them with a value that cannot be encoded.
#[worker(shared = [PICKY, PICKED, INPUT, OUTPUT])]
pub(crate) fn picker(store: &ReactonStore) {
    store.subscribe(&PICKY, |store, picky| store.set(&PICKED, picky.clone()));
    store.subscribe(&INPUT, |store, input| {
        store.batch(|store| {
            store.set(&PICKED, UNSENDABLE);
            store.set(&OUTPUT, *input);
        });
    });
}
