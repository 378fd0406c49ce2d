//! The workers of these tests, and what they share.

use std::thread;
use std::time::Duration;

use reacton::prelude::*;
use serde::{Deserialize, Serialize};

#[reacton]
pub(crate) static INPUT: u64 = 0;

#[reacton]
pub(crate) static OUTPUT: u64 = 0;

/// The process of the worker, once it runs.
#[reacton]
pub(crate) static PID: u32 = 0;

/// What the brittle worker is to do.
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

/// Has no serde.
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

/// Remembers each input, in order.
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

/// Takes its time for each input.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn slow_reader(store: &ReactonStore, wait: u64) {
    store.subscribe(&INPUT, move |store, input| {
        thread::sleep(Duration::from_millis(wait));
        store.set(&OUTPUT, *input);
    });
}

/// Dies as it is told to.
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
            let child = std::process::Command::new("sleep").arg("30").spawn().expect("it starts");
            drop(child);
            std::process::abort();
        }
        "" => {}
        other => panic!("no order: {other}"),
    }
}

/// Has a worker in a process of its own.
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

/// What has gone wrong in a worker; empty as long as nothing has.
#[reacton]
pub(crate) static WRONG: String = String::new();

/// Both sides write these.
#[reacton]
pub(crate) static SHARED: u64 = 0;

/// Looks whether what is written together arrives together, and writes both together itself.
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

/// Writes what main writes, too.
#[worker(shared = [INPUT, OUTPUT, SHARED])]
pub(crate) fn rival(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        for number in 0..100 {
            store.set(&SHARED, input * 1000 + number);
        }
        store.set(&OUTPUT, *input);
    });
}

/// Corrects what is too large.
#[worker(shared = [SHARED])]
pub(crate) fn corrector(store: &ReactonStore) {
    store.watch(&SHARED, |store, value| {
        if *value > 10 {
            store.set(&SHARED, 10);
        }
    });
}

/// Looks whether newer input waits while it works.
#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn impatient(store: &ReactonStore) {
    store.subscribe(&INPUT, |store, input| {
        while *input == 1 && !store.is_stale(&INPUT) && !store.is_disposed() {
            thread::yield_now();
        }
        store.set(&OUTPUT, *input);
    });
}

/// Fails as it says.
#[worker(shared = [INPUT])]
pub(crate) fn failing(_: &ReactonStore, message: String) -> Result<(), String> {
    Err(message)
}

/// Panics before the handshake is over: a value of it does when it is installed.
#[derive(Debug, Default, Clone, PartialEq, Serialize)]
pub(crate) struct Fuse(pub(crate) bool);

impl<'de> Deserialize<'de> for Fuse {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let lit = bool::deserialize(from)?;
        // In debug builds main looks whether its value comes back.
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
    let main = MainLink::of(store).expect("it is a worker");
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
    let main = MainLink::of(store).expect("it is a worker");
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

/// A number that some values of are refused by serde, on the way out or on the way in.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Picky(pub(crate) u64);

/// Does not encode.
pub(crate) const UNSENDABLE: Picky = Picky(13);

/// Does not decode, but where it was written.
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

/// Answers each value that it gets with the same; an input with one that does not encode.
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
