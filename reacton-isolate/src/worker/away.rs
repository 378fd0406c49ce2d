//! A worker that runs in a process of its own: which one, with what arguments, and within what limits.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::codec;
use crate::wire::frame::Limits;

/// How long a process may go on after its end was asked for, unless the options say otherwise.
const GRACE: Duration = Duration::from_secs(2);

/// Changes the command that starts a process.
type Configure = Arc<dyn Fn(&mut Command) + Send + Sync>;

/// Options for the process of a worker, for [`WorkerBuilder::with`](crate::WorkerBuilder::with).
///
/// # Examples
/// ```
/// # use reacton_isolate::process::Process;
/// # use std::time::Duration;
/// let process = Process::new()
///     .grace(Duration::from_millis(500))
///     .memory(512 << 20)
///     .watchdog(Duration::from_secs(30))
///     .command(|command| {
///         command.env("DECODER_THREADS", "1");
///     });
/// # let _ = process;
/// ```
#[derive(Clone)]
#[must_use = "it does nothing before it is passed to the builder of a worker"]
pub struct Process {
    pub(crate) grace: Duration,
    pub(crate) watchdog: Option<Duration>,
    pub(crate) limits: Limits,
    pub(crate) program: Option<PathBuf>,
    pub(crate) configure: Option<Configure>,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            grace: GRACE,
            watchdog: None,
            limits: Limits::default(),
            program: None,
            configure: None,
        }
    }
}

impl Process {
    /// The default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the process may continue after `dispose`, or after the end of the process that spawned it. Then it is
    /// killed, with all processes that it has started. 2 s by default.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The address space that the process may use, in bytes. No limit by default.
    ///
    /// If an allocation exceeds it, the allocation fails, which ends a Rust program with `SIGABRT`. The stacks of
    /// threads count, too.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// The processor time that the process may use, in whole seconds. At the limit it is killed. No limit by default.
    pub fn cpu(mut self, time: Duration) -> Self {
        self.limits.cpu = Some(time.as_secs().max(1));
        self
    }

    /// How many files the process may have open. By default the limit of the process that spawns it.
    pub fn files(mut self, files: u64) -> Self {
        self.limits.files = Some(files);
        self
    }

    /// Kills the process if messages are queued for the worker and it has applied none for this long. The status says
    /// so, and the restart policy applies. Not set by default, so the work on one message may take any time.
    pub fn watchdog(self, watchdog: Duration) -> Self {
        Self { watchdog: Some(watchdog), ..self }
    }

    /// Changes the command that starts the process, each time that it is started: environment, working directory,
    /// standard output and standard error, which are inherited by default. Standard input cannot be changed, because
    /// the link uses it.
    pub fn command(self, configure: impl Fn(&mut Command) + Send + Sync + 'static) -> Self {
        Self { configure: Some(Arc::new(configure)), ..self }
    }

    /// The executable to start, in place of this program's own. It must contain the same worker and call
    /// [`serve`](crate::process::serve).
    pub fn program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: Some(program.into()), ..self }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("grace", &self.grace)
            .field("watchdog", &self.watchdog)
            .field("limits", &self.limits)
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// What can be handed to a worker in another process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be handed to a worker in a process: it is not serializable",
    label = "this crosses as bytes, and lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to it and to what it holds, or start the worker on a thread"
)]
pub trait Argument: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Argument for T {}

/// A worker that is to run in a process.
#[derive(Clone)]
pub(crate) struct Away {
    /// The path of its function.
    pub(crate) path: &'static str,
    /// Its arguments, encoded once for all its lives.
    pub(crate) args: Arc<[u8]>,
    pub(crate) process: Process,
}

impl Away {
    /// # Errors
    /// If the arguments do not encode.
    pub(crate) fn new<A: Serialize + 'static>(
        path: &'static str,
        args: &A,
        process: Process,
    ) -> Result<Self, String> {
        let args = codec::encode(args)?[..].into();
        Ok(Self { path, args, process })
    }
}

impl fmt::Debug for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Away").field("path", &self.path).finish_non_exhaustive()
    }
}
