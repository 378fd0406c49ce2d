//! A fixed corpus of hostile input, through the functions that the fuzz targets call: bytes that are no value, and
//! messages that no peer of this library would send. Each case is named after what it is.

use std::alloc::System;
use std::any::type_name;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use reacton::prelude::*;
use reacton::{Change, CloseReason, Introduction, Payload, Version};
use reacton_isolate::fuzzing::{self, Exposed, decode_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that decoding may allocate for each byte of input; `fuzz/README.md` says why so many.
const PER_BYTE: usize = 512;
/// For the words of an error.
const AT_LEAST: usize = 4096;

/// A million levels, each of which would take a piece of the stack.
const DEEP: usize = 1_000_000;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Box { width: u32 },
    Inside(Box<Shape>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Tree(Vec<Tree>);

#[derive(Debug, PartialEq, Deserialize)]
struct Chain {
    next: Option<Box<Chain>>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Text(String),
    Many(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, u32>,
}

/// The allocator counts for all threads: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn decode<T: DeserializeOwned + 'static>(name: &str, bytes: &[u8]) -> Result<T, String> {
    let before = ALLOCATOR.stats().bytes_allocated;
    let decoded = decode_value(bytes);
    let spent = ALLOCATOR.stats().bytes_allocated - before;
    assert!(spent <= bytes.len() * PER_BYTE + AT_LEAST, "{name}: {spent} bytes allocated");
    decoded
}

#[track_caller]
fn refused<T: DeserializeOwned + Debug + 'static>(name: &str, bytes: &[u8], because: &str) {
    match decode::<T>(name, bytes) {
        Ok(value) => panic!("{name}: {value:?}"),
        Err(reason) => {
            assert!(reason.contains(because), "{name}, as {}: {reason}", type_name::<T>());
        }
    }
}

#[track_caller]
fn taken<T: DeserializeOwned + Debug + PartialEq + 'static>(name: &str, bytes: &[u8], as_: &T) {
    assert_eq!(decode::<T>(name, bytes).as_ref(), Ok(as_), "{name}");
}

#[test]
fn i9_what_is_cut_off_is_refused() {
    let _alone = alone();
    refused::<u64>("nothing", b"", "cut off");
    refused::<u64>("a number without its bytes", b"\xcf\0\0", "cut off");
    refused::<String>("a text that ends early", b"\xa5abc", "cut off");
    refused::<String>("a text without its length", b"\xdb\0", "cut off");
    refused::<Vec<u8>>("bytes that end early", b"\xc4\x02a", "cut off");
    refused::<Vec<u64>>("a list without its last element", b"\x93\x01\x02", "cut off");
    refused::<HashMap<u8, u8>>("a map without its last value", b"\x81\x01", "cut off");
    refused::<Option<f64>>("half a float", b"\xcb\x7f\xf8", "cut off");
    refused::<Shape>("an enum without its variant", b"\x81", "cut off");
}

#[test]
fn i9_a_length_that_lies_makes_no_room() {
    let _alone = alone();
    refused::<String>("a text of 4 GB", b"\xdb\xff\xff\xff\xff", "cut off");
    refused::<Vec<u8>>("bytes of 4 GB", b"\xc6\xff\xff\xff\xff", "cut off");
    refused::<Option<Vec<u8>>>("perhaps bytes of 4 GB", b"\xc6\xff\xff\xff\xff", "cut off");
    refused::<Vec<u64>>("four billion numbers", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<Vec<()>>("four billion of nothing", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<HashMap<u64, String>>("four billion entries", b"\xdf\xff\xff\xff\xff", "cut off");
    refused::<Untagged>("four billion of whatever", b"\xdd\xff\xff\xff\xff", "cut off");
    refused::<serde_json::Value>("an extension of 4 GB", b"\xc9\xff\xff\xff\xff", "cut off");
    let lists = b"\xdd\xff\xff\xff\xff".repeat(100);
    refused::<Tree>("four billion lists of four billion lists", &lists, "cut off");
}

#[test]
fn i9_deep_nesting_is_refused_before_the_stack_is_used() {
    let _alone = alone();
    refused::<Tree>("lists in lists", &vec![0x91; DEEP], "nested");
    refused::<serde_json::Value>("dynamic lists in lists", &vec![0x91; DEEP], "nested");
    refused::<Untagged>("untagged lists in lists", &vec![0x91; DEEP], "nested");
    refused::<Shape>("enums in enums", &b"\x81\xa6Inside".repeat(DEEP), "nested");
    refused::<Shape>("enums in enums, by number", &b"\x81\x02".repeat(DEEP), "nested");
    refused::<Chain>("structs in structs", &b"\x81\xa4next".repeat(DEEP), "nested");
    refused::<u8>(
        "lists in lists behind a number",
        &[&[7], &vec![0x91; DEEP][..]].concat(),
        "more",
    );
    refused::<Tree>("129 lists", &[vec![0x91; 128], vec![0x90]].concat(), "nested");
    assert!(decode::<Tree>("128 lists", &[vec![0x91; 127], vec![0x90]].concat()).is_ok());
}

#[test]
fn i9_bytes_of_something_else_are_refused() {
    let _alone = alone();
    refused::<u8>("a byte that means nothing", b"\xc1", "means nothing");
    refused::<u8>("a number that is too large", b"\xcd\x01\x00", "256");
    refused::<u8>("a negative number", b"\xff", "-1");
    refused::<char>("two characters", b"\xa2ab", "character");
    refused::<String>("a text that is not UTF-8", b"\xa2\xc3\x28", "utf8");
    refused::<Shape>("a variant that is none", b"\xa6Circle", "Circle");
    refused::<Shape>("a variant by a number that is none", b"\x81\x09\xc0", "variant");
    refused::<Shape>("two variants at once", b"\x82\xa5Point\xc0\xa5Point\xc0", "length");
    refused::<Shape>("a variant without its field", b"\x81\xa3Box\x80", "width");
    refused::<Shape>("a field twice", b"\x81\xa3Box\x82\xa5width\x01\xa5width\x02", "duplicate");
    refused::<Flat>("a flattened struct without its field", b"\x81\xa1a\x01", "id");
    refused::<Untagged>("no variant of all that there are", b"\x81\x01\x02", "did not match");
    refused::<serde_json::Value>("a dynamic map with keys of no text", b"\x81\xc0\x01", "key");
    refused::<Vec<u8>>("an extension in the place of bytes", b"\xd4\x01\x02", "invalid type");
    refused::<(u8, u8)>("a list that is too long", b"\x93\x01\x02\x03", "length");
}

#[test]
fn i9_what_follows_a_value_is_refused() {
    let _alone = alone();
    refused::<u8>("two values", b"\x01\x02", "more bytes");
    refused::<u8>("a value and the beginning of a list", b"\x01\x91", "more bytes");
    refused::<u8>("a value and a byte that means nothing", b"\x01\xc1", "more bytes");
    refused::<Vec<u8>>("bytes and one more", b"\xc4\x01aa", "more bytes");
    refused::<()>("two times nothing", b"\xc0\xc0", "more bytes");
}

#[test]
fn i9_what_is_only_odd_is_taken() {
    let _alone = alone();
    taken("a number in more bytes than it needs", b"\xcf\0\0\0\0\0\0\0\x07", &7_u8);
    taken(
        "a key twice: the last one counts",
        b"\x82\x01\x02\x01\x03",
        &HashMap::from([(1_u8, 3_u8)]),
    );
    taken("a text of no bytes in the longest form", b"\xdb\0\0\0\0", &String::new());
    taken("bytes as a list of numbers", b"\x92\x01\x02", &vec![1_u8, 2]);
    taken("a variant by its number", b"\x81\x01\x91\x05", &Shape::Box { width: 5 });
    taken("a field that nobody knows", b"\x82\xa4next\xc0\xa1x\x01", &Chain { next: None });
    let nan = decode::<f64>("a signalling NaN", b"\xcb\x7f\xf0\0\0\0\0\0\x01");
    assert!(nan.is_ok_and(f64::is_nan));
}

#[reacton]
static COUNT: u32 = 0;
#[reacton]
static SHAPE: Shape = Shape::Point;
#[reacton(zero_copy)]
static PICTURE: Option<Vec<u8>> = None;

/// More than a clock can be.
const LIMIT: u64 = 1 << 63;

fn exposed() -> Exposed {
    let shared = shared![COUNT, SHAPE, PICTURE];
    Exposed::to_a_worker(&shared, Delivery::Every).expect("its values encode")
}

fn change(id: RefId, clock: u64, payload: Payload) -> Change {
    Change { id, version: Version { clock, site: u64::MAX }, announced: false, payload }
}

fn count(clock: u64, bytes: &[u8]) -> Change {
    change(COUNT.reacton_ref().id(), clock, Payload::Bytes(bytes.into()))
}

fn nobodys(clock: u64) -> Change {
    change(RefId::of("nobody's"), clock, Payload::Bytes(vec![1].into()))
}

fn says(exposed: &Exposed, clock: u64, changes: Vec<Change>) -> Option<String> {
    exposed.say(fuzzing::changed(clock, changes));
    exposed.settle();
    exposed.last_error().map(|error| error.to_string())
}

/// Whatever was said: the store is read and written, and its worker hears of it.
#[track_caller]
fn goes_on(exposed: &Exposed) {
    let (store, worker) = (exposed.store(), exposed.worker());
    exposed.settle();
    assert!(exposed.clock() < LIMIT, "the clock is {}", exposed.clock());
    for next in [store.get(&COUNT) + 1, store.get(&COUNT) + 2] {
        store.set(&COUNT, next);
        store.set(&PICTURE, Some(vec![1]));
        exposed.settle();
        assert_eq!((store.get(&COUNT), worker.get(&COUNT)), (next, next));
        assert_eq!(worker.get(&PICTURE), Some(vec![1]));
    }
    assert_eq!(store.get(&SHAPE), worker.get(&SHAPE));
}

#[test]
fn i9_a_value_that_is_none_is_told_and_the_one_that_was_held_stays() {
    let _alone = alone();
    let exposed = exposed();
    let deep = b"\x81\xa6Inside".repeat(DEEP);
    let shape = |bytes: &[u8]| change(SHAPE.reacton_ref().id(), 9, Payload::Bytes(bytes.into()));
    let wrong = |payload| change(PICTURE.reacton_ref().id(), 9, payload);
    let counted = change(COUNT.reacton_ref().id(), 9, Payload::Counted(Arc::new(5_u32)));
    for (name, change, because) in [
        ("a number that is none", count(9, b"\xc1"), "means nothing"),
        ("a number with more behind it", count(9, b"\x05\x91"), "more bytes"),
        ("enums in enums", shape(&deep), "nested"),
        ("a count where bytes are shared", counted, "form"),
        ("bytes where counts are shared", wrong(Payload::Bytes(vec![0xc0].into())), "form"),
        ("a count of another type", wrong(Payload::Counted(Arc::new(5_u32))), "form"),
    ] {
        let told = says(&exposed, 9, vec![change]);
        assert!(told.is_some_and(|told| told.contains(because)), "{name}");
        assert_eq!(exposed.store().get(&COUNT), 0, "{name}");
        assert_eq!(exposed.store().get(&SHAPE), Shape::Point, "{name}");
        assert_eq!(exposed.store().get(&PICTURE), None, "{name}");
    }
    goes_on(&exposed);
}

#[test]
fn i9_a_clock_that_nobody_can_have_is_told_or_dropped() {
    let _alone = alone();
    let exposed = exposed();
    for clock in [LIMIT, u64::MAX] {
        let told = says(&exposed, clock, vec![count(1, &[5])]);
        assert_eq!(told, Some(format!("a malformed message was dropped: its clock is {clock}")));
        says(&exposed, 1, vec![count(clock, &[5])]);
        assert_eq!(exposed.store().get(&COUNT), 0, "a version of {clock}");
    }
    goes_on(&exposed);
    says(&exposed, 1 << 62, vec![count(1 << 62, &[5])]);
    assert_eq!(exposed.store().get(&COUNT), 5, "half of it is a clock like any other");
    goes_on(&exposed);
}

#[test]
fn i9_the_last_clock_there_is_is_taken() {
    let _alone = alone();
    let exposed = exposed();
    says(&exposed, LIMIT - 1, vec![count(LIMIT - 1, &[5])]);
    assert_eq!(exposed.clock(), LIMIT - 1);
    assert_eq!((exposed.store().get(&COUNT), exposed.worker().get(&COUNT)), (5, 5));
    exposed.store().set(&COUNT, 6);
    exposed.settle();
    assert_eq!(exposed.store().get(&COUNT), 6, "the store still answers");
}

#[test]
fn i9_reactons_that_nobody_shares_are_ignored() {
    let _alone = alone();
    let exposed = exposed();
    let id = RefId::of("nobody's");
    exposed.say(fuzzing::changed(1, vec![nobodys(1)]));
    exposed.say(fuzzing::subscribe(vec![(id, Version::NEVER)]));
    exposed.say(fuzzing::unsubscribe(vec![id; 3]));
    exposed.say(fuzzing::subscribe(Vec::new()));
    exposed.say(fuzzing::unsubscribe(Vec::new()));
    goes_on(&exposed);
    assert_eq!(exposed.last_error(), None);
}

#[test]
fn i9_of_one_reacton_many_times_in_a_transaction_the_newest_is_held() {
    let _alone = alone();
    let exposed = exposed();
    let clocks = (1..=100).chain((1..100).rev());
    says(
        &exposed,
        100,
        clocks.map(|clock| count(clock, &[u8::try_from(clock).unwrap_or(0)])).collect(),
    );
    assert_eq!((exposed.store().get(&COUNT), exposed.worker().get(&COUNT)), (100, 100));
    goes_on(&exposed);
    assert_eq!(exposed.last_error(), None);
}

#[test]
fn i9_a_transaction_of_nothing_is_one_of_nothing() {
    let _alone = alone();
    let exposed = exposed();
    assert_eq!(says(&exposed, 7, Vec::new()), None);
    assert_eq!(exposed.clock(), 7);
    goes_on(&exposed);
}

#[test]
fn i9_a_handshake_in_the_middle_is_ignored() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(fuzzing::introduce(1, u64::MAX, introductions(0)));
    exposed.say(fuzzing::acknowledge());
    exposed.say(fuzzing::acknowledge());
    goes_on(&exposed);
    assert_eq!(exposed.last_error(), None);
}

#[test]
fn i9_trouble_is_shown() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(fuzzing::trouble("so it says"));
    goes_on(&exposed);
    let shown = exposed.last_error().map(|error| error.to_string());
    assert_eq!(shown.as_deref(), Some("a malformed message was dropped: so it says"));
}

#[test]
fn i9_nothing_is_heard_of_who_closed_before_anything() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(fuzzing::closed(CloseReason::Drained));
    exposed.say(fuzzing::changed(LIMIT, vec![count(9, &[9])]));
    exposed.say(fuzzing::changed(9, vec![count(9, &[9])]));
    exposed.say(fuzzing::subscribe(vec![(COUNT.reacton_ref().id(), Version::NEVER)]));
    exposed.say(IsolateMessage::Drain);
    exposed.say(fuzzing::closed(CloseReason::Disposed));
    exposed.settle();
    assert_eq!(exposed.store().get(&COUNT), 0);
    assert_eq!(exposed.status(), Some(IsolateStatus::Disposed));
    assert_eq!(exposed.last_error(), None);
    goes_on(&exposed);
}

/// What a main store would introduce, its values written at `clock`.
fn introductions(clock: u64) -> Vec<Introduction> {
    let shape = Payload::Bytes(b"\xa5Point"[..].into());
    let picture = Payload::Counted(Arc::new(None::<Vec<u8>>));
    [
        (COUNT.reacton_ref(), type_name::<u32>(), Payload::Bytes(vec![0].into())),
        (SHAPE.reacton_ref(), type_name::<Shape>(), shape),
        (PICTURE.reacton_ref(), type_name::<Option<Vec<u8>>>(), picture),
    ]
    .map(|(rref, type_name, payload)| {
        let version = Version { clock, site: 1 };
        Introduction { id: rref.id(), name: rref.name(), type_name, version, payload, wanted: true }
    })
    .into()
}

fn introduced(init: IsolateMessage) -> Result<Exposed, String> {
    Exposed::to_its_main(&shared![COUNT, SHAPE, PICTURE], Delivery::Every, init)
        .map_err(|mismatches| mismatches.iter().map(ToString::to_string).collect())
}

#[test]
fn i9_a_handshake_of_nonsense_is_refused() {
    let _alone = alone();
    let init = |reactons| fuzzing::introduce(7, 3, reactons);
    assert!(introduced(init(introductions(3))).is_ok());
    let mut no_value = introductions(3);
    no_value[0].payload = Payload::Bytes(vec![0xc1].into());
    let mut wrong_count = introductions(3);
    wrong_count[2].payload = Payload::Counted(Arc::new(1_u8));
    let mut more = introductions(3);
    more.push(Introduction { id: RefId::of("nobody's"), ..more[0].clone() });
    let mut other = introductions(3);
    other[0].type_name = "u8";
    for (name, message, because) in [
        ("no handshake", IsolateMessage::Drain, "protocol"),
        ("the answer to one", fuzzing::acknowledge(), "protocol"),
        ("nothing introduced", init(Vec::new()), "one side only"),
        ("more than is shared", init(more), "one side only"),
        ("another type", init(other), "u8"),
        ("a value that is none", init(no_value), "means nothing"),
        ("a count of another type", init(wrong_count), "form"),
    ] {
        assert!(introduced(message).is_err_and(|told| told.contains(because)), "{name}");
    }
}

#[test]
fn i9_a_worker_that_is_drained_and_closed_twice_ends_once() {
    let _alone = alone();
    let exposed = introduced(fuzzing::introduce(7, 3, introductions(3))).expect("it agrees");
    exposed.say(IsolateMessage::Drain);
    exposed.say(IsolateMessage::Drain);
    exposed.say(fuzzing::closed(CloseReason::Disposed));
    exposed.say(fuzzing::closed(CloseReason::Disposed));
    exposed.settle();
    assert!(exposed.is_ending() && exposed.store().is_disposed());
    exposed.store().set(&COUNT, 1);
    assert_eq!(exposed.worker().get(&COUNT), 0);
}

#[test]
fn i9_a_worker_that_drains_the_store_that_spawned_it_is_told_off() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(IsolateMessage::Drain);
    exposed.say(IsolateMessage::Drain);
    goes_on(&exposed);
    assert!(exposed.last_error().is_some_and(|error| error.to_string().contains("drain")));
}

#[test]
fn i9_who_subscribes_a_thousand_times_is_sent_one_value() {
    let _alone = alone();
    let exposed = exposed();
    exposed.store().set(&COUNT, 5);
    let before = exposed.stats().map_or(0, |stats| stats.changes_sent);
    exposed.say(fuzzing::subscribe(vec![(COUNT.reacton_ref().id(), Version::NEVER); 1000]));
    exposed.settle();
    assert_eq!(exposed.stats().map(|stats| stats.changes_sent), Some(before + 1));
    goes_on(&exposed);
}

#[test]
fn i9_a_handshake_with_a_clock_that_nobody_can_have_is_refused() {
    let _alone = alone();
    for (clock, of_values) in [(LIMIT, 0), (u64::MAX, 0), (3, LIMIT), (3, u64::MAX)] {
        let told = introduced(fuzzing::introduce(7, clock, introductions(of_values)));
        assert!(told.is_err_and(|told| told.contains("its clock is")), "{clock}, {of_values}");
    }
    let newer = introduced(fuzzing::introduce(7, 3, introductions(9))).expect("it agrees");
    assert_eq!(newer.clock(), 9, "the clock is never behind a value");
    goes_on(&newer);
}
