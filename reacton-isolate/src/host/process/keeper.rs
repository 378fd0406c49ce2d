//! The keeper of a worker's process: the thread that starts it, carries its messages to main, and reaps it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::Outcome;
use super::exit::Exit;
use super::program::Program;
use super::socket::{Received, Socket};
use crate::host::signal::Signal as ThreadSignal;
use crate::link::{Delivery, Outbox, RoadSender, Sender, Sent};
use crate::pool::Agent;
use crate::wire::frame::work::Report;
use crate::wire::frame::{Batch, FRAMES, Frame, FrameReader, Hello, LastWords};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::ticket::WorkKey;
use crate::worker::away::Away;
use crate::worker::setup::WorkerSetup;

/// Everything that a process is started with.
pub(super) struct Keeper {
    pub(super) setup: WorkerSetup,
    /// Main goes on meanwhile, and hears of the handshake over the link.
    pub(super) over_the_link: bool,
    pub(super) stack_size: Option<usize>,
    pub(super) spin: Option<Duration>,
    pub(super) handshake_timeout: Duration,
    pub(super) away: Arc<Away>,
    pub(super) program: Program,
    pub(super) outcome: Arc<Outcome>,
}

/// A process that runs, and what carries its messages.
struct Process {
    child: Child,
    /// Readable when the process has ended.
    ended: Option<OwnedFd>,
    socket: Socket,
    writer: JoinHandle<()>,
}

/// Why nothing more is received.
enum Stop {
    /// The road has ended.
    Ended,
    /// The process is to be killed, for this reason. It is nobody's if main has asked for it.
    Kill(Option<String>),
}

/// What is known of a worker by what has arrived.
#[derive(Default)]
struct Progress {
    /// It has acknowledged the handshake, and that was accepted.
    started: Option<Instant>,
    closed: Option<CloseReason>,
    words: Option<LastWords>,
    taken: u64,
    /// It has done a job.
    worked: bool,
    /// The call in whose answer it has panicked, if that ended the process.
    call: Option<WorkKey>,
    /// When it has taken in something last.
    took: Option<Instant>,
}

impl Progress {
    /// A panic happened. That of the standard library about panics in destructors says less than the one before it.
    fn hear(&mut self, words: LastWords) {
        let is_of_std = words.location.as_ref().is_some_and(|place| place.starts_with("/rustc/"));
        if self.words.is_none() || !is_of_std {
            self.words = Some(words);
        }
    }
}

impl Keeper {
    /// What stands for the worker.
    fn agent(&self) -> &Arc<Agent> {
        self.setup.agent.as_ref().expect("the host of a process is asked for a road")
    }

    /// Where what main writes waits.
    pub(super) fn sender(&self) -> &Arc<Sender> {
        self.agent().sender()
    }

    /// The whole life of its thread.
    pub(super) fn run(mut self, signal: &Arc<ThreadSignal>) {
        let setup = &self.setup;
        let main = setup.main.clone();
        let outbox = Outbox::new(setup.link, main, setup.delivery, setup.outgoing.clone());
        let mut progress = Progress::default();
        let reason = match self.start() {
            Ok(process) => self.keep(process, signal, &outbox, &mut progress),
            Err(error) => CloseReason::Failed {
                message: format!("its process could not be started: {error}"),
            },
        };
        self.sender().end();
        if progress.started.is_none()
            && let CloseReason::Failed { message } | CloseReason::Panicked { message, .. } = &reason
        {
            self.outcome.set_failure(message.clone());
        }
        if let CloseReason::Panicked { message, location, .. } = &reason {
            self.agent().fail(progress.call, message, location.as_deref());
        }
        outbox.send(IsolateMessage::Closed { reason });
    }

    /// Starts the process, and puts what it is to know before what main has written since.
    fn start(&mut self) -> io::Result<Process> {
        let (socket, stdin) = Socket::pair()?;
        let mut command = self.program.command(&self.away);
        if self.program == Program::Own(super::Launch::Test) {
            // A test runner prints of the one test that it runs: not into what this one prints.
            command.stdout(rustix::io::dup(io::stderr())?);
        }
        if let Some(configure) = &self.away.process.configure {
            configure(&mut command);
        }
        // Signals of a terminal reach the process that spawns, and its end reaches this one.
        command.stdin(Stdio::from(stdin)).process_group(0);
        let child = command.spawn()?;
        // It keeps the child's end of the road.
        drop(command);
        let ended = ended(&child);
        let mut first = Batch::default();
        first.hello(&self.hello());
        let init = std::mem::replace(&mut self.setup.init, IsolateMessage::Drain);
        first.message(&init);
        if !self.sender().attach(Arc::new(socket.clone()), first) {
            // Main has given up meanwhile.
            socket.end();
        }
        let sender = Arc::clone(self.sender());
        let writer = thread::Builder::new()
            .name(String::from("reacton road"))
            .spawn(move || sender.write_until_ended());
        match writer {
            Ok(writer) => Ok(Process { child, ended, socket, writer }),
            Err(error) => {
                let mut child = child;
                kill(&mut child);
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            version: FRAMES,
            path: self.away.path.to_owned(),
            name: self.setup.name.clone(),
            args: self.away.args.to_vec(),
            link: self.setup.link.0,
            every: self.setup.delivery == Delivery::Every,
            stack_size: self.stack_size.map(|size| size as u64),
            spin: self.spin,
            grace: self.away.process.grace,
            limits: self.away.process.limits,
            queue: self.agent().queue(),
        }
    }

    /// Carries what arrives until the process has ended. Returns how it did.
    fn keep(
        &self,
        process: Process,
        signal: &Arc<ThreadSignal>,
        outbox: &Outbox,
        progress: &mut Progress,
    ) -> CloseReason {
        let Process { mut child, ended, socket, writer } = process;
        let stop = self.receive(&socket, ended.as_ref(), signal, outbox, progress);
        let after = progress.started.map_or(Duration::ZERO, |started| started.elapsed());
        self.sender().end();
        let is_left = progress.started.is_some() && matches!(stop, Stop::Ended);
        let has_ended = is_left && ends_within(&mut child, ended.as_ref(), self.away.process.grace)
            || ends_within(&mut child, ended.as_ref(), Duration::ZERO);
        if !has_ended {
            kill(&mut child);
        }
        let exit = child.wait().ok().map(|status| Exit::of(status, !has_ended));
        if let Some(exit) = exit {
            self.outcome.set_exit(exit);
        }
        let _ = writer.join();
        self.reason(stop, exit, after, progress)
    }

    /// Carries messages while the road lasts.
    fn receive(
        &self,
        socket: &Socket,
        ended: Option<&OwnedFd>,
        signal: &Arc<ThreadSignal>,
        outbox: &Outbox,
        progress: &mut Progress,
    ) -> Stop {
        // A `spawn` has a timeout of its own, and ends the road.
        let answer_until = Some(Instant::now()).filter(|_| self.over_the_link);
        let answer_until = answer_until.and_then(|now| now.checked_add(self.handshake_timeout));
        let mut reader = FrameReader::default();
        loop {
            loop {
                let frame = match reader.next() {
                    Ok(Some(frame)) => frame,
                    Ok(None) => break,
                    Err(malformed) => {
                        return Stop::Kill(Some(format!(
                            "it sent a malformed frame: {}",
                            malformed.0
                        )));
                    }
                };
                if let Err(stop) = self.take(frame, signal, outbox, progress) {
                    return stop;
                }
            }
            let until = match progress.started {
                None => answer_until,
                Some(_) => self.looks_again(),
            };
            match socket.receive(&mut reader, ended, until) {
                Received::Bytes => {}
                Received::Ended => return Stop::Ended,
                Received::Idle if progress.started.is_none() => {
                    let timeout = self.handshake_timeout;
                    return Stop::Kill(Some(format!("no handshake within {timeout:?}")));
                }
                Received::Idle => {
                    if let Some(message) = self.hangs(progress) {
                        return Stop::Kill(Some(message));
                    }
                }
            }
        }
    }

    /// One frame of the worker's.
    fn take(
        &self,
        frame: Frame,
        signal: &Arc<ThreadSignal>,
        outbox: &Outbox,
        progress: &mut Progress,
    ) -> Result<(), Stop> {
        let unexpected = || Stop::Kill(Some(String::from("it sent a frame that no worker sends")));
        match frame {
            Frame::LastWords(words) => progress.hear(words),
            Frame::Message(IsolateMessage::Closed { reason }) => progress.closed = Some(reason),
            Frame::Message(IsolateMessage::HandshakeAck { mismatches }) => {
                if progress.started.is_some() {
                    return Err(unexpected());
                }
                let agreed = mismatches.is_empty();
                let message = IsolateMessage::HandshakeAck { mismatches };
                let accepted = if self.over_the_link {
                    outbox.send(message);
                    true
                } else {
                    signal.answer(message)
                };
                if !(agreed && accepted) {
                    return Err(Stop::Kill(None));
                }
                progress.started = Some(Instant::now());
                self.sender().send_frame(Batch::start);
            }
            // It may come late, behind the last message.
            Frame::Taken(number) if progress.started.is_some() => {
                progress.taken = number;
                progress.took = Some(Instant::now());
                self.setup.incoming.set_received(number);
                outbox.report_received(&self.setup.incoming);
            }
            _ if progress.started.is_none() || progress.closed.is_some() => {
                return Err(unexpected());
            }
            Frame::Message(IsolateMessage::ReactonValueChanged { clock, changes }) => {
                // What panicked before was caught.
                progress.words = None;
                self.sender().note_heard();
                self.count(outbox.send_changes(clock, changes));
            }
            Frame::Message(
                message @ (IsolateMessage::ReactonSubscribe { .. }
                | IsolateMessage::ReactonUnsubscribe { .. }
                | IsolateMessage::ValueError { .. }),
            ) => self.count(outbox.send(message)),
            Frame::Report(report) => {
                progress.took = Some(Instant::now());
                progress.worked |= matches!(report, Report::Ask { done: 1.. } | Report::Done(_));
                let heard = self.agent().hear(report, outbox);
                let sent = heard.map_err(|untrue| Stop::Kill(Some(untrue.to_owned())))?;
                if let Some(sent) = sent {
                    self.count(sent);
                }
            }
            Frame::Message(_)
            | Frame::Hello(_)
            | Frame::Start
            | Frame::Order(_)
            | Frame::Taken(_) => {
                return Err(unexpected());
            }
        }
        Ok(())
    }

    /// A message was put into main's inbox. What is merged there counts as applied.
    fn count(&self, sent: Sent) {
        if sent == Sent::Merged {
            self.sender().count_merged(&self.setup.outgoing.receiving());
        }
    }

    /// When the watchdog looks again.
    fn looks_again(&self) -> Option<Instant> {
        let watchdog = self.away.process.watchdog?;
        Instant::now().checked_add((watchdog / 4).max(Duration::from_millis(1)))
    }

    /// Whether messages wait for the worker, and it has taken in nothing for too long.
    fn hangs(&self, progress: &mut Progress) -> Option<String> {
        let watchdog = self.away.process.watchdog?;
        let now = Instant::now();
        let is_awaited = self.setup.incoming.waiting() > 0 || self.agent().is_awaited();
        if !is_awaited || progress.closed.is_some() {
            progress.took = Some(now);
            return None;
        }
        let took = *progress.took.get_or_insert(now);
        (now.duration_since(took) >= watchdog).then(|| format!("took in nothing for {watchdog:?}"))
    }

    fn reason(
        &self,
        stop: Stop,
        exit: Option<Exit>,
        after: Duration,
        progress: &mut Progress,
    ) -> CloseReason {
        let worked = progress.taken > 1 || progress.worked;
        let panicked =
            |message, location| CloseReason::Panicked { message, location, after, worked };
        match stop {
            Stop::Kill(Some(message)) => return panicked(message, None),
            Stop::Kill(None) => return CloseReason::Disposed,
            Stop::Ended => {}
        }
        if let Some(reason) = progress.closed.take() {
            return reason;
        }
        let Some(exit) = exit else {
            return panicked(String::from("its process is gone"), None);
        };
        let is_of_a_panic = exit.signal == Some(Signal::ABORT.as_raw()) || exit.code == Some(101);
        match progress.words.take() {
            Some(LastWords { message, location, call }) if is_of_a_panic => {
                progress.call = call;
                panicked(message, location)
            }
            words => {
                panicked(self.ended_as(exit, progress), words.and_then(|words| words.location))
            }
        }
    }

    /// What is known of an end without a message.
    fn ended_as(&self, exit: Exit, progress: &Progress) -> String {
        let mut message = exit.to_string();
        if exit.signal == Some(Signal::KILL.as_raw()) && !exit.forced {
            message.push_str("; the system may be out of memory");
        }
        if exit.is_success() && progress.started.is_none() {
            message.push_str(&self.program.hint(&self.setup.name));
        }
        message
    }
}

/// What becomes readable when the process has ended.
#[cfg(target_os = "linux")]
fn ended(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn ended(_: &Child) -> Option<OwnedFd> {
    None
}

/// Whether the process ends in that time. It is not reaped, so that its number stays its own, unless there is nothing to wait on.
fn ends_within(child: &mut Child, ended: Option<&OwnedFd>, timeout: Duration) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let deadline = Instant::now() + timeout;
    let Some(ended) = ended else {
        loop {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            thread::sleep(Duration::from_millis(1));
        }
    };
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok();
        match poll(&mut [PollFd::new(ended, PollFlags::IN)], left.as_ref()) {
            Ok(count) => return count > 0,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Kills the process and what it has started.
fn kill(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.kill();
}
