//! Access to internals for the fuzz targets and the corpus test. Not for programs; it may change in any release.

use std::cell::Cell;
use std::fmt;
#[cfg(feature = "process")]
use std::process::ExitStatus;
use std::rc::Rc;
#[cfg(feature = "process")]
use std::sync::Arc;
#[cfg(feature = "process")]
use std::time::{Duration, Instant};

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, Inbox, ReactonStore, RefId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{LinkError, Mismatch};
#[cfg(feature = "process")]
use crate::host::road::{Introduced, Limits, MainEnd, Step, Stop, WorkerEnd};
use crate::hub::{Hub, Link};
use crate::isolate::status::IsolateStatus;
use crate::isolate::supervise::Isolate;
#[cfg(feature = "process")]
use crate::link::Sender;
use crate::link::{Delivery, LinkStats, Outbox, SendCounter};
#[cfg(feature = "process")]
use crate::pool::Agent;
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::change::{Change, Version};
use crate::wire::codec;
use crate::wire::edits::Held;
#[cfg(feature = "process")]
use crate::wire::frame::{FrameReader, Hello};
use crate::wire::message::{CloseReason, Introduction, IsolateMessage, PROTOCOL};
use crate::wire::value::Encoded;
#[cfg(feature = "process")]
use crate::worker::carrier::Ending;
#[cfg(feature = "process")]
use crate::worker::exit::Exit;
#[cfg(feature = "process")]
use crate::worker::scope::Scope;
#[cfg(feature = "process")]
use crate::worker::setup::WorkerSetup;

/// Encodes a value as it crosses a link.
///
/// # Errors
/// If it does not encode: why.
pub fn encode_value<T: Serialize + 'static>(value: &T) -> Result<Encoded, String> {
    codec::encode(value)
}

/// Decodes a value as it crosses a link.
///
/// # Errors
/// If the bytes are no such value: why.
pub fn decode_value<T: DeserializeOwned + 'static>(bytes: &[u8]) -> Result<T, String> {
    codec::decode(bytes)
}

/// Reads frames out of bytes that arrive in pieces of at most `piece`. Returns how many there were, and whether the rest may still be
/// the beginning of one.
#[cfg(feature = "process")]
#[must_use]
pub fn read_frames(bytes: &[u8], piece: usize) -> (usize, bool) {
    let (mut reader, mut count) = (FrameReader::default(), 0);
    let goes_on = in_pieces(bytes, piece, &mut reader, |reader| {
        loop {
            match reader.next() {
                Ok(Some(frame)) => drop((frame, count += 1)),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    });
    (count, goes_on)
}

/// Fills a reader with pieces of the bytes, and calls `take` after each while it returns `true`.
#[cfg(feature = "process")]
fn in_pieces(
    mut bytes: &[u8],
    piece: usize,
    reader: &mut FrameReader,
    mut take: impl FnMut(&mut FrameReader) -> bool,
) -> bool {
    while take(reader) {
        if bytes.is_empty() {
            return true;
        }
        let taken = reader.fill(|buffer| {
            let taken = bytes.len().min(piece.max(1)).min(buffer.capacity() - buffer.len());
            buffer.extend_from_slice(&bytes[..taken]);
            Ok::<_, std::convert::Infallible>(taken)
        });
        let Ok(taken) = taken;
        bytes = &bytes[taken..];
    }
    false
}

/// The setup of a worker behind a road, for tests of one end alone.
#[cfg(feature = "process")]
fn roadside(delivery: Delivery, main: &Inbox) -> WorkerSetup {
    let (down, up) = (SendCounter::default(), SendCounter::default());
    WorkerSetup {
        name: String::from("untrusted"),
        link: UNTRUSTED,
        inbox: Inbox::new(),
        main: main.mailbox().into(),
        agent: Some(Arc::new(Agent::new(
            UNTRUSTED,
            None,
            Arc::new(Sender::new(delivery, down.clone())),
        ))),
        delivery,
        shared: SharedSet::from([]),
        init: IsolateMessage::Drain,
        types_differ: false,
        incoming: down.receiving(),
        outgoing: up,
        queue: None,
        scope: Scope::default(),
        peers: None,
    }
}

/// What the keeper of a process makes of the bytes that it sends. Returns whether the process is left alive.
#[cfg(feature = "process")]
#[must_use]
pub fn hear_worker(bytes: &[u8], piece: usize, delivery: Delivery) -> bool {
    let main = Inbox::new();
    let limits = Limits { answer: Some(Duration::MAX), watchdog: None };
    let now = Instant::now();
    let mut end = MainEnd::new(&roadside(delivery, &main), limits, now);
    let mut reader = std::mem::take(end.reader());
    let goes_on = in_pieces(bytes, piece, &mut reader, |reader| {
        std::mem::swap(end.reader(), reader);
        let step = end.take_frames(now);
        std::mem::swap(end.reader(), reader);
        matches!(step, Step::Read)
    });
    let exit = Exit::of(ExitStatus::default(), false);
    let stop = if goes_on { Stop::Ended } else { Stop::Kill(None) };
    let ending = Ending { exit: Some(exit), ..Ending::default() };
    let _ = end.end(stop, ending, Duration::ZERO);
    goes_on
}

/// What the process of a worker makes of the bytes that its main sends after the handshake. Returns whether all of them are frames.
#[cfg(feature = "process")]
#[must_use]
pub fn hear_main(bytes: &[u8], piece: usize, delivery: Delivery) -> bool {
    let hello = Hello { every: delivery == Delivery::Every, ..Hello::default() };
    let introduced = Introduced {
        hello,
        init: IsolateMessage::Drain,
        shared: SharedSet::from([]),
        answers: Vec::new(),
        types_differ: false,
    };
    let up = SendCounter::default();
    let sender = Arc::new(Sender::new(delivery, up.clone()));
    let (mut end, setup) =
        WorkerEnd::new(LinkId(1), introduced, sender, up, Scope::default(), None);
    let goes_on = in_pieces(bytes, piece, &mut FrameReader::default(), |reader| {
        loop {
            match reader.next() {
                Ok(Some(frame)) => _ = end.take(frame),
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    });
    end.end();
    drop(setup);
    goes_on
}

/// A handshake of this protocol, from a main store.
#[must_use]
pub fn introduce(site: u64, clock: u64, reactons: Vec<Introduction>) -> IsolateMessage {
    IsolateMessage::HandshakeInit { protocol: PROTOCOL, site, counts_as: site, clock, reactons }
}

/// The answer to a handshake.
#[must_use]
pub fn acknowledge() -> IsolateMessage {
    IsolateMessage::HandshakeAck { mismatches: Vec::new() }
}

/// A transaction.
#[must_use]
pub fn changed(clock: u64, changes: Vec<Change>) -> IsolateMessage {
    IsolateMessage::ReactonValueChanged { clock, changes: changes.into() }
}

/// A subscription.
#[must_use]
pub fn subscribe(held: Vec<(RefId, Version)>) -> IsolateMessage {
    let held = held.into_iter().map(|(id, version)| (id, Held::Version(version))).collect();
    IsolateMessage::ReactonSubscribe { held }
}

/// A subscription to a value that is made of entries, of which the changes of these keys were missed.
#[must_use]
pub fn ask(id: RefId, serial: u64, keys: Vec<Encoded>) -> IsolateMessage {
    IsolateMessage::ReactonSubscribe { held: vec![(id, Held::Missed { serial, keys })] }
}

/// The beginning of a round, in which it is asked what is removed everywhere.
#[must_use]
pub fn mark(clock: u64) -> IsolateMessage {
    IsolateMessage::Mark { clock }
}

/// The answer to that.
#[must_use]
pub fn marked(mark: u64, clock: u64, paused: Vec<RefId>) -> IsolateMessage {
    IsolateMessage::Marked { mark, clock, paused }
}

/// Its end.
#[must_use]
pub fn sweep(clock: u64, ids: Vec<RefId>) -> IsolateMessage {
    IsolateMessage::Sweep { clock, ids }
}

/// The end of one.
#[must_use]
pub fn unsubscribe(ids: Vec<RefId>) -> IsolateMessage {
    IsolateMessage::ReactonUnsubscribe { ids }
}

/// A report of the other side about a value that could not be sent.
#[must_use]
pub fn value_error(reason: &str) -> IsolateMessage {
    IsolateMessage::ValueError { error: LinkError::Malformed { reason: reason.to_owned() } }
}

/// The last item of a link.
#[must_use]
pub fn closed(reason: CloseReason) -> IsolateMessage {
    IsolateMessage::Closed { reason }
}

/// The links of a test store are numbered from the other end of the range.
const UNTRUSTED: LinkId = LinkId(u64::MAX);
const WORKER: LinkId = LinkId(u64::MAX - 1);
const ASKER: LinkId = LinkId(u64::MAX - 2);

/// A store with two links: to an untrusted peer, which may send anything, and to a worker that is as it should be. Both are
/// played on this thread.
pub struct Exposed {
    store: ReactonStore,
    hub: Rc<Hub>,
    /// The isolate of the untrusted peer; `None` if that peer has spawned the store.
    isolate: Option<Rc<Isolate>>,
    /// The outbox of the untrusted peer.
    outbox: Outbox,
    /// The inbox of the untrusted peer.
    _untrusted: Inbox,
    worker: ReactonStore,
    ending: Cell<bool>,
}

impl Exposed {
    /// The untrusted peer is a worker of the store.
    ///
    /// # Errors
    /// If a shared value does not encode.
    pub fn to_a_worker(shared: &SharedSet, delivery: Delivery) -> Result<Self, LinkError> {
        let (store, untrusted) = (ReactonStore::new(), Inbox::new());
        let (hub, isolate) = (Hub::of(&store), Isolate::of(&store, shared));
        let outbox = Outbox::new(UNTRUSTED, untrusted.mailbox(), delivery, SendCounter::default());
        let end = Link::of_main(isolate.clone(), outbox.into(), SendCounter::default().receiving());
        let mut panics = FirstPanic::default();
        hub.open(&store, UNTRUSTED, end, shared, &mut panics)?;
        panics.resume();
        Self::with_worker(store, Some(isolate), untrusted, shared, delivery)
    }

    /// The store is a worker of the untrusted peer, which begins with `init`.
    ///
    /// # Errors
    /// If the store refuses the handshake: why.
    pub fn to_its_main(
        shared: &SharedSet,
        delivery: Delivery,
        init: IsolateMessage,
    ) -> Result<Self, Vec<Mismatch>> {
        let (store, untrusted) = (ReactonStore::new(), Inbox::new());
        let outbox = Outbox::new(UNTRUSTED, untrusted.mailbox(), delivery, SendCounter::default());
        let link = Link::of_worker(
            String::new(),
            outbox.into(),
            SendCounter::default().receiving(),
            shared,
        );
        let mismatches = Hub::of(&store).join(&store, UNTRUSTED, link, init, false);
        if !mismatches.is_empty() {
            return Err(mismatches);
        }
        Self::with_worker(store, None, untrusted, shared, delivery)
            .map_err(|error| vec![Mismatch::Value { error }])
    }

    fn with_worker(
        store: ReactonStore,
        isolate: Option<Rc<Isolate>>,
        untrusted: Inbox,
        shared: &SharedSet,
        delivery: Delivery,
    ) -> Result<Self, LinkError> {
        let hub = Hub::of(&store);
        let inbox = Inbox::new();
        let down = Outbox::new(WORKER, inbox.mailbox(), delivery, SendCounter::default());
        let link = Link::of_main(
            Isolate::of(&store, shared),
            down.into(),
            SendCounter::default().receiving(),
        );
        let mut panics = FirstPanic::default();
        let init = hub.open(&store, WORKER, link, shared, &mut panics)?;
        panics.resume();
        let worker = inbox.into_store();
        let mailbox = || Wiring::of(&store).inbox().weak_mailbox();
        let up = Outbox::new(WORKER, mailbox(), delivery, SendCounter::default());
        let link =
            Link::of_worker(String::new(), up.into(), SendCounter::default().receiving(), shared);
        let mismatches = Hub::of(&worker).join(&worker, WORKER, link, init, false);
        assert_eq!(mismatches, [], "the worker and the store share the same reactons");
        let outbox = Outbox::new(UNTRUSTED, mailbox(), delivery, SendCounter::default());
        Ok(Self {
            store,
            hub,
            isolate,
            outbox,
            _untrusted: untrusted,
            worker,
            ending: Cell::new(false),
        })
    }

    /// The store.
    pub fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// The worker's store.
    pub fn worker(&self) -> &ReactonStore {
        &self.worker
    }

    /// The untrusted peer sends this. It is applied at the next turn.
    pub fn say(&self, message: IsolateMessage) {
        let last = matches!(message, IsolateMessage::Drain | IsolateMessage::Closed { .. });
        if last && self.isolate.is_none() {
            self.ending.set(true);
        }
        self.outbox.send(message);
    }

    /// Whether the untrusted peer, which has spawned the store, has ended it.
    pub fn is_ending(&self) -> bool {
        self.ending.get()
    }

    /// The store and the worker take turns until nothing is left to be heard.
    pub fn settle(&self) {
        while self.store.pump() + self.worker.pump() > 0 {}
    }

    /// The clock of the store, as it would tell it to a new worker.
    pub fn clock(&self) -> u64 {
        let (asker, nothing) = (Inbox::new(), SharedSet::from([]));
        let outbox = Outbox::new(ASKER, asker.mailbox(), Delivery::Every, SendCounter::default());
        let end = Link::of_main(
            Isolate::of(&self.store, &nothing),
            outbox.into(),
            SendCounter::default().receiving(),
        );
        let mut panics = FirstPanic::default();
        let told = self.hub.open(&self.store, ASKER, end, &nothing, &mut panics);
        self.hub.close(&self.store, ASKER, &mut panics);
        panics.resume();
        match told {
            Ok(IsolateMessage::HandshakeInit { clock, .. }) => clock,
            _ => unreachable!("an empty set encodes"),
        }
    }

    /// The error that the untrusted peer is shown with.
    pub fn last_error(&self) -> Option<LinkError> {
        self.isolate
            .as_ref()
            .and_then(|isolate| self.store.get(&isolate.status_reactons().last_error))
    }

    /// How the untrusted peer is shown to be doing.
    pub fn status(&self) -> Option<IsolateStatus> {
        self.isolate.as_ref().map(|isolate| self.store.get(&isolate.status_reactons().status))
    }

    /// What has crossed the link to the untrusted peer; nothing once it is closed.
    pub fn stats(&self) -> Option<LinkStats> {
        self.hub.link(UNTRUSTED).map(|link| link.stats())
    }
}

impl fmt::Debug for Exposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exposed").field("clock", &self.clock()).finish_non_exhaustive()
    }
}
