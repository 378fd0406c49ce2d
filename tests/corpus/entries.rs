//! Messages about entries of collections that no peer of this library would send.

use std::sync::Arc;

use reacton::prelude::*;
use reacton::{Change, Edits, Encoded, Payload, Record, RecordBody, Version};
use reacton_isolate::fuzzing::{self, Exposed};

use crate::alone;

#[reacton]
static ROWS: ReactonMap<u32, String> = ReactonMap::new();

#[reacton]
static TOTAL: Counter = Counter::new();

#[reacton(zero_copy)]
static COUNTED: ReactonMap<u32, u32> = ReactonMap::new();

#[reacton]
static TITLE: String = String::new();

fn exposed() -> Exposed {
    let shared = shared![ROWS, TOTAL, COUNTED, TITLE];
    Exposed::to_a_worker(&shared, Delivery::Every).expect("the value is serialized")
}

fn record(clock: u64, key: &[u8], body: RecordBody) -> Record {
    Record::new(Encoded::from(key), Version { clock, site: 9 }, body)
}

fn bytes(bytes: &[u8]) -> RecordBody {
    RecordBody::Bytes(Encoded::from(bytes))
}

fn change(id: RefId, clock: u64, records: Vec<Record>) -> Change {
    let payload = Payload::Edits(Arc::new(Edits { records: records.into(), ..Edits::default() }));
    Change { id, version: Version { clock, site: 9 }, announced: false, payload }
}

/// Returns what the store reports about a bad change that arrives together with a good one.
fn says(exposed: &Exposed, clock: u64, bad: Change) -> String {
    let good = record(clock, &[7], bytes(b"\xa4good"));
    let changes = vec![bad, change(ROWS.reacton_ref().id(), clock, vec![good])];
    exposed.say(fuzzing::changed(clock, changes));
    exposed.settle();
    exposed.last_error().map(|error| error.to_string()).unwrap_or_default()
}

#[track_caller]
fn goes_on(exposed: &Exposed) {
    let (store, worker) = (exposed.store(), exposed.worker());
    store.update(&ROWS, |rows| rows.insert(1, "written here".into()));
    store.update(&TOTAL, |total| total.add(1));
    exposed.settle();
    assert_eq!(worker.get(&ROWS.at(1)).as_deref(), Some("written here"));
    assert_eq!((store.get(&ROWS), store.get(&TOTAL)), (worker.get(&ROWS), worker.get(&TOTAL)));
    assert_eq!(store.get(&COUNTED), worker.get(&COUNTED));
}

#[test]
fn i9_a_malformed_record_is_reported_and_the_others_are_joined() {
    let _alone = alone();
    let (rows, counted) = (ROWS.reacton_ref().id(), COUNTED.reacton_ref().id());
    let whole = Change {
        payload: Payload::Bytes(Encoded::from(&[0x80][..])),
        ..change(rows, 5, Vec::new())
    };
    let future = record(6, &[1], bytes(b"\xa1a"));
    let title = change(TITLE.reacton_ref().id(), 5, vec![record(5, &[1], RecordBody::Removed)]);
    for (name, bad, because) in [
        (
            "a key of another type",
            change(rows, 5, vec![record(5, b"\xa1k", bytes(b"\xa1a"))]),
            "ROWS",
        ),
        ("no key", change(rows, 5, vec![record(5, &[], bytes(b"\xa1a"))]), "ROWS"),
        ("an item of another type", change(rows, 5, vec![record(5, &[3], bytes(&[1]))]), "key 3"),
        (
            "an item that is cut off",
            change(rows, 5, vec![record(5, &[3], bytes(b"\xa9a"))]),
            "key 3",
        ),
        (
            "a count where bytes are shared",
            change(rows, 5, vec![record(5, &[3], RecordBody::Counted(Arc::new(1_u32)))]),
            "form",
        ),
        (
            "bytes where counts are shared",
            change(counted, 5, vec![record(5, &[3], bytes(&[1]))]),
            "form",
        ),
        (
            "a count of another type",
            change(counted, 5, vec![record(5, &[3], RecordBody::Counted(Arc::new("one")))]),
            "form",
        ),
        ("a value in place of entries", whole, "form"),
        ("entries in place of a value", title, "as a whole"),
        ("a record that is newer than its message", change(rows, 5, vec![future]), "newer"),
    ] {
        let exposed = exposed();
        let told = says(&exposed, 5, bad);
        assert!(told.contains(because), "{name}: {told}");
        let (store, worker) = (exposed.store(), exposed.worker());
        assert_eq!(store.get(&ROWS.at(7)).as_deref(), Some("good"), "{name}");
        assert_eq!((store.get(&ROWS), worker.get(&ROWS).len()), (worker.get(&ROWS), 1), "{name}");
        assert!(store.with(&COUNTED, ReactonMap::is_empty), "{name}");
        goes_on(&exposed);
    }
}

#[test]
fn i9_a_record_of_an_implausible_clock_is_not_joined() {
    let _alone = alone();
    for clock in [1 << 41, 1 << 63, u64::MAX] {
        let exposed = exposed();
        let bad = change(ROWS.reacton_ref().id(), 5, vec![record(clock, &[1], bytes(b"\xa1a"))]);
        says(&exposed, 5, bad);
        let bad = change(ROWS.reacton_ref().id(), clock, vec![record(5, &[1], bytes(b"\xa1a"))]);
        says(&exposed, 5, bad);
        assert!(exposed.clock() < 100);
        goes_on(&exposed);
    }
}

#[test]
fn i9_marks_and_answers_that_nobody_asked_for_change_nothing() {
    let _alone = alone();
    let exposed = exposed();
    let rows = ROWS.reacton_ref().id();
    exposed.store().update(&ROWS, |rows| rows.insert(3, "three".into()));
    exposed.store().update(&ROWS, |rows| rows.remove(&3));
    for message in [
        fuzzing::mark(5),
        fuzzing::mark(u64::MAX),
        fuzzing::sweep(u64::MAX, vec![rows]),
        fuzzing::marked(0, 5, vec![rows]),
        fuzzing::marked(7, u64::MAX, Vec::new()),
        fuzzing::ask(rows, u64::MAX, vec![Encoded::from(&[3][..]), Encoded::from(&[0xc1][..])]),
        fuzzing::ask(RefId::of("nobody's"), 1, Vec::new()),
        fuzzing::ask(TITLE.reacton_ref().id(), 1, vec![Encoded::from(&[3][..])]),
    ] {
        exposed.say(message);
        exposed.settle();
    }
    let removals = exposed.store().with(&ROWS, reacton::collections::Merge::removals);
    assert_eq!(removals, 1, "only the store that spawned the worker ends removals");
    let mut answer = change(rows, 5, vec![record(5, &[8], bytes(b"\xa1a"))]);
    answer.payload = Payload::Edits(Arc::new(Edits { answers: 77, ..Edits::default() }));
    says(&exposed, 5, answer);
    goes_on(&exposed);
}
