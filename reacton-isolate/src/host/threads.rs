//! The threads of workers: how one starts, what it waits for before its life begins, and how its end is awaited.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reacton_core::panics::discard;
use reacton_core::{Arrival, Mailbox, ReactonStore, panic_message};

use super::signal::Signal;
use crate::api::begin::Options;
use crate::api::worker::{Answer, Entry, live};
use crate::hub::Hub;
use crate::sync::LinkId;
use crate::worker::runtime::Birth;

/// The thread of a worker.
#[derive(Debug)]
pub(crate) struct Thread {
    handle: JoinHandle<()>,
    /// By this, waiting for its end has a timeout, and a waker.
    signal: Arc<Signal>,
}

impl Thread {
    /// Whether it ends in that time, with all that it keeps in `thread_local!`s.
    pub(crate) fn ends_within(&self, timeout: Duration) -> bool {
        self.signal.wait_end(timeout)
    }

    /// As [`ends_within`](Self::ends_within), for a task.
    pub(crate) fn poll_end(&self, context: &Context<'_>) -> Poll<()> {
        self.signal.poll_end(context)
    }

    pub(crate) fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Waits until it has [answered](Signal::answer) or ended. Returns whether it has answered.
    pub(crate) fn waits_for_answer(&self) -> bool {
        self.signal.wait_answer(Duration::MAX).is_ok()
    }

    /// Whether it is the thread that calls this.
    pub(crate) fn is_current(&self) -> bool {
        self.handle.thread().id() == thread::current().id()
    }

    /// Waits for its end. If it unwinds, the words of its panic are the error.
    pub(crate) fn join(self) -> Result<(), String> {
        self.handle.join().map_err(|payload| {
            let message = panic_message(&*payload);
            discard(payload);
            message
        })
    }
}

/// Starts a thread as `options` want it.
pub(crate) fn start(
    options: &Options,
    life: impl FnOnce(&Signal) + Send + 'static,
) -> io::Result<Thread> {
    let mut builder = thread::Builder::new();
    // A name with a NUL in it is one that no thread can have.
    if !options.name.contains('\0') {
        builder = builder.name(options.name.clone());
    }
    if let Some(bytes) = options.stack_size {
        builder = builder.stack_size(bytes);
    }
    let signal = Arc::<Signal>::default();
    let own = Arc::clone(&signal);
    let handle = builder.spawn(move || {
        own.attach();
        life(&own);
    })?;
    Ok(Thread { handle, signal })
}

/// A worker that is to take the place of one that died.
pub(crate) struct Successor {
    /// The link that it will have.
    pub(crate) link: LinkId,
    pub(crate) wait: Duration,
    /// Of the store that spawns.
    pub(crate) main: Mailbox,
    /// What it is born with comes here; if nothing can come any more, it is not born.
    pub(crate) cradle: Receiver<Birth>,
    pub(crate) entry: Entry,
}

impl Successor {
    /// The whole life of its thread: it waits, asks main what the present values are, and lives.
    pub(crate) fn live(self) {
        let Self { link, wait, main, cradle, entry } = self;
        if !matches!(cradle.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        main.post(Ready { link });
        drop(main);
        if let Ok(birth) = cradle.recv() {
            live(birth, Answer::OverTheLink, entry);
        }
    }
}

/// A successor has waited long enough.
pub(crate) struct Ready {
    pub(crate) link: LinkId,
}

impl Arrival for Ready {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store) {
            hub.bear(store, self.link);
        }
        0
    }
}
