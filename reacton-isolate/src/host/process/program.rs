//! Determines which program a worker's process runs, and which workers that program has. `serve` records them; a test
//! program is recognized by its place.

use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::host::guest::Served;
use crate::worker::away::Away;

/// The beginning of the first argument; the path of the worker follows. Not a variable, because child processes inherit
/// variables.
pub(super) const ARGUMENT: &str = "--reacton-worker=";

/// The variable with the path of the worker in a test program, where the test runner takes the arguments.
pub(super) const VARIABLE: &str = "REACTON_WORKER";

/// The name of the test that runs workers in a test program.
const TEST: &str = "reacton_worker_process";

/// How this program starts itself as a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Launch {
    /// The program's `main` calls `serve`.
    Main,
    /// The program is a test program, and one of its tests calls `serve`.
    Test,
}

/// What `serve` has recorded.
static SERVED: Mutex<Option<(Launch, Vec<Served>)>> = Mutex::new(None);

/// Records the workers of this program.
///
/// # Panics
/// If two of them have the same path.
#[track_caller]
pub(crate) fn serve(launch: Launch, workers: &[Served]) {
    for (at, worker) in workers.iter().enumerate() {
        let path = worker.path();
        assert!(
            workers[..at].iter().all(|other| other.path() != path),
            "`{path}` is listed twice, or two workers have this path: rename one of them"
        );
    }
    *SERVED.lock().unwrap_or_else(PoisonError::into_inner) = Some((launch, workers.to_vec()));
}

/// Returns the worker with this path, or else the paths of all workers that are served.
pub(crate) fn served(path: &str) -> Result<Served, Vec<&'static str>> {
    let served = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    let workers = served.as_ref().map_or(&[][..], |(_, workers)| workers);
    let found = workers.iter().find(|worker| worker.path() == path);
    found.cloned().ok_or_else(|| workers.iter().map(Served::name).collect())
}

/// The program of a worker's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Program {
    /// This program.
    Own(Launch),
    /// A program that the options name.
    Other,
}

impl Program {
    /// # Errors
    /// If this program does not run the worker. The error contains the workers that it does run, or `None` if `serve`
    /// was not called.
    pub(super) fn of(away: &Away) -> Result<Self, Option<Vec<&'static str>>> {
        if away.process.program.is_some() {
            return Ok(Self::Other);
        }
        let launch = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
        match launch.as_ref().map(|(launch, _)| *launch) {
            Some(launch_of_list) => {
                drop(launch);
                served(away.path).map_err(Some)?;
                Ok(Self::Own(launch_of_list))
            }
            None if is_test_program() => Ok(Self::Own(Launch::Test)),
            None => Err(None),
        }
    }

    /// Returns the command that starts the program as a process of that worker.
    pub(super) fn command(self, away: &Away) -> Command {
        let mut command = match (self, &away.process.program) {
            (Self::Other, Some(program)) => Command::new(program),
            _ => own(),
        };
        if self == Self::Own(Launch::Test) {
            command.args([TEST, "--nocapture", "--test-threads=1", "-q"]);
            command.env(VARIABLE, away.path);
        } else {
            command.arg(format!("{ARGUMENT}{}", away.path));
        }
        command
    }

    /// Returns the probable mistake if the process has ended without a message.
    pub(super) fn hint(self, worker: &str) -> String {
        match self {
            Self::Own(Launch::Test) => format!(
                "; it runs no test `{TEST}`: write `reacton::process::test_workers![{worker}];` once in this test program"
            ),
            _ => String::from(
                "; it did not get to `reacton::process::serve`, which is to be the first line of `main`",
            ),
        }
    }
}

/// Returns a command for this program, even if its file was replaced since the start.
fn own() -> Command {
    use std::os::unix::process::CommandExt;
    let path = std::env::current_exe();
    if cfg!(target_os = "linux") {
        let mut command = Command::new("/proc/self/exe");
        if let Ok(path) = path {
            command.arg0(path);
        }
        return command;
    }
    Command::new(path.unwrap_or_default())
}

/// Returns whether `cargo test` built this program: such programs are in a folder `deps`.
fn is_test_program() -> bool {
    let path = std::env::current_exe().ok();
    let folder = path.as_deref().and_then(Path::parent).and_then(Path::file_name);
    folder.is_some_and(|folder| folder == "deps")
}
