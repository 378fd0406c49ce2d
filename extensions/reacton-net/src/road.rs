//! A stream of a connection as the road between a store and its worker. The threads at both ends read and write it
//! themselves; nothing is handed from thread to thread on the way but what QUIC itself sends.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use iroh::endpoint::{ConnectionError, ReadError, RecvStream, SendStream, WriteError};
use reacton_isolate::process::Exit;
use reacton_isolate::reach::{Ending, Received, Road, RoadSender, unparking};
use tokio::io::AsyncReadExt;

use crate::admission::{ENDING, GIVEN_UP, Report};

/// How long a receiver spins and yields before it sleeps.
const SPIN: Duration = Duration::from_micros(20);

/// How long a writer waits for room before it looks whether there is something to report apart.
const REPORTED_WITHIN: Duration = Duration::from_millis(5);

/// What the threads and tasks around one link know of it.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// Nothing more is received: this side has given up, or the other one has.
    over: AtomicBool,
    /// The worker is to do what has arrived, and to end.
    leaves: AtomicBool,
    /// The other side is not heard.
    silent: AtomicBool,
    /// The largest number that the other side has acknowledged.
    taken: AtomicU64,
    /// How the process of the worker has ended, if it ran in one and its host has said so.
    exit: Mutex<Option<Exit>>,
    exited: Condvar,
    /// The thread that receives, and the one that waits until it can send.
    receiver: Mutex<Option<Thread>>,
    writer: Mutex<Option<Thread>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Line {
    fn wake(&self) {
        for thread in [&self.receiver, &self.writer] {
            if let Some(thread) = &*lock(thread) {
                thread.unpark();
            }
        }
    }

    /// Nothing more is to be received.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Lets the worker do what has arrived, and end.
    pub(crate) fn leave(&self) {
        self.leaves.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn set_silent(&self, silent: bool) {
        if self.silent.swap(silent, Ordering::SeqCst) != silent {
            self.wake();
        }
    }

    pub(crate) fn set_taken(&self, taken: u64) {
        if self.taken.fetch_max(taken, Ordering::SeqCst) < taken
            && let Some(receiver) = &*lock(&self.receiver)
        {
            receiver.unpark();
        }
    }

    fn set_exit(&self, exit: Exit) {
        *lock(&self.exit) = Some(exit);
        self.exited.notify_all();
    }

    /// How the process of the worker has ended; waits a moment for that.
    fn exit(&self) -> Option<Exit> {
        let exit = lock(&self.exit);
        let waited = self.exited.wait_timeout_while(exit, EXITED_WITHIN, |exit| exit.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

/// The sending side of a road.
#[derive(Debug)]
pub(crate) struct Outward {
    line: Arc<Line>,
    stream: Mutex<SendStream>,
    /// Carries the acknowledgements, once it is there.
    reports: Mutex<Option<Reports>>,
}

/// The stream of acknowledgements. Each is a number of eight bytes, and the last one counts.
#[derive(Debug)]
struct Reports {
    stream: SendStream,
    /// What the stream did not take of the last one.
    rest: Vec<u8>,
}

impl Outward {
    pub(crate) fn new(line: Arc<Line>, stream: SendStream) -> Self {
        Self { line, stream: Mutex::new(stream), reports: Mutex::default() }
    }

    /// Sends acknowledgements over this stream from now on.
    pub(crate) fn report_over(&self, stream: SendStream) {
        *lock(&self.reports) = Some(Reports { stream, rest: Vec::new() });
    }

    /// Writes what fits. `waker` is woken when more fits, if nothing did.
    fn write(&self, bytes: &[IoSlice<'_>], waker: &Waker) -> io::Result<usize> {
        let mut context = Context::from_waker(waker);
        let mut stream = lock(&self.stream);
        let mut written = 0;
        for slice in bytes {
            let mut rest = &slice[..];
            while !rest.is_empty() {
                match Pin::new(&mut *stream).poll_write(&mut context, rest) {
                    Poll::Ready(Ok(count)) => {
                        written += count;
                        rest = &rest[count..];
                    }
                    Poll::Ready(Err(error)) => return Err(broken(&error)),
                    Poll::Pending => return Ok(written),
                }
            }
        }
        Ok(written)
    }
}

fn broken(error: &WriteError) -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, error.to_string())
}

impl RoadSender for Outward {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(bytes, Waker::noop())
    }

    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        *lock(&self.line.writer) = Some(thread::current());
        let waker = unparking();
        let until = Instant::now() + REPORTED_WITHIN;
        loop {
            if self.line.is_over() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            let written = self.write(bytes, &waker)?;
            if written > 0 || Instant::now() >= until {
                return Ok(written);
            }
            thread::park_timeout(REPORTED_WITHIN);
        }
    }

    fn end(&self) {
        // It may be finished or reset already.
        let _ = lock(&self.stream).reset(GIVEN_UP.into());
        self.line.end();
    }

    fn finish(&self) {
        let _ = lock(&self.stream).finish();
        self.line.end();
    }

    fn report_exit(&self, code: Option<i32>, signal: Option<i32>) {
        let code = Report::Code(code.unwrap_or_default());
        self.report(signal.map_or(code, Report::Signal));
    }

    fn reports_apart(&self) -> bool {
        lock(&self.reports).is_some()
    }

    fn report_taken(&self, taken: u64) -> bool {
        self.report(Report::Taken(taken))
    }
}

/// How long a client waits for the report of an exit when nothing else comes.
const EXITED_WITHIN: Duration = Duration::from_secs(1);

impl Outward {
    /// Sends a report to the other side, apart from the bytes. Returns `false` if that is not possible now.
    fn report(&self, report: Report) -> bool {
        let mut place = lock(&self.reports);
        let Some(Reports { stream, rest }) = &mut *place else { return false };
        let mut context = Context::from_waker(Waker::noop());
        // Before the next number, the rest of the last one.
        for report in [None, Some(report)] {
            rest.extend(report.map(Report::encode).iter().flatten());
            while !rest.is_empty() {
                match Pin::new(&mut *stream).poll_write(&mut context, rest) {
                    Poll::Ready(Ok(count)) => {
                        rest.drain(..count);
                    }
                    Poll::Ready(Err(_)) => {
                        *place = None;
                        return false;
                    }
                    // It goes among the frames then, and if a part of it is in the stream already, here as well.
                    Poll::Pending => return false,
                }
            }
        }
        true
    }
}

/// What a client knows of a road from the host's answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agreed {
    /// The longest value that the host takes, in bytes.
    pub(crate) max_value: u64,
    /// The worker is in a process of the host.
    pub(crate) in_process: bool,
    /// The first bytes of the link were sent with the question for the worker.
    pub(crate) begun: bool,
}

/// One end of a road.
pub(crate) struct QuicRoad {
    line: Arc<Line>,
    sender: Arc<Outward>,
    stream: RecvStream,
    /// What messages call the other side.
    peer: String,
    /// What was reported last.
    silent: bool,
    taken: u64,
    agreed: Agreed,
    /// The worker was in a process of the host, and nothing more arrives.
    finished: bool,
    /// Why nothing more arrives.
    lost: Option<String>,
    /// Dropped with the road.
    held: Option<Box<dyn Send>>,
}

impl QuicRoad {
    pub(crate) fn new(
        line: Arc<Line>,
        sender: Arc<Outward>,
        stream: RecvStream,
        peer: String,
    ) -> Self {
        Self {
            line,
            sender,
            stream,
            peer,
            silent: false,
            taken: 0,
            agreed: Agreed { max_value: u64::MAX, in_process: false, begun: false },
            finished: false,
            lost: None,
            held: None,
        }
    }

    /// Of a client: the host has accepted the worker.
    pub(crate) fn accepted(self, agreed: Agreed) -> Self {
        Self { agreed, ..self }
    }

    /// Keeps a value until the road has ended.
    pub(crate) fn holding(mut self, held: impl Send + 'static) -> Self {
        self.held = Some(Box::new(held));
        self
    }

    /// What has happened apart from bytes.
    fn news(&mut self) -> Option<Received> {
        if self.line.is_over() {
            return Some(Received::Ended);
        }
        if self.line.leaves.swap(false, Ordering::SeqCst) {
            return Some(Received::Leave);
        }
        let taken = self.line.taken.load(Ordering::SeqCst);
        if taken > self.taken {
            self.taken = taken;
            return Some(Received::Taken(taken));
        }
        let silent = self.line.silent.load(Ordering::SeqCst);
        if silent != self.silent {
            self.silent = silent;
            return Some(Received::Silent(silent));
        }
        None
    }

    fn read(&mut self, buffer: &mut Vec<u8>, waker: &Waker) -> Option<Received> {
        let room = buffer.capacity() - buffer.len();
        let mut limited = bytes::BufMut::limit(buffer, room);
        let read = pin!(self.stream.read_buf(&mut limited));
        match read.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => None,
            Poll::Ready(Ok(0)) => {
                self.finished = self.agreed.in_process;
                self.lost = Some(format!("{} has ended the worker", self.peer));
                Some(Received::Ended)
            }
            Poll::Ready(Ok(_)) => Some(Received::Bytes),
            Poll::Ready(Err(error)) => {
                self.lost = Some(self.explain(&error));
                Some(Received::Ended)
            }
        }
    }

    fn explain(&self, error: &io::Error) -> String {
        let peer = &self.peer;
        let source = error.get_ref().and_then(|source| source.downcast_ref::<ReadError>());
        match source {
            Some(ReadError::ConnectionLost(ConnectionError::TimedOut)) => {
                format!("{peer} was silent for too long")
            }
            Some(ReadError::ConnectionLost(ConnectionError::ApplicationClosed(closed)))
                if closed.error_code == ENDING.into() =>
            {
                format!("{peer} has ended")
            }
            Some(ReadError::ConnectionLost(lost)) => format!("{peer} is lost: {lost}"),
            Some(ReadError::Reset(_)) => format!("{peer} has given up the worker"),
            _ => format!("{peer} is lost: {error}"),
        }
    }
}

impl Road for QuicRoad {
    fn sender(&self) -> Arc<dyn RoadSender> {
        self.sender.clone()
    }

    fn receive(&mut self, mut buffer: Option<&mut Vec<u8>>, until: Option<Instant>) -> Received {
        *lock(&self.line.receiver) = Some(thread::current());
        let waker = unparking();
        let mut spun_since = None;
        loop {
            if let Some(news) = self.news() {
                return news;
            }
            if let Some(buffer) = &mut buffer
                && let Some(received) = self.read(buffer, &waker)
            {
                return received;
            }
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return Received::Idle;
            }
            if buffer.is_some() && now.duration_since(*spun_since.get_or_insert(now)) < SPIN {
                thread::yield_now();
                continue;
            }
            match until {
                Some(until) => thread::park_timeout(until - now),
                None => thread::park(),
            }
            if buffer.is_none() {
                return self.news().unwrap_or(Received::Idle);
            }
        }
    }

    fn is_gated(&self) -> bool {
        true
    }

    fn max_value(&self) -> u64 {
        self.agreed.max_value
    }

    fn has_sent_first(&self) -> bool {
        self.agreed.begun
    }

    fn end(mut self: Box<Self>, _: Duration) -> Ending {
        self.sender.end();
        // The host has ended the worker, and may say how.
        let exit = if self.finished { self.line.exit() } else { None };
        if exit.is_some() {
            return Ending { exit, ..Ending::default() };
        }
        let lost = self.lost.take().unwrap_or_else(|| format!("{} is lost", self.peer));
        Ending { lost: Some(lost), ..Ending::default() }
    }
}

/// Receives acknowledgements until the stream ends.
pub(crate) async fn receive_reports(line: &Line, mut stream: RecvStream) {
    let mut report = [0; 8];
    while stream.read_exact(&mut report).await.is_ok() {
        match Report::decode(report) {
            Report::Taken(taken) => line.set_taken(taken),
            Report::Code(code) => line.set_exit(Exit::elsewhere(Some(code), None)),
            Report::Signal(signal) => line.set_exit(Exit::elsewhere(None, Some(signal))),
        }
    }
}
