//! Runs a process that was started as a worker: its main thread passes arriving frames to the worker's thread.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::panic;
use std::process::exit;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::sockopt::socket_type;
use rustix::process::{Resource, Rlimit, Signal, getpgrp, getpid, kill_process, setrlimit};

use super::program::{ARGUMENT, VARIABLE};
use super::served;
use super::socket::Socket;
use crate::host::Running;
use crate::host::guest::{Guest, NoGuest};
use crate::host::threads;
use crate::link::{RoadSender, Sender};
use crate::pool::answering;
use crate::wire::frame::{LastWords, Limits};
use crate::worker::carrier::{Ending, Received, Road};
use crate::worker::panics;

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
    let Ok(guest) = Guest::greet(Box::new(Inherited(socket)), None, None) else { exit(2) };
    let grace = guest.hello().grace;
    set_limits(guest.hello().limits);
    send_last_words_of_panics(guest.sender());
    if let Some(before) = before {
        before();
    }
    match guest.run(&served, None) {
        Ok(thread) => end_process(&thread, grace),
        // Main has been told why, or the road has ended.
        Err(NoGuest) => exit(2),
    }
}

/// The road from the process that spawned this one.
struct Inherited(Socket);

impl Road for Inherited {
    fn sender(&self) -> Arc<dyn RoadSender> {
        Arc::new(self.0.clone())
    }

    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, until: Option<Instant>) -> Received {
        buffer.map_or(Received::Idle, |buffer| self.0.receive(buffer, None, until))
    }

    fn end(self: Box<Self>, _: Duration) -> Ending {
        self.0.end();
        Ending::default()
    }
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
