//! Tests without threads: a hub gets messages that no peer of this library would send.

mod clocks;
#[cfg(feature = "process")]
mod limits;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use reacton_core::{FirstPanic, Inbox, Reacton, ReactonStore, RefId};
use serde::{Deserialize, Serialize, Serializer};

use super::{Hub, Link};
use crate::error::{LinkError, Mismatch};
use crate::isolate::supervise::Isolate;
#[cfg(feature = "process")]
use crate::link::Sender;
use crate::link::{Delivery, Far, Outbox, SendCounter};
use crate::shared;
use crate::shared::{SharedSet, SharedSlot};
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::edits::Held;
use crate::wire::message::{IsolateMessage, PROTOCOL};
use crate::wire::value::Payload;
use reacton_core::wiring::next_site;

static COUNT: Reacton<u32> = Reacton::<u32>::__new("hub::COUNT", || 0);
static NAME: Reacton<String> = Reacton::<String>::__new("hub::NAME", String::new);
/// The same id as COUNT with another type, as in another build of a program.
static OTHER_COUNT: Reacton<u8> = Reacton::<u8>::__new("hub::COUNT", || 0);

const LINK: LinkId = LinkId(1);

#[derive(Clone, PartialEq, Deserialize)]
struct Mute;

impl Serialize for Mute {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it says nothing"))
    }
}

static MUTE: Reacton<Mute> = Reacton::<Mute>::__new("hub::MUTE", || Mute);

thread_local! {
    /// The store that a `Meddler` writes to, once.
    static MEDDLED: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
}

/// Writes to a store while it is serialized.
#[derive(Clone, PartialEq, Deserialize)]
struct Meddler;

impl Serialize for Meddler {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(store) = MEDDLED.take() {
            store.update(&COUNT, |count| *count += 1);
        }
        serializer.serialize_unit_struct("Meddler")
    }
}

static MEDDLER: Reacton<Meddler> = Reacton::<Meddler>::__new("hub::MEDDLER", || Meddler);

/// A store with one link, to a worker that does not exist.
struct Main {
    store: ReactonStore,
    hub: Rc<Hub>,
    /// Shows the status of the worker.
    isolate: RefCell<Rc<Isolate>>,
    worker: Inbox,
}

impl Main {
    fn new() -> Self {
        let store = ReactonStore::new();
        let isolate = RefCell::new(Isolate::of(&store, &SharedSet::from([])));
        Self { hub: Hub::of(&store), store, isolate, worker: Inbox::new() }
    }

    fn open(&self, shared: &SharedSet) -> Result<IsolateMessage, LinkError> {
        self.open_to(self.worker.mailbox().into(), shared)
    }

    fn open_to(&self, far: Far, shared: &SharedSet) -> Result<IsolateMessage, LinkError> {
        self.open_as(LINK, far, shared)
    }

    fn open_as(
        &self,
        link_id: LinkId,
        far: Far,
        shared: &SharedSet,
    ) -> Result<IsolateMessage, LinkError> {
        let outbox = Outbox::new(link_id, far, Delivery::Every, SendCounter::default());
        let isolate = Isolate::of(&self.store, shared);
        self.isolate.replace(Rc::clone(&isolate));
        let link = Link::of_main(isolate, outbox.into(), SendCounter::default().receiving());
        let mut panics = FirstPanic::default();
        let init = self.hub.open(&self.store, link_id, link, shared, &mut panics);
        panics.resume();
        init
    }

    fn receive(&self, clock: u64, changes: Vec<Change>) {
        let message = IsolateMessage::ReactonValueChanged { clock, changes: changes.into() };
        self.hub.receive(&self.store, LINK, message);
    }

    fn error(&self) -> Option<LinkError> {
        self.store.get(&self.isolate.borrow().status_reactons().last_error)
    }
}

fn change(reacton: RefId, clock: u64, bytes: &[u8]) -> Change {
    let payload = Payload::Bytes(bytes[..].into());
    Change { id: reacton, version: Version { clock, site: 77 }, announced: false, payload }
}

fn count(clock: u64, bytes: &[u8]) -> Change {
    change(COUNT.reacton_ref().id(), clock, bytes)
}

fn name(clock: u64, bytes: &[u8]) -> Change {
    change(NAME.reacton_ref().id(), clock, bytes)
}

fn joined(theirs: IsolateMessage, ours: &SharedSet) -> Vec<Mismatch> {
    join(&ReactonStore::new(), theirs, ours)
}

fn join(store: &ReactonStore, theirs: IsolateMessage, ours: &SharedSet) -> Vec<Mismatch> {
    let main = Inbox::new();
    let outbox = Outbox::new(LINK, main.mailbox(), Delivery::Every, SendCounter::default());
    Hub::of(store).join(
        store,
        LINK,
        Link::of_worker(String::new(), outbox.into(), SendCounter::default().receiving(), ours),
        theirs,
        false,
    )
}

#[test]
fn i9_malformed_values_are_reported_and_the_others_are_applied() {
    let main = Main::new();
    main.open(&shared![COUNT, NAME]).expect("the link opens");
    for garbage in [&[][..], &[0xc1], &[0xdb, 255, 255, 255, 255], &[1, 2], b"\xa5short"] {
        let clock = main.hub.sync.borrow().clock() + 1;
        let good = format!("\u{a1}{}", clock % 10);
        main.receive(clock, vec![count(clock, garbage), name(clock, &good.as_bytes()[1..])]);
        assert_eq!(main.store.get(&COUNT), 0);
        assert_eq!(main.store.get(&NAME), (clock % 10).to_string());
        assert!(matches!(main.error(), Some(LinkError::Decode { .. })), "{:?}", main.error());
    }
    main.receive(100, vec![count(100, &[7])]);
    assert_eq!(main.store.get(&COUNT), 7, "a later value is applied");
}

#[test]
fn i9_a_value_in_the_wrong_form_is_reported() {
    let main = Main::new();
    main.open(&shared![COUNT]).expect("the link opens");
    let payload = Payload::Counted(Arc::new(5_u32));
    main.receive(1, vec![Change { payload, ..count(1, &[]) }]);
    assert_eq!(main.store.get(&COUNT), 0);
    assert!(matches!(main.error(), Some(LinkError::Decode { .. })));

    let main = Main::new();
    main.open(&SharedSet::from([SharedSlot::by_reference(&COUNT)])).expect("the link opens");
    let wrong_type = Payload::Counted(Arc::new("five"));
    main.receive(1, vec![Change { payload: wrong_type, ..count(1, &[]) }, count(2, &[5])]);
    assert_eq!(main.store.get(&COUNT), 0);
    assert!(matches!(main.error(), Some(LinkError::Decode { .. })));
}

#[test]
fn i9_a_clock_beyond_the_limit_is_reported_and_changes_nothing() {
    let main = Main::new();
    main.open(&shared![COUNT]).expect("the link opens");
    main.receive(1 << 63, vec![count(1, &[5])]);
    assert!(matches!(main.error(), Some(LinkError::Clock { .. })));
    main.receive(1, vec![count(u64::MAX, &[5])]);
    assert_eq!(main.store.get(&COUNT), 0);
    assert_eq!(main.hub.sync.borrow().clock(), 0);
}

#[test]
fn i9_a_worker_that_raises_the_clock_of_main_does_not_cut_off_the_others() {
    let (main, other) = (Main::new(), ReactonStore::new());
    let init = main.open(&shared![COUNT]).expect("the link opens");
    assert_eq!(join(&other, init, &shared![COUNT]), []);
    // What main writes after the largest clock that it accepts from a worker.
    main.receive((1 << 40) - 1, Vec::new());
    main.store.set(&COUNT, 5);
    let clock = main.hub.sync.borrow().clock();
    assert_eq!(clock, 1 << 40);
    let changes = vec![count(clock, &[5])].into();
    let message = IsolateMessage::ReactonValueChanged { clock, changes };
    Hub::of(&other).receive(&other, LINK, message);
    assert_eq!(other.get(&COUNT), 5);
    other.set(&COUNT, 6);
    let clock = Hub::of(&other).sync.borrow().clock();
    main.receive(clock, vec![count(clock, &[6])]);
    assert_eq!((main.store.get(&COUNT), main.error()), (6, None));
}

#[test]
fn i9_changes_of_unshared_reactons_and_of_unknown_links_are_dropped() {
    let main = Main::new();
    main.open(&shared![COUNT]).expect("the link opens");
    main.receive(1, vec![name(1, b"\xa1x"), change(RefId::of("nobody's"), 1, &[1])]);
    assert_eq!(main.store.get(&NAME), "");
    let message =
        IsolateMessage::ReactonValueChanged { clock: 9, changes: vec![count(9, &[9])].into() };
    assert_eq!(main.hub.receive(&main.store, LinkId(2), message), 0);
    let held = vec![(RefId::of("nobody's"), Held::Version(Version::NEVER))];
    main.hub.receive(&main.store, LINK, IsolateMessage::ReactonSubscribe { held });
    let late = IsolateMessage::HandshakeAck { mismatches: Vec::new() };
    main.hub.receive(&main.store, LINK, late);
    assert_eq!((main.store.get(&COUNT), main.error()), (0, None));
}

#[test]
fn i9_the_handshake_lists_all_that_does_not_fit() {
    let init = || Main::new().open(&shared![COUNT, NAME]).expect("the link opens");
    assert_eq!(joined(init(), &shared![NAME, COUNT]), []);
    let [Mismatch::Type { name, ours, theirs }, Mismatch::Missing { name: missing }] =
        &joined(init(), &shared![OTHER_COUNT])[..]
    else {
        panic!("two mismatches")
    };
    let texts = [name, ours, theirs, missing].map(String::as_str);
    assert_eq!(texts, ["hub::COUNT", "u8", "u32", "hub::NAME"]);
    let missing = joined(init(), &shared![COUNT, NAME, MUTE]);
    assert!(matches!(&missing[..], [Mismatch::Missing { name }] if name == "hub::MUTE"));
}

#[test]
fn i9_the_handshake_refuses_another_protocol() {
    let reactons = Vec::new();
    let (protocol, site, clock) = (PROTOCOL + 1, next_site(), 0);
    let counts_as = site;
    let init = IsolateMessage::HandshakeInit { protocol, site, counts_as, clock, reactons };
    let [mismatch @ Mismatch::Protocol { .. }] = &joined(init, &shared![COUNT])[..] else {
        panic!("another protocol")
    };
    assert_eq!(mismatch.to_string(), "protocol 3 there, 2 here");
    assert_eq!(joined(IsolateMessage::Drain, &shared![COUNT]).len(), 1);
}

#[test]
fn a_link_that_does_not_open_leaves_nothing_behind() {
    let main = Main::new();
    let error = main.open(&shared![COUNT, MUTE]).expect_err("the value of `MUTE` cannot be read");
    assert!(error.to_string().contains("hub::MUTE"), "{error}");
    main.hub.close(&main.store, LINK, &mut FirstPanic::default());
    assert!(main.hub.link(LINK).is_none());
    main.store.set(&COUNT, 1);
    assert_eq!(
        main.hub.sync.borrow().clock(),
        0,
        "a write of an unshared reacton has raised the clock"
    );
    assert!(main.hub.links.borrow().sharing(COUNT.reacton_ref().id()).is_empty());
    assert!(Hub::find(&main.store).is_some());
}

#[test]
fn i1_what_is_written_while_the_first_message_is_packed_is_sent_after_it() {
    let main = Main::new();
    MEDDLED.set(Some(main.store.clone()));
    main.open(&shared![COUNT, MEDDLER]).expect("the link opens");
    assert_eq!(main.store.get(&COUNT), 1);
    let sent = main.hub.link(LINK).map(|link| link.stats().transactions_sent);
    assert_eq!(sent, Some(1));
}

#[test]
fn what_is_written_while_a_transaction_is_packed_is_a_transaction_of_its_own() {
    let main = Main::new();
    main.open(&shared![COUNT, MEDDLER]).expect("the link opens");
    MEDDLED.set(Some(main.store.clone()));
    main.store.touch(&MEDDLER);
    assert_eq!(main.store.get(&COUNT), 1);
    let sent = main.hub.link(LINK).map(|link| link.stats().transactions_sent);
    assert_eq!(sent, Some(2));
}

#[cfg(feature = "process")]
#[test]
fn n4_a_peer_behind_a_road_that_raises_the_clock_three_times_is_closed() {
    use crate::isolate::status::IsolateStatus;
    let leap = |times: u64| times << 33;
    let main = Main::new();
    let road = Arc::new(Sender::new(Delivery::Every, SendCounter::default()));
    main.open_to(Far::Road(road), &shared![COUNT]).expect("the link opens");
    for times in [1, 2] {
        main.receive(leap(times), Vec::new());
        assert!(main.hub.link(LINK).is_some());
    }
    main.receive(leap(2) + 1, Vec::new());
    assert!(main.hub.link(LINK).is_some(), "a small step is none");
    main.receive(leap(3), Vec::new());
    assert!(main.hub.link(LINK).is_none());
    let status = main.isolate.borrow().status_reactons().status;
    let IsolateStatus::Failed { message, .. } = main.store.get(&status) else {
        panic!("{:?}", main.store.get(&status))
    };
    assert!(message.contains("raised the clock"), "{message}");
}

#[test]
fn n4_a_thread_of_this_program_may_raise_the_clock_as_often_as_it_likes() {
    let main = Main::new();
    main.open(&shared![COUNT]).expect("the link opens");
    for times in 1..10 {
        main.receive(times << 33, Vec::new());
    }
    assert!(main.hub.link(LINK).is_some());
}
