//! The keeper of a worker's process: the thread that starts the process, carries its messages to main, and reaps it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::Outcome;
use super::program::Program;
use super::socket::{Received, Socket};
use crate::host::road::{self, Exit, Limits, MainEnd, Step, Stop};
use crate::host::signal::Signal as ThreadSignal;
use crate::link::{RoadSender, Sender};
use crate::wire::frame::{Batch, Hello};
use crate::wire::message::IsolateMessage;
use crate::worker::away::Away;
use crate::worker::setup::WorkerSetup;

/// The data with which a process is started.
pub(super) struct Keeper {
    pub(super) setup: WorkerSetup,
    /// Main continues during the handshake, and receives its result over the link.
    pub(super) over_the_link: bool,
    pub(super) stack_size: Option<usize>,
    pub(super) spin: Option<Duration>,
    pub(super) handshake_timeout: Duration,
    pub(super) away: Arc<Away>,
    pub(super) program: Program,
    pub(super) outcome: Arc<Outcome>,
}

/// A running process, and what carries its messages.
struct Process {
    child: Child,
    /// Readable once the process has ended.
    ended: Option<OwnedFd>,
    socket: Socket,
    writer: JoinHandle<()>,
}

impl Keeper {
    /// Returns the sending end of the road, where main's messages wait.
    pub(super) fn sender(&self) -> &Arc<Sender> {
        let agent = self.setup.agent.as_ref();
        agent.expect("a worker behind a road has an agent").sender()
    }

    /// The body of the keeper's thread.
    pub(super) fn run(mut self, signal: &Arc<ThreadSignal>) {
        let limits = Limits {
            // A `spawn` has its own timeout, after which it ends the road.
            answer: self.over_the_link.then_some(self.handshake_timeout),
            watchdog: self.away.process.watchdog,
        };
        let end = MainEnd::new(&self.setup, limits, Instant::now());
        let failure = match self.start() {
            Ok(process) => self.keep(process, signal, end),
            Err(error) => end.fail(format!("its process could not be started: {error}")),
        };
        if let Some(message) = failure {
            self.outcome.set_failure(message);
        }
    }

    /// Starts the process, and puts its first frames before everything that main has sent since.
    fn start(&mut self) -> io::Result<Process> {
        let (socket, stdin) = Socket::pair()?;
        let mut command = self.program.command(&self.away);
        if self.program == Program::Own(super::Launch::Test) {
            // The child's test runner prints about its one test; that must not appear in the output of this program.
            command.stdout(rustix::io::dup(io::stderr())?);
        }
        if let Some(configure) = &self.away.process.configure {
            configure(&mut command);
        }
        // A terminal sends signals to all processes of a group. So the child gets its own group, and is
        // ended by the end of this process.
        command.stdin(Stdio::from(stdin)).process_group(0);
        let child = command.spawn()?;
        // The command keeps the child's end of the road open.
        drop(command);
        let ended = ended(&child);
        let mut first = Batch::default();
        first.hello(&self.hello());
        let init = std::mem::replace(&mut self.setup.init, IsolateMessage::Drain);
        first.message(&init);
        if !self.sender().attach(Arc::new(socket.clone()), first) {
            // Main has given up in the meantime.
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
            path: self.away.path.to_owned(),
            args: self.away.args.to_vec(),
            stack_size: self.stack_size.map(|size| size as u64),
            spin: self.spin,
            grace: self.away.process.grace,
            limits: self.away.process.limits,
            ..road::hello(&self.setup)
        }
    }

    /// Passes on messages until the process has ended. Returns why the handshake failed, if it did.
    fn keep(
        &self,
        process: Process,
        signal: &Arc<ThreadSignal>,
        mut end: MainEnd,
    ) -> Option<String> {
        let Process { mut child, ended, socket, writer } = process;
        let stop = receive(&socket, ended.as_ref(), signal, &mut end);
        let after = end.ran(Instant::now());
        self.sender().end();
        let is_left = end.has_started() && stop == Stop::Ended;
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
        end.end(stop, exit, after, &self.program.hint(&self.setup.name))
    }
}

/// Passes on messages until the road ends.
fn receive(
    socket: &Socket,
    ended: Option<&OwnedFd>,
    signal: &Arc<ThreadSignal>,
    end: &mut MainEnd,
) -> Stop {
    loop {
        let mut step = end.take_frames(Instant::now());
        while let Step::Answer(message) = step {
            step = end.answered(signal.answer(message), Instant::now());
            if matches!(step, Step::Read) {
                step = end.take_frames(Instant::now());
            }
        }
        if let Step::Stop(stop) = step {
            return stop;
        }
        let until = end.waits_until(Instant::now());
        match socket.receive(end.reader(), ended, until) {
            Received::Bytes => {}
            Received::Ended => return Stop::Ended,
            Received::Idle => {
                if let Some(stop) = end.look(Instant::now()) {
                    return stop;
                }
            }
        }
    }
}

/// Returns a descriptor that becomes readable when the process has ended.
#[cfg(target_os = "linux")]
fn ended(child: &Child) -> Option<OwnedFd> {
    use rustix::process::{PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_child(child), PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn ended(_: &Child) -> Option<OwnedFd> {
    None
}

/// Returns whether the process ends within `timeout`. The process is not reaped, so that its id stays reserved, unless
/// there is no descriptor to wait on.
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

/// Kills the process and its child processes.
fn kill(child: &mut Child) {
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.kill();
}
