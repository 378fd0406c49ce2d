//! What happens on the road to a host before its worker has started: a test holds the road up, or says that the host is
//! silent.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use reacton::Spawning;
use reacton::prelude::*;
use reacton_isolate::reach::{
    Carrier, CarrierError, Departure, Ending, Place, Received, Road, RoadSender,
};
use reacton_net::Session;
use serde::{Deserialize, Deserializer, Serialize};

use super::basics::assert_echoes;
use super::places::{SOON, failure, place, until};
use super::workers::*;

/// What a test does with a road whose host has accepted the worker.
type Change = Arc<dyn Fn(Box<dyn Road>) -> Box<dyn Road> + Send + Sync>;

/// The hosts of a session, over roads as a test wants them.
struct Detour(Session, Change);

impl Place for Detour {
    fn __carrier(&self, offer: &str) -> Arc<dyn Carrier> {
        Arc::new(Detoured(self.0.__carrier(offer), Arc::clone(&self.1)))
    }
}

struct Detoured(Arc<dyn Carrier>, Change);

impl fmt::Debug for Detoured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Carrier for Detoured {
    fn set_out(&self, departure: &Departure<'_>) -> Result<Box<dyn Road>, CarrierError> {
        self.0.set_out(departure).map(|road| (self.1)(road))
    }

    fn max_value(&self) -> u64 {
        self.0.max_value()
    }

    fn is_other_program(&self) -> bool {
        self.0.is_other_program()
    }
}

/// A road that says at first that the host is silent, and that it is heard again when the test wants.
struct Quiet {
    road: Box<dyn Road>,
    said: bool,
    heard: Arc<AtomicBool>,
}

impl Road for Quiet {
    fn sender(&self) -> Arc<dyn RoadSender> {
        self.road.sender()
    }

    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, until: Option<Instant>) -> Received {
        if !std::mem::replace(&mut self.said, true) {
            return Received::Silent(true);
        }
        if self.heard.swap(false, Ordering::SeqCst) {
            return Received::Silent(false);
        }
        // Looks again soon.
        let look = Instant::now() + Duration::from_millis(10);
        self.road.receive(buffer, Some(until.map_or(look, |until| until.min(look))))
    }

    fn is_gated(&self) -> bool {
        self.road.is_gated()
    }

    fn max_value(&self) -> u64 {
        self.road.max_value()
    }

    fn has_sent_first(&self) -> bool {
        self.road.has_sent_first()
    }

    fn end(self: Box<Self>, grace: Duration) -> Ending {
        self.road.end(grace)
    }
}

#[test]
fn n2_a_silence_that_begins_before_the_end_of_a_handshake_is_shown_after_it() {
    let (_host, session) = place(|host| host.offer("tests", workers![brittle]));
    let heard = Arc::<AtomicBool>::default();
    let is_heard = Arc::clone(&heard);
    let quiet = move |road| -> Box<dyn Road> {
        Box::new(Quiet { road, said: false, heard: Arc::clone(&is_heard) })
    };
    let place = Detour(session, Arc::new(quiet));
    let store = ReactonStore::new();
    let builder = brittle::builder().restart(Restart::on_panic(1)).at(&place, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    for restarts in 0..=1 {
        until(&store, |_| worker.stats().restarts == restarts);
        until(&store, |store| store.get(worker.status()) == IsolateStatus::Disconnected);
        heard.store(true, Ordering::SeqCst);
        until(&store, |store| store.get(worker.status()) == IsolateStatus::Running);
        if restarts == 0 {
            store.set(&ORDER, String::from("panic"));
            until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
            store.set(&ORDER, String::from("go on"));
        }
    }
    until(&store, |store| store.get(&OUTPUT) == 5);
}

const MAX: u64 = 100_000;

/// Longer than the host takes.
const LONG: usize = 200_000;

/// A host with a limit that its client does not know, the place, and the two ends of what holds a spawn up: it says when
/// the host has accepted, and goes on when it is told to.
fn held_up() -> (reacton_net::Host, Detour, Receiver<()>, SyncSender<()>) {
    let (host, session) = place(|host| host.offer("tests", workers![sized]).max_value(MAX));
    let (accepted, is_accepted) = sync_channel(1);
    let (go_on, may_go_on) = sync_channel::<()>(1);
    let may_go_on = Mutex::new(may_go_on);
    let hold = move |road| {
        accepted.send(()).expect("the test waits");
        may_go_on.lock().expect("nothing panics").recv().expect("the test goes on");
        road
    };
    (host, Detour(session, Arc::new(hold)), is_accepted, go_on)
}

/// Waits for the result of a spawn.
fn finished(store: &ReactonStore, spawning: Spawning) -> Result<IsolateStore, SpawnError> {
    let (mut spawning, mut result) = (pin!(spawning), None);
    until(store, |_| {
        let polled = spawning.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(ready) = polled {
            result = Some(ready);
        }
        result.is_some()
    });
    result.expect("the spawn is complete")
}

#[test]
fn n6_a_value_that_is_written_during_a_spawn_and_is_too_long_for_its_host_is_an_error_of_the_spawn()
{
    for delivery in [Delivery::Every, Delivery::Latest] {
        let (host, place, accepted, go_on) = held_up();
        let store = ReactonStore::new();
        let spawning = sized::builder().delivery(delivery).at(&place, "tests").spawn_async(&store);
        accepted.recv_timeout(SOON).expect("the host accepts");
        store.set(&INPUT, 5);
        store.set(&PIXELS, vec![1; LONG]);
        go_on.send(()).expect("the spawn waits");
        let error = finished(&store, spawning).expect_err("a value is too long");
        let SpawnError::Value { source: LinkError::Encode { reacton, reason, .. }, .. } = &error
        else {
            panic!("{delivery:?}: {error:?}")
        };
        assert!(reacton.ends_with("PIXELS") && reason.contains("100000"), "{error:?}");
        until(&store, |_| host.running() == 0);
    }
}

#[test]
fn n6_what_is_written_during_a_spawn_and_is_not_too_long_crosses() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let (_host, place, accepted, go_on) = held_up();
        let store = ReactonStore::new();
        let spawning = sized::builder().delivery(delivery).at(&place, "tests").spawn_async(&store);
        accepted.recv_timeout(SOON).expect("the host accepts");
        store.set(&PIXELS, vec![1; 50_000]);
        store.set(&INPUT, 5);
        go_on.send(()).expect("the spawn waits");
        let _worker = finished(&store, spawning).expect("the worker starts");
        until(&store, |store| store.get(&OUTPUT) == 5 && store.get(&TOTAL) == 50_000);
    }
}

#[test]
fn n6_a_value_that_is_written_during_a_restart_and_is_too_long_for_its_host_has_failed_the_worker()
{
    let (host, place, accepted, go_on) = held_up();
    let store = ReactonStore::new();
    go_on.send(()).expect("the spawn waits");
    let builder = sized::builder().restart(Restart::on_panic(5)).at(&place, "tests");
    let worker = builder.spawn(&store).expect("the worker starts");
    accepted.recv_timeout(SOON).expect("the host accepts");
    store.set(&INPUT, PANICS);
    until(&store, |_| accepted.try_recv().is_ok());
    store.set(&PIXELS, vec![1; LONG]);
    go_on.send(()).expect("the restart waits");
    let message = failure(&store, &worker);
    assert!(message.contains("PIXELS") && message.contains("max_value"), "{message}");
    until(&store, |_| host.running() == 0);
}

/// Where a host that decodes `Held` says so, and what it waits for then.
static HOLD: Mutex<Option<(SyncSender<()>, Receiver<()>)>> = Mutex::new(None);

static WAS_CALLED: AtomicBool = AtomicBool::new(false);

/// An argument that is decoded as slowly as the test wants.
#[derive(Serialize)]
struct Held(u8);

impl<'de> Deserialize<'de> for Held {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u8::deserialize(deserializer)?;
        let held = HOLD.lock().expect("nothing panics").take();
        if let Some((begun, go_on)) = held {
            begun.send(()).expect("the test waits");
            go_on.recv().expect("the test goes on");
        }
        Ok(Self(value))
    }
}

#[worker(shared = [INPUT])]
fn slow_to_begin(_: &ReactonStore, _held: Held) {
    WAS_CALLED.store(true, Ordering::SeqCst);
}

#[test]
fn n1_a_worker_whose_spawn_ends_while_it_begins_is_never_called_and_leaves_its_place() {
    let (host, session) = place(|host| host.offer("tests", workers![echo, slow_to_begin]));
    // The host is connected, so what follows takes no time.
    assert_echoes(&session);
    let store = ReactonStore::new();
    until(&store, |_| host.running() == 0);
    for is_dropped in [false, true] {
        let (begun, has_begun) = sync_channel(1);
        let (go_on, may_go_on) = sync_channel(1);
        *HOLD.lock().expect("nothing panics") = Some((begun, may_go_on));
        let builder = slow_to_begin::builder().handshake_timeout(Duration::from_secs(2));
        let builder = builder.at(&session, "tests");
        if is_dropped {
            let spawning = builder.spawn_async(&store, Held(1));
            has_begun.recv_timeout(SOON).expect("the host begins");
            drop(spawning);
        } else {
            let error = builder.spawn(&store, Held(1)).expect_err("the host does not answer");
            assert!(matches!(error, SpawnError::TimedOut { .. }), "{error:?}");
            has_begun.recv_timeout(SOON).expect("the host has begun");
        }
        assert_eq!(host.running(), 1);
        go_on.send(()).expect("the host waits");
        until(&store, |_| host.running() == 0);
        assert!(!WAS_CALLED.load(Ordering::SeqCst), "dropped: {is_dropped}");
    }
}
