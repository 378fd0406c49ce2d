//! Runs the worker at the end of a road: reads which one it is, starts its thread, and passes arriving frames to it.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::keeper::{Receiving, fill, receive_some, start_writer};
use super::road::{Introduced, WorkerEnd, delivery};
use super::{Running, threads};
use crate::link::{SendCounter, Sender};
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::frame::{FRAMES, Frame, FrameReader, Hello, Terms};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::CallRef;
use crate::worker::carrier::{Received, Road};
use crate::worker::options::Options;
use crate::worker::panics;
use crate::worker::run::{Acknowledge, run_worker};
use crate::worker::scope::Scope;
use crate::worker::setup::Entry;

/// One worker that this program runs for others.
#[derive(Clone)]
pub struct Served {
    path: &'static str,
    name: &'static str,
    shared: fn() -> SharedSet,
    answers: fn() -> Vec<CallRef>,
    entry: fn(&[u8]) -> Result<Entry, String>,
}

impl Served {
    pub(crate) const fn new(
        path: &'static str,
        name: &'static str,
        shared: fn() -> SharedSet,
        answers: fn() -> Vec<CallRef>,
        entry: fn(&[u8]) -> Result<Entry, String>,
    ) -> Self {
        Self { path, name, shared, answers, entry }
    }

    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path)
    }
}

/// Finds the worker that runs at a path, or else returns the names of all.
type Find<'f> = &'f dyn Fn(&str) -> FoundAt;

/// The worker that runs at a path, or the names of all.
type FoundAt = Result<Served, Vec<&'static str>>;

/// The worker's end of a road whose first frames have not been read.
pub(crate) struct Guest {
    road: Box<dyn Road>,
    reader: FrameReader,
    terms: Terms,
    hello: Hello,
    sender: Arc<Sender>,
    up: SendCounter,
}

/// Why the worker's end of a road ends before there is a worker.
#[derive(Debug)]
pub(crate) struct NoGuest;

impl From<io::Error> for NoGuest {
    fn from(_: io::Error) -> Self {
        Self
    }
}

impl Guest {
    /// Reads the first frame, and lets the worker's side send. Without `terms`, those of a host may be the first frame.
    pub(crate) fn greet(
        mut road: Box<dyn Road>,
        terms: Option<Terms>,
        until: Option<Instant>,
    ) -> Result<Self, NoGuest> {
        let mut reader = FrameReader::default();
        reader.set_max_value(terms.unwrap_or_default().max_value);
        let mut first = next(&mut *road, &mut reader, None, until);
        let terms = match (terms, first) {
            (None, Some(Frame::Terms(terms))) => {
                reader.set_max_value(terms.max_value);
                first = next(&mut *road, &mut reader, None, until);
                terms
            }
            (terms, frame) => {
                first = frame;
                terms.unwrap_or_default()
            }
        };
        let Some(Frame::Hello(hello)) = first else { return Err(NoGuest) };
        let up = SendCounter::default();
        let sender = Arc::new(Sender::new(delivery(&hello), up.clone()));
        sender.limit(hello.max_value.min(terms.max_value));
        sender.attach(road.sender());
        start_writer(&sender)?;
        Ok(Self { road, reader, terms, hello: *hello, sender, up })
    }

    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    pub(crate) fn sender(&self) -> &Arc<Sender> {
        &self.sender
    }

    /// Runs the worker, until the road has ended. Returns the worker's thread, which may not have ended.
    pub(crate) fn run(
        mut self,
        find: Find<'_>,
        until: Option<Instant>,
    ) -> Result<threads::Thread, NoGuest> {
        let served = find(&self.hello.path);
        if let Ok(served) = &served {
            let shared = (served.shared)();
            self.reader.set_shared(shared.len(), shared.has_entries());
        }
        let first = next(&mut *self.road, &mut self.reader, None, until);
        let Some(Frame::Message(init @ IsolateMessage::HandshakeInit { .. })) = first else {
            return Err(NoGuest);
        };
        match found(&self.hello, served) {
            Ok(Found { shared, answers, entry }) => {
                let Self { road, reader, terms, hello, sender, up } = self;
                let types_differ = terms.types_differ;
                let introduced = Introduced { hello, init, shared, answers, types_differ };
                run(road, reader, introduced, sender, up, entry)
            }
            Err(message) => {
                let reason = CloseReason::Failed { message };
                self.sender.send(IsolateMessage::Closed { reason });
                self.sender.flush(FLUSHED_WITHIN);
                self.sender.finish();
                Err(NoGuest)
            }
        }
    }
}

/// The worker that is to run, with its arguments.
struct Found {
    shared: SharedSet,
    answers: Vec<CallRef>,
    entry: Entry,
}

fn found(hello: &Hello, served: FoundAt) -> Result<Found, String> {
    if hello.version != FRAMES {
        return Err(format!(
            "its program uses version {FRAMES} of the frames, not {}",
            hello.version
        ));
    }
    let served = served.map_err(|names| {
        format!("`{}` is not among `workers![{}]` in its program", hello.path, names.join(", "))
    })?;
    let decoded = panics::caught(|| (served.entry)(&hello.args));
    let entry = decoded
        .map_err(|caught| {
            format!("its arguments panicked when they were decoded: {}", caught.message)
        })?
        .map_err(|reason| format!("its arguments do not decode: {reason}"))?;
    let shared = (served.shared)().over_bytes();
    let shared =
        shared.map_err(|reacton| format!("`{reacton}` is not serializable in its program"))?;
    Ok(Found { shared, answers: (served.answers)(), entry })
}

/// What receives at the worker's end of a road.
struct Inward<'e> {
    reader: &'e mut FrameReader,
    end: Option<&'e mut WorkerEnd>,
}

impl Receiving for Inward<'_> {
    fn fill(&mut self, receive: &mut dyn FnMut(&mut Vec<u8>)) {
        fill(self.reader, receive);
    }

    fn is_full(&mut self) -> bool {
        self.end.as_mut().is_some_and(|end| end.is_full())
    }

    fn wake_when_open(&mut self, waker: Waker) {
        if let Some(end) = &self.end {
            end.wake_when_open(waker);
        }
    }

    fn stop_waiting(&mut self) {
        if let Some(end) = &self.end {
            end.stop_waiting();
        }
    }
}

/// Returns the next frame; `None` if the road has ended.
fn next(
    road: &mut dyn Road,
    reader: &mut FrameReader,
    mut end: Option<&mut WorkerEnd>,
    until: Option<Instant>,
) -> Option<Frame> {
    loop {
        match reader.next() {
            Ok(Some(frame)) => {
                if let Some(end) = &mut end {
                    end.count_bytes(reader.frame_len());
                }
                return Some(frame);
            }
            Ok(None) => {}
            Err(_) => return None,
        }
        let mut inward = Inward { reader, end: end.as_deref_mut() };
        match receive_some(road, &mut inward, until) {
            Received::Ended => return None,
            Received::Taken(number) => return Some(Frame::Taken(number)),
            Received::Leave => match &mut end {
                Some(end) => end.leave(),
                // There is no worker yet.
                None => return None,
            },
            Received::Idle if until.is_some_and(|until| Instant::now() >= until) => return None,
            Received::Bytes | Received::Idle | Received::Silent(_) => {}
        }
    }
}

/// How long a worker that ends waits for everything to be sent.
const FLUSHED_WITHIN: Duration = Duration::from_secs(3600);

/// Ends the road when the worker's thread has ended, also after a panic.
struct EndsRoad(Arc<Sender>);

impl Drop for EndsRoad {
    fn drop(&mut self) {
        self.0.flush(FLUSHED_WITHIN);
        self.0.finish();
    }
}

/// Runs the worker on its own thread, and passes arriving frames to it. Returns its thread when the road has ended.
fn run(
    mut road: Box<dyn Road>,
    mut reader: FrameReader,
    introduced: Introduced,
    sender: Arc<Sender>,
    up: SendCounter,
    entry: Entry,
) -> Result<threads::Thread, NoGuest> {
    let hello = &introduced.hello;
    let options = Options {
        name: hello.name.clone(),
        stack_size: hello.stack_size.and_then(|size| usize::try_from(size).ok()),
        ..Options::default()
    };
    let own = Arc::clone(&sender);
    let (mut end, setup) =
        WorkerEnd::new(LinkId::next(), introduced, sender, up, Scope::default(), None);
    let (accept, accepted) = sync_channel::<()>(1);
    let thread = threads::start(&options, move |_| {
        let _ends_road = EndsRoad(Arc::clone(&own));
        let answer = |message| {
            own.send(message);
            accepted.recv().is_ok()
        };
        run_worker(setup, &Acknowledge::ToSpawn(&answer), entry);
    })?;
    end.begin();
    while let Some(frame) = next(&mut *road, &mut reader, Some(&mut end), None) {
        if end.take(frame) {
            let _ = accept.try_send(());
        }
    }
    drop(accept);
    end.end();
    Ok(thread)
}

/// Runs one of these workers on a thread of its own, as the first frames of the road ask. Returns when the thread has
/// ended.
pub(crate) fn run_hosted(workers: &[Served], road: Box<dyn Road>, terms: Terms, within: Duration) {
    panics::watch_panics();
    let until = Instant::now().checked_add(within);
    let find = |path: &str| {
        let found = workers.iter().find(|worker| worker.path() == path);
        found.cloned().ok_or_else(|| workers.iter().map(Served::name).collect())
    };
    let guest = Guest::greet(road, Some(terms), until);
    if let Ok(thread) = guest.and_then(|guest| guest.run(&find, until)) {
        let thread: Box<dyn Running> = Box::new(thread);
        // Its panic has been sent.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests;
