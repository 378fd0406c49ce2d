//! The opening of a file: what it holds is read, brought to the version of this build, and installed as one transaction.

mod reading;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, mpsc};

use reacton_core::ReactonStore;
use reacton_isolate::SharedSet;
use reacton_isolate::sink::{Sink, SinkEvents};

use self::reading::Reading;
use crate::book::{Book, Entry};
use crate::error::{OpenError, StorageError};
use crate::handle::{Saved, Shown};
use crate::migration::{FIRST, Steps};
use crate::persist::{Persist, name};
use crate::progress::Progress;
use crate::status::Problem;
use crate::storage::{KeptAside, Row, Storage};
use crate::writer::{self, Work};

pub(crate) fn open(
    persist: Persist,
    store: &ReactonStore,
    mut storage: Box<dyn Storage>,
) -> Result<Saved, OpenError> {
    let mut problems = Vec::new();
    let rows = load(&mut *storage, &mut problems)?;

    let progress = Arc::new(Progress::default());
    let shown = Rc::new(Shown::new(store, Arc::clone(&progress)));
    let set = persist.slots.iter().map(|slot| SharedSet::from([*slot])).collect();
    let events = Rc::clone(&shown) as Rc<dyn SinkEvents>;
    let (sink, held) = Sink::open(store, "persist", &set, events).map_err(OpenError::Value)?;
    let _ = shown.queue.set(Arc::clone(sink.queue()));
    // Before anything is installed, so that an error leaves the store as it was.
    let (sender, receiver) = mpsc::channel();
    let thread = writer::start(Arc::clone(sink.queue()), progress, persist.every, receiver);
    let thread = Some(thread.map_err(OpenError::Thread)?);
    let saved = Saved { store: store.downgrade(), sink: Some(sink), shown, thread };

    let blank = Sink::held(&ReactonStore::new(), persist.slots.iter().copied());
    let blank = blank.map_err(OpenError::Value)?.into_iter().collect();
    let mut reading = Reading {
        version: Sink::next_version(store),
        book: book(&persist),
        persist,
        held: held.into_iter().collect(),
        blank,
        collections: HashMap::new(),
        problems,
    };
    let values = reading.read(rows);
    if let (Some(sink), false) = (&saved.sink, values.is_empty()) {
        sink.load(store, values);
    }
    reading.compare(store)?;
    let Reading { book, problems, .. } = reading;
    saved.shown.add_problems(store, problems);
    if !book.is_clean() {
        saved.shown.progress.set_unsaved();
        if let Some(sink) = &saved.sink {
            // What the program has not written itself need not wait for others.
            sink.queue().ask();
        }
    }
    // The thread waits for it.
    let _ = sender.send(Work { book, storage });
    saved.shown.refresh(store);
    Ok(saved)
}

fn load(storage: &mut dyn Storage, problems: &mut Vec<Problem>) -> Result<Vec<Row>, OpenError> {
    let in_use = |error| match error {
        StorageError::InUse { path } => OpenError::InUse { path },
        error => OpenError::Storage(error),
    };
    match storage.load() {
        Err(StorageError::Damaged { path, reason }) => {
            tracing::warn!(path = %path.display(), reason, "a damaged file is kept aside");
            let KeptAside { kept_at, bytes } = storage.keep_aside()?;
            problems.push(Problem::Damaged { kept_at, bytes });
            storage.load().map_err(in_use)
        }
        loaded => loaded.map_err(in_use),
    }
}

fn book(persist: &Persist) -> Book {
    Book::new(persist.slots.iter().map(|slot| {
        let id = slot.reacton_ref().id();
        let schema = persist.steps.get(&id).map_or(FIRST, Steps::version);
        (id, Entry::new(name(slot), schema, *slot))
    }))
}
