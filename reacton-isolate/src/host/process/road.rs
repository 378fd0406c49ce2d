//! A process as the road to its worker: starts it, and waits for its bytes and for its end.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use super::program::{Launch, Program};
use super::socket::Socket;
use crate::error::SpawnError;
use crate::link::RoadSender;
use crate::worker::away::Away;
use crate::worker::carrier::{Carrier, CarrierError, Departure, Ending, Received, Road};
use crate::worker::exit::Exit;

/// Starts this program, or another one, as a process for each worker.
#[derive(Debug)]
pub(crate) struct Processes {
    away: Arc<Away>,
    program: Program,
}

impl Processes {
    /// Returns an error if no process of this program would run the worker.
    pub(crate) fn new(worker: &str, away: Arc<Away>) -> Result<Self, SpawnError> {
        let program = Program::of(&away)
            .map_err(|served| SpawnError::NotServed { worker: worker.to_owned(), served })?;
        Ok(Self { away, program })
    }

    fn start(&self, name: &str) -> io::Result<Process> {
        let (socket, stdin) = Socket::pair()?;
        let mut command = self.program.command(&self.away);
        if self.program == Program::Own(Launch::Test) {
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
        Ok(Process { child, ended, socket, hint: self.program.hint(name) })
    }
}

impl Carrier for Processes {
    fn set_out(&self, departure: &Departure<'_>) -> Result<Box<dyn Road>, CarrierError> {
        match self.start(departure.name) {
            Ok(process) => Ok(Box::new(process)),
            Err(error) => {
                Err(CarrierError::Failed(format!("its process could not be started: {error}")))
            }
        }
    }
}

/// A running process, and its socket.
struct Process {
    child: Child,
    /// Readable once the process has ended.
    ended: Option<OwnedFd>,
    socket: Socket,
    /// The probable reason if it exits without a message.
    hint: String,
}

impl Road for Process {
    fn sender(&self) -> Arc<dyn RoadSender> {
        Arc::new(self.socket.clone())
    }

    fn receive(&mut self, buffer: Option<&mut Vec<u8>>, until: Option<Instant>) -> Received {
        match buffer {
            Some(buffer) => self.socket.receive(buffer, self.ended.as_ref(), until),
            None => Received::Idle,
        }
    }

    fn end(mut self: Box<Self>, grace: Duration) -> Ending {
        let has_ended = ends_within(&mut self.child, self.ended.as_ref(), grace);
        if !has_ended {
            kill(&mut self.child);
        }
        let exit = self.child.wait().ok().map(|status| Exit::of(status, !has_ended));
        Ending { exit, hint: self.hint, lost: None }
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
