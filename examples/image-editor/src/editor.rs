//! The editor without its window: what it is asked to do, and what there is to show.

use std::path::PathBuf;
use std::time::Duration;

use image::ImageFormat;
use reacton::prelude::*;
use reacton::{Task, run};

use crate::darkroom::{
    Filters, Job, PICTURE, Picture, REPORT, REQUEST, Report, Request, State, darkroom,
};
use crate::whole::{with_suffix, write_whole};

/// What the window tells of the work.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Status {
    /// Nothing was opened yet.
    Empty,
    Processing {
        stage: &'static str,
        percent: u16,
    },
    Cancelled,
    Done,
    Failed(String),
}

/// Follows from the last request and the last report: a report of an older request says nothing any more.
#[computed]
static STATUS: Status = |cx| {
    let (asked, wanted) = cx.with(&REQUEST, |request| (request.number, request.job.is_some()));
    let Report { request, state } = cx.get(&REPORT);
    match state {
        _ if asked == 0 => Status::Empty,
        _ if !wanted => Status::Cancelled,
        State::Working { stage, percent } if request == asked => {
            Status::Processing { stage, percent }
        }
        State::Done if request == asked => Status::Done,
        State::Failed(message) if request == asked => Status::Failed(message),
        _ => Status::Processing { stage: "waiting", percent: 0 },
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

#[reacton]
static SAVED: Saved = Saved::No;

/// What one turn takes in at most, so that a frame stays short whatever comes.
const TURN: usize = 32;

/// How long closing waits for the worker, which looks up at each row of a picture.
const PATIENCE: Duration = Duration::from_secs(5);

/// The state of the editor, and the worker that does its work.
pub(crate) struct Editor {
    store: ReactonStore,
    /// Nothing once it was closed.
    worker: Option<IsolateStore>,
    /// The photo that was opened last, and how many were.
    path: Option<PathBuf>,
    opened: u64,
    filters: Filters,
    saving: Option<Task<()>>,
}

impl Editor {
    /// An editor with nothing opened.
    pub(crate) fn new() -> Result<Self, SpawnError> {
        let store = ReactonStore::new();
        let worker = darkroom::spawn(&store)?;
        Ok(Self {
            store,
            worker: Some(worker),
            path: None,
            opened: 0,
            filters: Filters::default(),
            saving: None,
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

    pub(crate) fn picture(&self) -> Picture {
        self.store.get(&PICTURE)
    }

    pub(crate) fn saved(&self) -> Saved {
        self.store.get(&SAVED)
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
        self.ask(None);
    }

    fn request(&mut self) {
        let Some(path) = self.path.clone() else {
            return;
        };
        if self.failure().is_some() {
            // A worker that has died is replaced when there is something to do again. If that fails, the status of
            // the one before stays as it is.
            self.worker = darkroom::spawn(&self.store).ok().or(self.worker.take());
        }
        self.ask(Some(Job { path, opened: self.opened, filters: self.filters }));
    }

    fn ask(&self, job: Option<Job>) {
        self.store.batch(|store| {
            if store.get(&SAVED) != Saved::Saving {
                store.set(&SAVED, Saved::No);
            }
            store.update(&REQUEST, |request| {
                *request = Request { number: request.number + 1, job };
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

    /// Writes the picture beside its photo, on another thread; [`saved`](Self::saved) tells of it.
    pub(crate) fn save(&mut self) {
        // Two that write to one file would spoil it.
        if self.saved() == Saved::Saving {
            return;
        }
        self.store.set(&SAVED, Saved::Saving);
        let Picture { path, full, .. } = self.picture();
        let handle = self.store.handle();
        self.saving = Some(run(move || {
            let path = with_suffix(&path, ".edited.png");
            let saved =
                match write_whole(&path, |part| full.save_with_format(part, ImageFormat::Png)) {
                    Ok(()) => Saved::To(path),
                    Err(error) => {
                        Saved::Failed(format!("{} cannot be written: {error}", path.display()))
                    }
                };
            handle.set(&SAVED, saved);
        }));
    }

    /// Ends the worker, in the middle of its work if need be, and lets a file that is being written be finished.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        self.cancel();
        if let Some(saving) = self.saving.take() {
            saving.join().map_err(|error| error.to_string())?;
        }
        match self.worker.take() {
            Some(worker) => worker.shutdown(PATIENCE).map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
