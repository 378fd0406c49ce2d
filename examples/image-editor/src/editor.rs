//! The editor without its window: the actions that it offers, and the state to show.

use std::path::PathBuf;
use std::time::Duration;

use reacton::prelude::*;

use crate::darkroom::{
    COPIED, Filters, Job, PICTURE, Picture, REPORT, REQUEST, Report, Request, SAVE, Save, Stage,
    State, Wish, darkroom,
};

/// The status of the work, as the window shows it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Status {
    /// No photo was opened yet.
    Empty,
    Processing {
        stage: Stage,
        percent: u16,
    },
    Cancelled,
    Done,
    Failed(String),
}

/// Computed from the last request and the last report. A report about an older request is ignored.
#[computed]
static STATUS: Status = |cx| {
    let (asked, wanted) = cx.with(&REQUEST, |request| (request.number, request.wish != Wish::Stop));
    let Report { request, state } = cx.get(&REPORT);
    match state {
        _ if asked == 0 => Status::Empty,
        _ if !wanted => Status::Cancelled,
        State::Working { stage, percent } if request == asked => {
            Status::Processing { stage, percent }
        }
        State::Done if request == asked => Status::Done,
        State::Failed(message) if request == asked => Status::Failed(message),
        _ => Status::Processing { stage: Stage::Waiting, percent: 0 },
    }
};

/// The status of the last request to save.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Saved {
    No,
    Saving,
    To(PathBuf),
    Failed(String),
}

/// Computed from the last request to save and the last copy that the worker reports.
#[computed]
static SAVED: Saved = |cx| {
    let Save { number, .. } = cx.get(&SAVE);
    cx.with(&COPIED, |copied| match &copied.file {
        _ if number == 0 => Saved::No,
        _ if copied.save != number => Saved::Saving,
        Ok(path) => Saved::To(path.into()),
        Err(message) => Saved::Failed(message.clone()),
    })
};

/// The maximum that one turn applies, so that a frame stays short whatever arrives.
const TURN: usize = 32;

/// How long closing waits for the worker, which checks at each row of a picture whether it is to end, and for a file
/// that it writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state of the editor, and the worker that does its work.
pub(crate) struct Editor {
    store: ReactonStore,
    /// `None` after `close`.
    worker: Option<IsolateStore>,
    /// The photo that was opened last, and the number of photos that were opened.
    path: Option<PathBuf>,
    opened: u64,
    filters: Filters,
    /// How many copies were requested.
    saves: u64,
}

impl Editor {
    /// Returns an editor without a photo.
    pub(crate) fn new() -> Result<Self, SpawnError> {
        let store = ReactonStore::new();
        let worker = start(&store)?;
        Ok(Self {
            store,
            worker: Some(worker),
            path: None,
            opened: 0,
            filters: Filters::default(),
            saves: 0,
        })
    }

    /// From now on `wake` is called, from any thread, when a turn has something to apply.
    pub(crate) fn on_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.store.on_wake(wake);
    }

    /// Applies what the worker has sent, without waiting. Returns whether more is left.
    pub(crate) fn take_turn(&self) -> bool {
        self.store.pump_at_most(TURN) == TURN
    }

    pub(crate) fn status(&self) -> Status {
        match self.failure() {
            Some(message) => Status::Failed(format!("the worker failed: {message}")),
            None => self.store.get(&STATUS),
        }
    }

    /// Calls `look` with the last picture, without copying it.
    pub(crate) fn with_picture<R>(&self, look: impl FnOnce(&Picture) -> R) -> R {
        self.store.with(&PICTURE, look)
    }

    pub(crate) fn saved(&self) -> Saved {
        match (self.store.get(&SAVED), self.failure()) {
            (Saved::Saving, Some(message)) => {
                Saved::Failed(format!("not saved: the worker failed: {message}"))
            }
            (saved, _) => saved,
        }
    }

    pub(crate) fn filters(&self) -> Filters {
        self.filters
    }

    /// Reads a photo, even if it was read before, and applies the filters.
    pub(crate) fn open(&mut self, path: PathBuf) {
        self.path = Some(path);
        self.opened += 1;
        self.request();
    }

    /// Requests the photo with other filters, and drops the current work.
    pub(crate) fn adjust(&mut self, filters: Filters) {
        self.filters = filters;
        self.request();
    }

    /// Drops the current work.
    pub(crate) fn cancel(&self) {
        self.ask(Wish::Stop);
    }

    /// Makes the worker's process abort, as a decoder in C might.
    #[cfg(unix)]
    pub(crate) fn crash(&self) {
        self.ask(Wish::Crash);
    }

    fn request(&mut self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        if self.failure().is_some() {
            // When there is something to do again, a worker that has died is replaced, and the copy that it was writing
            // is given up. If the start fails, the status of the old worker stays.
            self.store.set(&SAVE, Save::default());
            self.worker = start(&self.store).ok().or(self.worker.take());
        }
        let path = path.into_os_string();
        self.ask(Wish::Develop(Job { path, opened: self.opened, filters: self.filters }));
    }

    fn ask(&self, wish: Wish) {
        self.store.batch(|store| {
            if self.saved() != Saved::Saving {
                store.set(&SAVE, Save::default());
            }
            store.update(&REQUEST, |request| {
                *request = Request { number: request.number + 1, wish };
            });
        });
    }

    /// Returns why the worker has ended, if it has.
    fn failure(&self) -> Option<String> {
        match self.store.get(self.worker.as_ref()?.status()) {
            IsolateStatus::Failed { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Requests that the picture be written to a file beside its photo; [`saved`](Self::saved) returns the result.
    pub(crate) fn save(&mut self) {
        // Two writers of one file would damage it.
        if self.saved() == Saved::Saving {
            return;
        }
        self.saves += 1;
        let picture = self.with_picture(|picture| picture.request);
        self.store.set(&SAVE, Save { number: self.saves, picture });
    }

    /// Ends the worker, even in the middle of its work. A file that is being written is finished first.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        self.cancel();
        match self.worker.take() {
            Some(worker) => worker.shutdown(PATIENCE).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

/// Starts a worker, in its own process if the system supports that.
fn start(store: &ReactonStore) -> Result<IsolateStore, SpawnError> {
    let worker = darkroom::builder();
    #[cfg(unix)]
    let worker = worker.process();
    worker.spawn(store)
}

#[cfg(test)]
mod tests;
