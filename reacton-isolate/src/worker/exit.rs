//! How a process ended, as its parent sees it.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// How the process of a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exit {
    /// The exit code, if the process exited.
    pub code: Option<i32>,
    /// The number of the signal that killed the process, if one did.
    pub signal: Option<i32>,
    /// Whether the system wrote a core dump.
    pub core: bool,
    /// Whether this library killed the process: after `dispose`, a timeout, the watchdog, or bytes that no worker
    /// sends.
    pub forced: bool,
}

impl Exit {
    /// How a process on another machine ended, as its host says.
    #[doc(hidden)]
    #[must_use]
    pub const fn elsewhere(code: Option<i32>, signal: Option<i32>) -> Self {
        Self { code, signal, core: false, forced: false }
    }

    pub(crate) fn of(status: ExitStatus, forced: bool) -> Self {
        let signal = status.signal();
        Self { code: status.code(), signal, core: status.core_dumped(), forced }
    }

    /// Returns whether the process ended by itself with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.code == Some(0)
    }
}

/// Such as `killed by SIGSEGV` or `exited with code 3`.
impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exited with code {code}")?,
            (None, Some(number)) => match name(number) {
                Some(name) => write!(f, "killed by {name}")?,
                None => write!(f, "killed by signal {number}")?,
            },
            (None, None) => f.write_str("ended")?,
        }
        if self.core {
            f.write_str(" (core dumped)")?;
        }
        Ok(())
    }
}

/// Returns the name of a signal: those that have one number on all systems, and those of this one.
fn name(signal: i32) -> Option<&'static str> {
    use rustix::process::Signal;
    let names = [
        (Signal::HUP, "SIGHUP"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
        (Signal::ILL, "SIGILL"),
        (Signal::TRAP, "SIGTRAP"),
        (Signal::ABORT, "SIGABRT"),
        (Signal::BUS, "SIGBUS"),
        (Signal::FPE, "SIGFPE"),
        (Signal::KILL, "SIGKILL"),
        (Signal::USR1, "SIGUSR1"),
        (Signal::SEGV, "SIGSEGV"),
        (Signal::USR2, "SIGUSR2"),
        (Signal::PIPE, "SIGPIPE"),
        (Signal::ALARM, "SIGALRM"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU"),
        (Signal::XFSZ, "SIGXFSZ"),
        (Signal::SYS, "SIGSYS"),
    ];
    names.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}
