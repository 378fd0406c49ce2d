//! Settings of a worker that runs in its own process: its function, its arguments, and the limits of the process.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::codec;
use crate::wire::frame::Limits;
use crate::worker::carrier::Carrier;

/// How long a process may go on after `dispose`, by default.
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
    /// Returns the default options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long the process may continue after `dispose`, or after the end of the process that spawned it. Then it
    /// is killed, with all processes that it has started. 2 s by default.
    pub fn grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Limits the address space of the process, in bytes. No limit by default.
    ///
    /// An allocation above the limit fails, which ends a Rust program with `SIGABRT`. The stacks of threads count, too.
    pub fn memory(mut self, bytes: u64) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// Limits the processor time of the process, in whole seconds. At the limit the process is killed. No limit by
    /// default.
    pub fn cpu(mut self, time: Duration) -> Self {
        self.limits.cpu = Some(time.as_secs().max(1));
        self
    }

    /// Limits the number of files that the process may have open. By default the limit of the process that spawns it.
    pub fn files(mut self, files: u64) -> Self {
        self.limits.files = Some(files);
        self
    }

    /// Sets a watchdog: the process is killed if messages are queued for the worker and it has applied none for this
    /// long. The status says so, and the restart policy applies. Not set by default, so one message may take any time.
    pub fn watchdog(self, watchdog: Duration) -> Self {
        Self { watchdog: Some(watchdog), ..self }
    }

    /// Sets a closure that changes the command of the process each time before it is started: environment, working
    /// directory, standard output and standard error, which are inherited by default. The closure cannot change
    /// standard input, because the link uses it.
    pub fn command(self, configure: impl Fn(&mut Command) + Send + Sync + 'static) -> Self {
        Self { configure: Some(Arc::new(configure)), ..self }
    }

    /// Sets the executable to start, in place of this program's own. It must contain the same worker and call
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

/// A type of argument that can be passed to a worker in another process.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be handed to a worker in a process: it is not serializable",
    label = "this crosses as bytes, and lacks `serde::Serialize`, `serde::Deserialize` or both",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to it and to what it holds, or start the worker on a thread"
)]
pub trait Argument: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Argument for T {}

/// A worker that is to run elsewhere.
#[derive(Clone)]
pub(crate) struct Away {
    /// The path of the worker's function.
    pub(crate) path: &'static str,
    /// The worker's arguments, encoded once and used for each start.
    pub(crate) args: Arc<[u8]>,
    pub(crate) process: Process,
    /// What starts it; `None` for a process of this program.
    pub(crate) carrier: Option<Arc<dyn Carrier>>,
}

impl Away {
    /// # Errors
    /// If the arguments cannot be encoded.
    pub(crate) fn new<A: Serialize + 'static>(
        path: &'static str,
        args: &A,
        process: Process,
        carrier: Option<Arc<dyn Carrier>>,
    ) -> Result<Self, String> {
        let args = codec::encode(args)?[..].into();
        Ok(Self { path, args, process, carrier })
    }
}

impl fmt::Debug for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Away").field("path", &self.path).finish_non_exhaustive()
    }
}
