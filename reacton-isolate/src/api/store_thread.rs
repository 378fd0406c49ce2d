//! A store on a thread of its own: the thread, the state that it owns, and how other threads reach both.

use std::any::Any;
use std::cell::RefCell;
use std::fmt::{self, Display};
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reacton_core::{Arrival, Inbox, Mailbox, ReactonStore, Reply, StoreHandle};

use crate::error::{ShutdownError, SpawnError, Unfinished};
use crate::host::Running;
use crate::host::signal::Signal;
use crate::host::threads::{Thread, start};
use crate::hub::Hub;
use crate::isolate::status::IsolateStatus;
use crate::wire::message::IsolateMessage;
use crate::worker::options::Options;
use crate::worker::panics::{self, Caught};
use crate::worker::run::take_turns;
use crate::worker::runtime::run_guarded;
use crate::worker::scope::Scope;

/// A store on a thread of its own, for a program whose main thread takes no turns: a service, a test, a user interface whose
/// main thread belongs to a framework.
///
/// The thread takes turns by itself. Every thread reaches the store by a [`handle`](Self::handle). The thread also owns a
/// state `S`, which need not be `Send`: a connection to a database, the handles of workers, an `Rc`. A closure that is
/// [posted](Self::post) borrows the store and the state.
///
/// A `StoreThread` is `Send` and `Sync`: to use it on several threads, put it into an `Arc`. Dropping it disposes the
/// store: keep it as long as the store must live, or [`detach`](Self::detach) it.
///
/// A panic on the thread, in a posted closure or in an observer, ends it, as it ends a worker. The reply of every later
/// call is [`HandleError::Closed`](reacton_core::HandleError::Closed), and [`status`](Self::status) and
/// [`shutdown`](Self::shutdown) report the panic with its message and place.
///
/// It logs to `tracing` like a worker: the thread uses the subscriber of the thread that spawned it, within a span
/// `store_thread` that is a child of the span of the spawn.
///
/// # Examples
/// ```
/// # use reacton_core::Reacton;
/// # use reacton_isolate::StoreThread;
/// # use std::rc::Rc;
/// # use std::time::Duration;
/// # static COUNT: Reacton<u32> = Reacton::<u32>::__new("doc::COUNT", || 0);
/// // #[reacton] static COUNT: u32 = 0;
/// struct State {
///     log: Vec<Rc<str>>, // not `Send`: it never leaves the thread
/// }
///
/// let app = StoreThread::spawn("app", |_store| State { log: Vec::new() })?;
/// let handle = app.handle(); // for any thread
/// handle.set(&COUNT, 1);
/// let lines = app.post(|store, state| {
///     state.log.push(format!("count is {}", store.get(&COUNT)).into());
///     state.log.len()
/// });
/// assert_eq!(futures_lite::future::block_on(lines)?, 1);
/// app.shutdown(Duration::from_secs(10))?;
/// assert!(handle.is_closed());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the store is disposed when this is dropped: bind it to a name (`let _ = ..` drops it at once), or `detach()` it"]
pub struct StoreThread<S = ()> {
    name: String,
    handle: StoreHandle,
    mailbox: Mailbox,
    status: Arc<Status>,
    /// `None` once the thread was joined.
    thread: Option<Thread>,
    detached: bool,
    state: PhantomData<fn(S)>,
}

impl StoreThread {
    /// Options for a store thread.
    pub fn builder() -> StoreThreadBuilder {
        StoreThreadBuilder {
            options: Options { name: String::from("store"), ..Options::default() },
        }
    }
}

impl<S: 'static> StoreThread<S> {
    /// Starts a thread of this name with a new store, and makes the state there.
    ///
    /// Returns when `state` has returned. The subscriptions that it makes stay active. Workers that it spawns live as
    /// long as their handles, so keep the handles in the state.
    ///
    /// # Errors
    /// If the system has no thread, or `state` panics. No thread is left behind.
    pub fn spawn(
        name: impl Into<String>,
        state: impl FnOnce(&ReactonStore) -> S + Send + 'static,
    ) -> Result<Self, SpawnError> {
        StoreThread::builder().name(name).spawn(state)
    }

    /// As [`spawn`](Self::spawn), for a state that cannot always be made.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn), and [`SpawnError::State`] with the message of the error that `state` returns.
    ///
    /// # Examples
    /// ```
    /// # use reacton_isolate::StoreThread;
    /// let failed = StoreThread::try_spawn("app", |_| "12.x".parse::<f64>());
    /// let error = failed.map(drop).expect_err("that is no number");
    /// assert_eq!(error.to_string(), "the state of the store thread `app` was not made: invalid float literal");
    /// ```
    pub fn try_spawn<E: Display>(
        name: impl Into<String>,
        state: impl FnOnce(&ReactonStore) -> Result<S, E> + Send + 'static,
    ) -> Result<Self, SpawnError> {
        StoreThread::builder().name(name).try_spawn(state)
    }

    /// Runs `f` on the thread, at the store's next turn, and returns what `f` returns.
    ///
    /// Posted closures and calls of handles run in the order in which they were sent. This method does not wait: the
    /// reply can be awaited on another thread, or dropped. A turn that `f` takes applies nothing.
    ///
    /// The reply is an error if the thread has ended, or if `f` or an observer of what it wrote panicked.
    pub fn post<U: Send + 'static>(
        &self,
        f: impl FnOnce(&ReactonStore, &mut S) -> U + Send + 'static,
    ) -> Reply<U> {
        self.handle.post(move |store| with_state(|state| f(store, state)))
    }
}

impl<S> StoreThread<S> {
    /// The name of the thread.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A handle of the store, for any thread. Its calls do nothing after the thread has ended.
    pub fn handle(&self) -> StoreHandle {
        self.handle.clone()
    }

    /// The status of the thread: running, failed with the message and place of a panic, or disposed.
    pub fn status(&self) -> IsolateStatus {
        self.status.get().clone()
    }

    /// Ends the thread at once. Idempotent, never blocks. A running callback finishes; long work can call
    /// `store.is_disposed()` to end sooner. Everything that is still queued is dropped. Workers of the store are
    /// disposed.
    pub fn dispose(&self) {
        // First the flag, then the wake-up: a waiting thread checks the flag when it wakes.
        self.mailbox.cancel();
        self.mailbox.post(Drain);
    }

    /// Ends the thread without losing anything: everything that was sent before is applied, one-off work and the
    /// workers of the store are drained, the state and the store are dropped, and the thread is joined.
    ///
    /// # Errors
    /// If the thread does not end in time; then it is detached and ends later. If it failed. At once, if it is called
    /// on the thread itself, which would wait for itself; then it is detached as well. To keep the handle, use
    /// [`try_shutdown`](Self::try_shutdown).
    pub fn shutdown(mut self, timeout: Duration) -> Result<(), ShutdownError> {
        let result = self.try_shutdown(timeout);
        self.detached =
            matches!(result, Err(ShutdownError::TimedOut { .. } | ShutdownError::Nested { .. }));
        result
    }

    /// As [`shutdown`](Self::shutdown), but by reference, as for one in an `Arc`: a thread that did not end in time can be
    /// waited for again, or [`dispose`](Self::dispose)d.
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown), but nothing is detached.
    pub fn try_shutdown(&self, timeout: Duration) -> Result<(), ShutdownError> {
        self.send_drain()?;
        if self.thread.as_ref().is_none_or(|thread| thread.ends_within(timeout)) {
            return self.result();
        }
        Err(ShutdownError::TimedOut {
            worker: self.name.clone(),
            timeout,
            queued: self.mailbox.queued() as u64,
            unfinished: match self.status() {
                IsolateStatus::Running => Unfinished::AtWork,
                _ => Unfinished::ThreadEnding,
            },
        })
    }

    /// As [`shutdown`](Self::shutdown), but waits without blocking the thread, and for as long as it takes. It may be awaited
    /// on any thread.
    ///
    /// Nothing happens before the first poll. Dropping it disposes the store, so you can limit the wait with the
    /// timeout of any executor.
    ///
    /// # Errors
    /// If the thread failed. If it is polled on the thread itself.
    #[must_use = "the store is disposed when this is dropped: await it"]
    pub async fn shutdown_async(self) -> Result<(), ShutdownError> {
        self.send_drain()?;
        if let Some(thread) = &self.thread {
            poll_fn(|context| thread.poll_end(context)).await;
        }
        self.result()
    }

    /// Drops this handle without ending the thread. It lives until the last [`StoreHandle`] of its store is dropped, or
    /// until it fails.
    pub fn detach(mut self) {
        self.detached = true;
    }

    fn send_drain(&self) -> Result<(), ShutdownError> {
        if self.thread.as_ref().is_some_and(Thread::is_current) {
            return Err(ShutdownError::Nested { worker: self.name.clone() });
        }
        self.mailbox.post(Drain);
        Ok(())
    }

    fn result(&self) -> Result<(), ShutdownError> {
        match self.status() {
            IsolateStatus::Failed { message, location } => {
                Err(ShutdownError::Failed { worker: self.name.clone(), message, location })
            }
            _ => Ok(()),
        }
    }
}

impl<S> Drop for StoreThread<S> {
    fn drop(&mut self) {
        if !self.detached {
            self.dispose();
        }
        if let Some(thread) = self.thread.take()
            && thread.ends_within(Duration::ZERO)
        {
            // Nothing of the program is left on the thread, so this does not block for long.
            let _ = thread.join();
        }
    }
}

impl<S> fmt::Debug for StoreThread<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, status) = (&self.name, self.status());
        f.debug_struct("StoreThread")
            .field("name", name)
            .field("status", &status)
            .finish_non_exhaustive()
    }
}

/// Options for a [`StoreThread`]. Made by [`StoreThread::builder`].
///
/// # Examples
/// ```
/// # use reacton_isolate::StoreThread;
/// # use std::time::Duration;
/// let app = StoreThread::builder().name("app").stack_size(8 << 20).spawn(|_| ())?;
/// assert_eq!(app.name(), "app");
/// # Ok::<(), reacton_isolate::SpawnError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a store thread starts with `spawn`"]
pub struct StoreThreadBuilder {
    options: Options,
}

impl StoreThreadBuilder {
    /// The name of the thread. `store` by default.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options.name = name.into();
        self
    }

    /// The size of the thread's stack in bytes. By default that of any thread of std.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options.stack_size = Some(bytes);
        self
    }

    /// As [`ReactonStore::set_spin`], for the store of the thread.
    pub fn spin(mut self, spin: Duration) -> Self {
        self.options.spin = Some(spin);
        self
    }

    /// Starts the thread: as [`StoreThread::spawn`].
    ///
    /// # Errors
    /// As [`StoreThread::spawn`].
    pub fn spawn<S: 'static>(
        self,
        state: impl FnOnce(&ReactonStore) -> S + Send + 'static,
    ) -> Result<StoreThread<S>, SpawnError> {
        self.start(move |store| Ok(state(store)))
    }

    /// Starts the thread: as [`StoreThread::try_spawn`].
    ///
    /// # Errors
    /// As [`StoreThread::try_spawn`].
    pub fn try_spawn<S: 'static, E: Display>(
        self,
        state: impl FnOnce(&ReactonStore) -> Result<S, E> + Send + 'static,
    ) -> Result<StoreThread<S>, SpawnError> {
        self.start(move |store| state(store).map_err(|error| error.to_string()))
    }

    fn start<S: 'static>(
        self,
        state: impl FnOnce(&ReactonStore) -> Result<S, String> + Send + 'static,
    ) -> Result<StoreThread<S>, SpawnError> {
        let Self { options } = self;
        let name = options.name.clone();
        tracing::debug!(thread = name, "a store thread starts");
        panics::watch_panics();
        let inbox = Inbox::new();
        if let Some(spin) = options.spin {
            inbox.set_spin(spin);
        }
        let (handle, mailbox) = (inbox.handle(), inbox.weak_mailbox());
        let status = Arc::<Status>::default();
        let setup = Setup {
            name: name.clone(),
            inbox,
            scope: Scope::current(),
            status: Arc::clone(&status),
        };
        let thread = start(&options, move |signal| run(setup, state, signal))
            .map_err(|source| SpawnError::Thread { worker: name.clone(), source })?;
        if !thread.waits_for_answer() {
            let ended = thread.join().err();
            let (message, location) = match &*status.get() {
                IsolateStatus::Failed { message, location } => (message.clone(), location.clone()),
                _ => (ended.unwrap_or_else(|| String::from("the thread gave no reason")), None),
            };
            return Err(SpawnError::State { thread: name, message, location });
        }
        let (thread, state) = (Some(thread), PhantomData);
        Ok(StoreThread { name, handle, mailbox, status, thread, detached: false, state })
    }
}

/// The data with which the thread starts.
struct Setup {
    name: String,
    inbox: Inbox,
    scope: Scope,
    status: Arc<Status>,
}

/// The status of the thread, for other threads.
struct Status(Mutex<IsolateStatus>);

impl Default for Status {
    fn default() -> Self {
        Self(Mutex::new(IsolateStatus::Running))
    }
}

impl Status {
    fn get(&self) -> MutexGuard<'_, IsolateStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only the first failure is kept.
    fn end(&self, result: Result<(), Caught>) {
        let mut status = self.get();
        match (&*status, result) {
            (IsolateStatus::Failed { .. }, _) => {}
            (_, Ok(())) => *status = IsolateStatus::Disposed,
            (_, Err(Caught { message, location })) => {
                *status = IsolateStatus::Failed { message, location };
            }
        }
    }
}

/// The body of the thread.
fn run<S: 'static>(
    setup: Setup,
    make: impl FnOnce(&ReactonStore) -> Result<S, String>,
    signal: &Arc<Signal>,
) {
    let Setup { name, inbox, scope, status } = setup;
    let _listening = scope.listen();
    let span = tracing::info_span!(parent: scope.span(), "store_thread", name);
    let store = inbox.into_store();
    match run_guarded(&store, &span, make) {
        Ok(Ok(state)) => {
            STATE.set(Some(Box::new(state)));
            signal.answer(IsolateMessage::HandshakeAck { mismatches: Vec::new() });
            status.end(run_guarded(&store, &span, take_turns).map(drop));
            status.end(run_guarded(&store, &span, |_| drop(STATE.take())));
        }
        Ok(Err(message)) => status.end(Err(Caught { message, location: None })),
        Err(caught) => status.end(Err(caught)),
    }
    status.end(run_guarded(&store, &span, ReactonStore::dispose));
    let status = status.get().clone();
    // A subscriber of tracing is user code.
    let _ = run_guarded(&store, &span, |_| {
        if let IsolateStatus::Failed { message, location } = status {
            tracing::warn!(thread = name, reason = message, location, "a store thread has failed");
        } else {
            tracing::debug!(thread = name, "a store thread has ended");
        }
    });
}

thread_local! {
    /// The state, on the thread that owns it.
    static STATE: RefCell<Option<Box<dyn Any>>> = const { RefCell::new(None) };
}

/// Lends the state to `f`. No closure can run inside another, because a turn there applies nothing.
fn with_state<S: 'static, U>(f: impl FnOnce(&mut S) -> U) -> U {
    struct Lent(Option<Box<dyn Any>>);
    impl Drop for Lent {
        fn drop(&mut self) {
            STATE.set(self.0.take());
        }
    }
    let mut lent = Lent(STATE.take());
    let state = lent.0.as_mut().and_then(|state| state.downcast_mut());
    f(state.expect("the thread takes turns from when the state is made until it is dropped"))
}

/// Ends the store once it has applied everything sent before.
struct Drain;

impl Arrival for Drain {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        Hub::of(store).drain(store);
        0
    }
}
