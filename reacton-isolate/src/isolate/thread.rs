//! The threads of workers: how one starts, what it waits for before its life begins, and how its end is awaited.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reacton_core::{Arrival, Mailbox, ReactonStore};

use super::begin::Options;
use crate::hub::Hub;
use crate::life::Birth;
use crate::message::IsolateMessage;
use crate::sync::LinkId;
use crate::worker::{Answer, Entry, live};

/// The thread of a worker.
#[derive(Debug)]
pub(crate) struct Thread {
    handle: JoinHandle<()>,
    /// The thread lets go of the other end as the last thing of ours that it does: by this a join has a timeout. What it
    /// keeps in `thread_local!`s is dropped after that, and waited for without one.
    ended: Receiver<IsolateMessage>,
}

impl Thread {
    pub(crate) fn new(handle: JoinHandle<()>, ended: Receiver<IsolateMessage>) -> Self {
        Self { handle, ended }
    }

    /// Whether it ends in that time.
    pub(crate) fn ends_within(&self, timeout: Duration) -> bool {
        matches!(self.ended.recv_timeout(timeout), Err(RecvTimeoutError::Disconnected))
    }

    /// Waits for its end.
    pub(crate) fn join(self) {
        // It unwinds only if it died in its handshake, and that is known by then.
        let _ = self.handle.join();
    }
}

/// Starts a thread as `options` want it.
pub(crate) fn start(
    options: &Options,
    life: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut builder = thread::Builder::new();
    // A name with a NUL in it is one that no thread can have.
    if !options.name.contains('\0') {
        builder = builder.name(options.name.clone());
    }
    if let Some(bytes) = options.stack_size {
        builder = builder.stack_size(bytes);
    }
    builder.spawn(life)
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
    pub(crate) ended: SyncSender<IsolateMessage>,
    pub(crate) entry: Entry,
}

impl Successor {
    /// The whole life of its thread: it waits, asks main what the present values are, and lives.
    pub(crate) fn live(self) {
        let Self { link, wait, main, cradle, ended, entry } = self;
        if !matches!(cradle.recv_timeout(wait), Err(RecvTimeoutError::Timeout)) {
            return;
        }
        main.post(Ready { link });
        drop(main);
        if let Ok(birth) = cradle.recv() {
            live(birth, Answer::OverTheLink, entry);
        }
        drop(ended);
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
