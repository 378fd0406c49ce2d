//! Messages that no peer of this library would send.

use std::any::type_name;
use std::sync::Arc;

use reacton::prelude::*;
use reacton::{Change, CloseReason, Introduction, Payload, Version};
use reacton_isolate::fuzzing::{self, Exposed};

use crate::{DEEP, Shape, alone};

#[reacton]
static COUNT: u32 = 0;
#[reacton]
static SHAPE: Shape = Shape::Point;
#[reacton(zero_copy)]
static PICTURE: Option<Vec<u8>> = None;

/// Above the maximum of a clock.
const LIMIT: u64 = 1 << 63;

/// The most by which one message raises a clock.
const MAX_RAISE: u64 = 1 << 40;

fn exposed() -> Exposed {
    let shared = shared![COUNT, SHAPE, PICTURE];
    Exposed::to_a_worker(&shared, Delivery::Every).expect("the value is serialized")
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

/// Checks that the store can still be read and written, and that its worker receives the write.
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
fn i9_malformed_values_are_reported_and_the_current_value_is_kept() {
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
fn i9_a_clock_beyond_the_limit_is_reported_or_dropped() {
    let _alone = alone();
    let exposed = exposed();
    for clock in [MAX_RAISE, 1 << 62, LIMIT, u64::MAX] {
        let told = says(&exposed, clock, vec![count(1, &[5])]);
        assert!(told.is_some_and(|told| told.contains(&format!("its clock is {clock},"))));
        says(&exposed, 1, vec![count(clock, &[5])]);
        assert_eq!(exposed.store().get(&COUNT), 0, "after a version with the clock {clock}");
        exposed
            .say(fuzzing::subscribe(vec![(COUNT.reacton_ref().id(), Version { clock, site: 1 })]));
        exposed.settle();
        assert_eq!(exposed.clock(), 0, "after a subscription with the clock {clock}");
    }
    goes_on(&exposed);
    let own = exposed.clock();
    says(&exposed, own + MAX_RAISE - 1, vec![count(own + MAX_RAISE - 1, &[5])]);
    assert_eq!(exposed.store().get(&COUNT), 5, "a smaller raise is accepted");
    goes_on(&exposed);
}

#[test]
fn i9_the_largest_clock_is_accepted() {
    let _alone = alone();
    let last = (1 << 62) - 1;
    let init = fuzzing::introduce(7, last, introductions(last));
    let exposed = introduced(init).expect("the introductions match");
    assert_eq!(exposed.clock(), last);
    says(&exposed, last + 1, vec![count(last + 1, &[5])]);
    assert_eq!((exposed.store().get(&COUNT), exposed.worker().get(&COUNT)), (5, 5));
    goes_on(&exposed);
}

#[test]
fn i9_reactons_that_are_not_shared_are_ignored() {
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
fn i9_of_several_changes_of_one_reacton_in_a_transaction_the_newest_is_kept() {
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
fn i9_an_empty_transaction_changes_nothing() {
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
fn i9_an_error_that_a_worker_sends_is_shown() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(fuzzing::value_error("so it says"));
    goes_on(&exposed);
    let shown = exposed.last_error().map(|error| error.to_string());
    assert_eq!(shown.as_deref(), Some("a malformed message was dropped: so it says"));
}

#[test]
fn i9_nothing_is_applied_of_a_link_that_was_closed_first() {
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

/// The introductions of a main store whose values were written at `clock`.
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
        Introduction {
            id: rref.id(),
            name: rref.name().into(),
            type_name: type_name.into(),
            shape: None,
            version,
            payload,
            subscribed: true,
        }
    })
    .into()
}

fn introduced(init: IsolateMessage) -> Result<Exposed, String> {
    Exposed::to_its_main(&shared![COUNT, SHAPE, PICTURE], Delivery::Every, init)
        .map_err(|mismatches| mismatches.iter().map(ToString::to_string).collect())
}

#[test]
fn i9_a_malformed_handshake_is_refused() {
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
    other[0].type_name = "u8".into();
    let mut other_fields = introductions(3);
    other_fields[0].shape = Some(String::from("struct Count"));
    for (name, message, because) in [
        ("no handshake", IsolateMessage::Drain, "protocol"),
        ("the answer to one", fuzzing::acknowledge(), "protocol"),
        ("nothing introduced", init(Vec::new()), "one side only"),
        ("more than is shared", init(more), "one side only"),
        ("another type", init(other), "u8"),
        ("a type with other fields", init(other_fields), "struct Count"),
        ("a value that is none", init(no_value), "means nothing"),
        ("a count of another type", init(wrong_count), "form"),
    ] {
        assert!(introduced(message).is_err_and(|told| told.contains(because)), "{name}");
    }
}

#[test]
fn i9_a_worker_that_is_drained_and_closed_twice_ends_once() {
    let _alone = alone();
    let exposed =
        introduced(fuzzing::introduce(7, 3, introductions(3))).expect("the introductions match");
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
fn i9_a_worker_that_drains_the_store_that_spawned_it_is_reported() {
    let _alone = alone();
    let exposed = exposed();
    exposed.say(IsolateMessage::Drain);
    exposed.say(IsolateMessage::Drain);
    goes_on(&exposed);
    assert!(exposed.last_error().is_some_and(|error| error.to_string().contains("drain")));
}

#[test]
fn i9_a_thousand_subscriptions_at_once_are_answered_by_one_value() {
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
fn i9_a_handshake_with_a_clock_beyond_the_limit_is_refused() {
    let _alone = alone();
    for (clock, of_values) in [(1 << 62, 0), (LIMIT, 0), (u64::MAX, 0), (3, 1 << 62), (3, u64::MAX)]
    {
        let told = introduced(fuzzing::introduce(7, clock, introductions(of_values)));
        assert!(told.is_err_and(|told| told.contains("its clock is")), "{clock}, {of_values}");
    }
    let newer =
        introduced(fuzzing::introduce(7, 3, introductions(9))).expect("the introductions match");
    assert_eq!(newer.clock(), 9, "the clock is at least that of each value");
    goes_on(&newer);
}
