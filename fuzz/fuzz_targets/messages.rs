//! Arbitrary bytes as the messages of an unknown program, in any order. The store that receives them continues, reports
//! what was wrong, and still agrees with another worker, which does not see these messages.
#![no_main]
#![forbid(unsafe_code)]

use std::alloc::System;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use reacton::prelude::*;
use reacton::{
    Change, CloseReason, Edits, Encoded, Introduction, Payload, Record, RecordBody, Version,
};
use reacton_isolate::fuzzing::{self, Exposed};
use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Shape {
    Point,
    Inside(Box<Shape>),
    Beside(Vec<Shape>),
}

#[reacton]
static COUNT: u32 = 0;
#[reacton]
static NAME: String = String::new();
#[reacton]
static SHAPE: Shape = Shape::Point;
#[reacton(zero_copy)]
static PICTURE: Option<Vec<u8>> = None;
#[reacton]
static ROWS: ReactonMap<u32, String> = ReactonMap::new();
#[reacton]
static TOTAL: Counter = Counter::new();
#[reacton(zero_copy)]
static COUNTED: ReactonMap<u32, u32> = ReactonMap::new();

/// The most bytes that may be allocated for each byte of input: two bytes can be a message, which is queued, applied as
/// a transaction, forwarded to the worker and applied there.
const PER_BYTE: usize = 4096;

/// Two stores, three links, and their shared sets.
const AT_LEAST: usize = 64 * 1024;

/// The bytes, read front to back; behind their end are zeros.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self) -> Arc<[u8]> {
        let length = usize::from(self.byte() % 32).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken.into()
    }

    fn some<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.byte() % 8).map(|_| read(self)).collect()
    }

    /// Small clocks, which compete with those of the store, and clocks at the limits.
    fn clock(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX,
            254 => 1 << 63,
            253 => (1 << 63) - 1,
            252 => 1 << 61,
            251 => (1 << 40) - 1,
            250 => 1 << 40,
            small => u64::from(small),
        }
    }

    fn version(&mut self) -> Version {
        Version { clock: self.clock(), site: u64::from(self.byte()) }
    }

    fn id(&mut self) -> RefId {
        match self.byte() % 12 {
            8 | 9 => ROWS.reacton_ref().id(),
            10 => TOTAL.reacton_ref().id(),
            11 => COUNTED.reacton_ref().id(),
            0..=2 => COUNT.reacton_ref().id(),
            3 => NAME.reacton_ref().id(),
            4 => SHAPE.reacton_ref().id(),
            5 => PICTURE.reacton_ref().id(),
            6 => RefId::of(""),
            _ => RefId::of("nobody's"),
        }
    }

    fn payload(&mut self) -> Payload {
        match self.byte() % 16 {
            8.. => Payload::Edits(Arc::new(self.edits())),
            0 => Payload::Counted(Arc::new(7_u32)),
            1 => Payload::Counted(Arc::new(Some(self.bytes().to_vec()))),
            2 => Payload::Counted(Arc::new("of another type")),
            3 => Payload::Bytes(vec![7].into()),
            _ => Payload::Bytes(self.bytes()[..].into()),
        }
    }

    fn edits(&mut self) -> Edits {
        let reset = (self.byte() % 8 == 7).then(|| self.version());
        Edits { answers: u64::from(self.byte() / 128), reset, records: self.some(Self::record).into() }
    }

    fn key(&mut self) -> Encoded {
        match self.byte() % 4 {
            // A part of a counter.
            0 => vec![0x93, self.byte() % 8, self.byte() % 8, self.byte() % 8].into(),
            1 => self.bytes()[..].into(),
            _ => vec![self.byte() % 8].into(),
        }
    }

    fn record(&mut self) -> Record {
        let (key, version) = (self.key(), self.version());
        let body = match self.byte() % 8 {
            0 => RecordBody::Removed,
            1 => RecordBody::Counted(Arc::new(u32::from(self.byte()))),
            2 => RecordBody::Counted(Arc::new("of another type")),
            3 => RecordBody::Bytes(vec![self.byte() % 128].into()),
            4 => RecordBody::Bytes(vec![0xa1, b'a'].into()),
            _ => RecordBody::Bytes(self.bytes()[..].into()),
        };
        Record { key, version, announced: self.byte() % 4 == 0, body }
    }

    fn change(&mut self) -> Change {
        let (id, version, payload) = (self.id(), self.version(), self.payload());
        Change { id, version, announced: self.byte() % 2 == 1, payload }
    }

    fn message(&mut self) -> IsolateMessage {
        match self.byte() % 16 {
            12 => fuzzing::ask(self.id(), u64::from(self.byte()), self.some(Self::key)),
            13 => fuzzing::mark(self.clock()),
            14 => fuzzing::marked(self.clock(), self.clock(), self.some(Self::id)),
            // The receiver relies on a `Sweep` to come at the right time, so this one is about a reacton that no store
            // has.
            15 => fuzzing::sweep(self.clock(), vec![RefId::of("nobody's")]),
            0 => IsolateMessage::Drain,
            1 => fuzzing::closed(CloseReason::Drained),
            2 => fuzzing::closed(CloseReason::Disposed),
            3 => fuzzing::acknowledge(),
            4 => self.introduce(),
            5 => fuzzing::value_error("so it says"),
            6 => fuzzing::subscribe(self.some(|script| (script.id(), script.version()))),
            7 => fuzzing::unsubscribe(self.some(Self::id)),
            _ => fuzzing::changed(self.clock(), self.some(Self::change)),
        }
    }

    /// A handshake, which is valid in most cases.
    fn introduce(&mut self) -> IsolateMessage {
        let site = u64::from(self.byte());
        let mut reactons = vec![
            self.introduction(COUNT.reacton_ref().id(), "u32", &[0]),
            self.introduction(NAME.reacton_ref().id(), "alloc::string::String", &[0xa0]),
            self.introduction(
                SHAPE.reacton_ref().id(),
                std::any::type_name::<Shape>(),
                b"\xa5Point",
            ),
            self.introduction(
                PICTURE.reacton_ref().id(),
                "core::option::Option<alloc::vec::Vec<u8>>",
                &[],
            ),
        ];
        for (id, name) in [
            (ROWS.reacton_ref().id(), std::any::type_name_of_val(&ROWS)),
            (TOTAL.reacton_ref().id(), std::any::type_name_of_val(&TOTAL)),
        ] {
            let mut one = self.introduction(id, name, &[0]);
            one.payload = Payload::Edits(Arc::new(self.edits()));
            reactons.push(one);
        }
        let mut one = self.introduction(
            COUNTED.reacton_ref().id(),
            std::any::type_name_of_val(&COUNTED),
            &[0],
        );
        one.payload = Payload::Counted(Arc::new(ReactonMap::<u32, u32>::new()));
        reactons.push(one);
        match self.byte() % 16 {
            0 => reactons.clear(),
            1 => reactons.extend(reactons.clone()),
            2 => reactons.push(self.introduction(RefId::of("nobody's"), "", &[])),
            _ => {}
        }
        fuzzing::introduce(site, self.clock(), reactons)
    }

    fn introduction(&mut self, id: RefId, type_name: &'static str, bytes: &[u8]) -> Introduction {
        let version = self.version();
        let payload = match self.byte() % 4 {
            0 => self.payload(),
            _ if bytes.is_empty() => Payload::Counted(Arc::new(None::<Vec<u8>>)),
            _ => Payload::Bytes(bytes.into()),
        };
        Introduction {
            id,
            name: "introduced".into(),
            type_name: type_name.into(),
            shape: None,
            version,
            payload,
            subscribed: true,
        }
    }
}

fn expose(script: &mut Script<'_>) -> Option<Exposed> {
    let shared = shared![COUNT, NAME, SHAPE, PICTURE, ROWS, TOTAL, COUNTED];
    let role = script.byte();
    let delivery = if role % 2 == 0 { Delivery::Every } else { Delivery::Latest };
    if role % 4 < 2 {
        Some(Exposed::to_a_worker(&shared, delivery).expect("the value is serialized"))
    } else {
        Exposed::to_its_main(&shared, delivery, script.introduce()).ok()
    }
}

fn assert_in_step(exposed: &Exposed) {
    let (store, worker) = (exposed.store(), exposed.worker());
    assert_eq!(store.get(&COUNT), worker.get(&COUNT));
    assert_eq!(store.get(&NAME), worker.get(&NAME));
    assert_eq!(store.get(&SHAPE), worker.get(&SHAPE));
    assert_eq!(store.get(&PICTURE), worker.get(&PICTURE));
    assert_eq!(store.get(&ROWS), worker.get(&ROWS));
    assert_eq!(store.get(&TOTAL), worker.get(&TOTAL));
    assert_eq!(store.get(&COUNTED), worker.get(&COUNTED));
}

fn run(mut script: Script<'_>) {
    let Some(exposed) = expose(&mut script) else { return };
    let written = script.0.len() as u64;
    while !script.0.is_empty() {
        match script.byte() % 8 {
            0 => exposed.settle(),
            1 => exposed.store().set(&COUNT, u32::from(script.byte())),
            2 => exposed.worker().set(&NAME, script.byte().to_string()),
            3 if script.byte() % 4 == 0 => exposed.store().batch(|store| {
                store
                    .update(&ROWS, |rows| rows.insert(u32::from(script.byte() % 8), String::new()));
                store.update(&TOTAL, |total| total.add(1));
                store.update(&COUNTED, |rows| rows.remove(&u32::from(script.byte() % 8)));
            }),
            3 => drop(
                exposed.worker().update(&ROWS, |rows| rows.remove(&u32::from(script.byte() % 8))),
            ),
            _ => exposed.say(script.message()),
        }
    }
    exposed.settle();
    // Received clocks are below 2^63, and each write of this store may have added one.
    assert!(exposed.clock() < (1 << 63) + written, "the clock is {}", exposed.clock());
    // Nothing is sent after `Drain`. After a message with the largest clock, no other write can win.
    if exposed.is_ending() || exposed.clock() > 1 << 62 {
        return;
    }
    assert_in_step(&exposed);
    exposed.store().set(&NAME, "still here".into());
    exposed.settle();
    assert_eq!(exposed.store().get(&NAME), "still here");
    assert_in_step(&exposed);
    if let Some(stats) = exposed.stats() {
        assert!(stats.changes_sent <= 7 * stats.transactions_sent, "more than one value of a reacton: {stats:?}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let before = ALLOCATOR.stats().bytes_allocated;
    run(Script(bytes));
    let spent = ALLOCATOR.stats().bytes_allocated - before;
    assert!(spent <= bytes.len() * PER_BYTE + AT_LEAST, "{spent} bytes of {}", bytes.len());
});
