//! The editor without its window: what it is asked to do, and what there is to show.

use std::path::PathBuf;
use std::time::Duration;

use reacton::prelude::*;

use crate::darkroom::{
    COPIED, Filters, Job, PICTURE, Picture, REPORT, REQUEST, Report, Request, SAVE, Save, Stage,
    State, Wish, darkroom,
};

/// What the window tells of the work.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Status {
    /// Nothing was opened yet.
    Empty,
    Processing {
        stage: Stage,
        percent: u16,
    },
    Cancelled,
    Done,
    Failed(String),
}

/// Follows from the last request and the last report: a report of an older request says nothing any more.
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

/// What became of the last picture that was to be saved.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Saved {
    No,
    Saving,
    To(PathBuf),
    Failed(String),
}

/// Follows from the last copy that was asked for and the last that the worker tells of.
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

/// What one turn takes in at most, so that a frame stays short whatever comes.
const TURN: usize = 32;

/// How long closing waits for the worker, which looks up at each row of a picture, and for a file that it writes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state of the editor, and the worker that does its work.
pub(crate) struct Editor {
    store: ReactonStore,
    /// Nothing once it was closed.
    worker: Option<IsolateStore>,
    /// The photo that was opened last, and how many were.
    path: Option<PathBuf>,
    opened: u64,
    filters: Filters,
    /// How many copies were asked for.
    saves: u64,
}

impl Editor {
    /// An editor with nothing opened.
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

    /// From now on `wake` is called, from any thread, when there is something to take in.
    pub(crate) fn on_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.store.on_wake(wake);
    }

    /// Takes in what the worker sent. It never waits. Whether there is more.
    pub(crate) fn take_turn(&self) -> bool {
        self.store.pump_at_most(TURN) == TURN
    }

    pub(crate) fn status(&self) -> Status {
        match self.failure() {
            Some(message) => Status::Failed(format!("the worker failed: {message}")),
            None => self.store.get(&STATUS),
        }
    }

    /// Looks at the last picture where it lies.
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

    /// Reads a photo, also one that was read before, and puts it through the filters.
    pub(crate) fn open(&mut self, path: PathBuf) {
        self.path = Some(path);
        self.opened += 1;
        self.request();
    }

    /// Asks for the photo with other filters. What is under way is dropped.
    pub(crate) fn adjust(&mut self, filters: Filters) {
        self.filters = filters;
        self.request();
    }

    /// Drops what is under way.
    pub(crate) fn cancel(&self) {
        self.ask(Wish::Stop);
    }

    /// Lets the worker's process abort, as a decoder in C might.
    #[cfg(unix)]
    pub(crate) fn crash(&self) {
        self.ask(Wish::Crash);
    }

    fn request(&mut self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        if self.failure().is_some() {
            // A worker that has died is replaced when there is something to do again, and the copy that it was writing
            // is given up. If that fails, the status of the one before stays as it is.
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

    /// Why the worker is no more, if it is not.
    fn failure(&self) -> Option<String> {
        match self.store.get(self.worker.as_ref()?.status()) {
            IsolateStatus::Failed { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Lets the picture be written beside its photo; [`saved`](Self::saved) tells of it.
    pub(crate) fn save(&mut self) {
        // Two that write to one file would spoil it.
        if self.saved() == Saved::Saving {
            return;
        }
        self.saves += 1;
        let picture = self.with_picture(|picture| picture.request);
        self.store.set(&SAVE, Save { number: self.saves, picture });
    }

    /// Ends the worker, in the middle of its work if need be, and lets a file that is being written be finished.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        self.cancel();
        match self.worker.take() {
            Some(worker) => worker.shutdown(PATIENCE).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

/// Starts a worker in a process of its own where there are such.
fn start(store: &ReactonStore) -> Result<IsolateStore, SpawnError> {
    let worker = darkroom::builder();
    #[cfg(unix)]
    let worker = worker.process();
    worker.spawn(store)
}

#[cfg(test)]
mod tests;
