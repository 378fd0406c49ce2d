//! Runs a process that was started as a worker: its main thread passes arriving frames to the worker's thread.

use std::fmt;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::panic;
use std::process::exit;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::sockopt::socket_type;
use rustix::process::{Resource, Rlimit, Signal, getpgrp, getpid, kill_process, setrlimit};

use super::program::{ARGUMENT, VARIABLE};
use super::served;
use super::socket::{Received, Socket};
use crate::host::Running;
use crate::host::road::{Introduced, WorkerEnd, delivery};
use crate::host::threads;
use crate::link::{SendCounter, Sender};
use crate::pool::answering;
use crate::shared::SharedSet;
use crate::wire::frame::{Batch, FRAMES, Frame, FrameReader, Hello, LastWords, Limits};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::CallRef;
use crate::worker::options::Options;
use crate::worker::panics;
use crate::worker::run::{Acknowledge, run_worker};
use crate::worker::scope::Scope;
use crate::worker::setup::Entry;

/// One worker that this program runs in its own process.
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

/// Returns whether this process was started as a worker. `test` says which kind of program: one whose `main` calls
/// `serve`, or a test program.
pub(crate) fn is_child(test: bool) -> bool {
    if test {
        return std::env::var_os(VARIABLE).is_some() && is_road();
    }
    let argument = std::env::args_os().nth(1);
    argument.is_some_and(|argument| argument.to_string_lossy().starts_with(ARGUMENT))
}

fn is_road() -> bool {
    socket_type(std::io::stdin()).is_ok()
}

/// The main function of a process that was started as a worker.
pub(crate) fn run_as_child(before: Option<Box<dyn FnOnce()>>) -> ! {
    if !is_road() {
        eprintln!(
            "This program starts itself with `{ARGUMENT}..` to run a worker in a process of its own."
        );
        eprintln!(
            "The argument is of no use by hand: standard input has to be the socket of the process that spawns."
        );
        exit(2);
    }
    let Ok(socket) = take_road() else { exit(2) };
    let mut incoming = Incoming { socket, reader: FrameReader::default() };
    let Some(Frame::Hello(hello)) = incoming.next() else { exit(2) };
    set_limits(hello.limits);
    let up = SendCounter::default();
    let sender = Arc::new(Sender::new(delivery(&hello), up.clone()));
    start_writer(&sender, &incoming.socket);
    send_last_words_of_panics(&sender);
    if let Some(before) = before {
        before();
    }
    let Some(Frame::Message(init @ IsolateMessage::HandshakeInit { .. })) = incoming.next() else {
        exit(2)
    };
    match find(&hello) {
        Ok(Found { shared, answers, entry }) => {
            let introduced = Introduced { hello, init, shared, answers };
            run(incoming, introduced, sender, up, entry)
        }
        Err(message) => {
            let reason = CloseReason::Failed { message };
            sender.send(IsolateMessage::Closed { reason });
            sender.flush(FLUSHED_WITHIN);
            exit(0)
        }
    }
}

/// The worker that is to run, with its arguments.
struct Found {
    shared: SharedSet,
    answers: Vec<CallRef>,
    entry: Entry,
}

fn find(hello: &Hello) -> Result<Found, String> {
    if hello.version != FRAMES {
        return Err(format!(
            "its program speaks version {FRAMES} of the frames, not {}",
            hello.version
        ));
    }
    let served = served(&hello.path).map_err(|names| {
        format!("`{}` is not among `workers![{}]` in its program", hello.path, names.join(", "))
    })?;
    let entry = (served.entry)(&hello.args)
        .map_err(|reason| format!("its arguments do not decode: {reason}"))?;
    let shared = (served.shared)().over_bytes();
    let shared =
        shared.map_err(|reacton| format!("`{reacton}` is not serializable in its program"))?;
    Ok(Found { shared, answers: (served.answers)(), entry })
}

/// Takes the road from standard input, so that no library reads from it and no child process keeps it open.
fn take_road() -> rustix::io::Result<Socket> {
    let road = fcntl_dupfd_cloexec(std::io::stdin(), 3)?;
    let nothing = File::open("/dev/null").map_err(|_| rustix::io::Errno::NOENT)?;
    rustix::stdio::dup2_stdin(OwnedFd::from(nothing))?;
    Ok(Socket::of(road))
}

/// Called before any code of the program. Limits that the system refuses stay unchanged.
fn set_limits(limits: Limits) {
    let set = |resource, limit: Option<u64>| {
        if limit.is_some() {
            let _ = setrlimit(resource, Rlimit { current: limit, maximum: limit });
        }
    };
    set(Resource::As, limits.memory);
    set(Resource::Cpu, limits.cpu);
    set(Resource::Nofile, limits.files);
}

fn start_writer(sender: &Arc<Sender>, socket: &Socket) {
    sender.attach(Arc::new(socket.clone()), Batch::default());
    let own = Arc::clone(sender);
    let started = std::thread::Builder::new()
        .name(String::from("reacton road"))
        .spawn(move || own.write_until_ended());
    if started.is_err() {
        exit(2);
    }
}

/// Sends the message and the place of each panic at once, because the process may end with it.
fn send_last_words_of_panics(sender: &Arc<Sender>) {
    let sender = Arc::clone(sender);
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        let message = panic_message_of(info);
        let location = info.location().map(ToString::to_string);
        sender.last_words(&LastWords { message, location, call: answering() });
        previous(info);
    }));
    panics::watch_panics();
}

fn panic_message_of(info: &panic::PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    if let Some(text) = payload.downcast_ref::<&str>() {
        return (*text).to_owned();
    }
    payload
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_else(|| String::from("a panic without a text"))
}

/// The frames that arrive.
struct Incoming {
    socket: Socket,
    reader: FrameReader,
}

impl Incoming {
    /// Returns the next frame; `None` if the road has ended.
    fn next(&mut self) -> Option<Frame> {
        loop {
            match self.reader.next() {
                Ok(Some(frame)) => return Some(frame),
                Ok(None) => {}
                Err(_) => return None,
            }
            if self.socket.receive(&mut self.reader, None, None) == Received::Ended {
                return None;
            }
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
        self.0.end();
    }
}

/// Runs the worker on its own thread, and passes arriving frames to it.
fn run(
    mut incoming: Incoming,
    introduced: Introduced,
    sender: Arc<Sender>,
    up: SendCounter,
    entry: Entry,
) -> ! {
    let hello = &introduced.hello;
    let grace = hello.grace;
    let options = Options {
        name: hello.name.clone(),
        stack_size: hello.stack_size.and_then(|size| usize::try_from(size).ok()),
        ..Options::default()
    };
    let own = Arc::clone(&sender);
    let (mut end, setup) = WorkerEnd::new(introduced, sender, up, Scope::default(), None);
    let (accept, accepted) = sync_channel::<()>(1);
    let thread = threads::start(&options, move |_| {
        let _ends_road = EndsRoad(Arc::clone(&own));
        let answer = |message| {
            own.send(message);
            accepted.recv().is_ok()
        };
        run_worker(setup, &Acknowledge::ToSpawn(&answer), entry);
    });
    let Ok(thread) = thread else { exit(2) };
    end.begin();
    while let Some(frame) = incoming.next() {
        if end.take(frame) {
            let _ = accept.try_send(());
        }
    }
    drop(accept);
    end.end();
    end_process(&thread, grace)
}

/// Called when the road has ended, and the worker was cancelled: ends the process when the worker has ended, or when
/// the grace period is over.
fn end_process(thread: &threads::Thread, grace: Duration) -> ! {
    if thread.ends_within(grace) {
        exit(0);
    }
    // No exit handler may delay the end. The child processes end too, if the process group belongs to this process.
    if getpgrp() == getpid() {
        let _ = rustix::process::kill_current_process_group(Signal::KILL);
    }
    let _ = kill_process(getpid(), Signal::KILL);
    exit(2)
}
