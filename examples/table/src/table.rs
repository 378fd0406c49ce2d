//! The table without its window: what is sorted, filtered and counted.

use std::cmp::Reverse;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reacton::collections::Rows;
use reacton::persist::{OpenError, Persist, Redb, SaveStatus, Saved, saved};
use reacton::prelude::*;

use crate::stock::{ARTICLES, Article, NAMES, PACE, Part, WORKERS, WRITTEN, stock};

/// The text in the field. Articles whose name contains it are shown.
#[reacton]
static SEARCH: String = String::new();

/// The columns by which rows can be sorted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Column {
    Number,
    Name,
    Price,
    Pieces,
    Changes,
}

/// The value of a row in a column.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    Amount(usize),
    Number(u64),
    Text(Arc<str>),
}

impl Sort {
    fn of(column: Column, number: u64, article: &Article) -> Self {
        match column {
            Column::Number => Self::Number(number),
            Column::Name => Self::Text(Arc::clone(article.shown_name())),
            Column::Price => Self::Amount(article.price),
            Column::Pieces => Self::Amount(article.pieces),
            Column::Changes => Self::Amount(article.changes),
        }
    }
}

/// A place in the order, upwards or downwards.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Up(Sort),
    Down(Reverse<Sort>),
}

/// The maximum that one turn applies, so that a frame stays short whatever arrives.
const TURN: usize = 64;

/// How long closing waits for a worker, and for the disk.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much a kill may lose. Trades are all over the table, so each write touches most pages of the file: few large
/// writes cost less than many small ones.
const EVERY: Duration = Duration::from_secs(1);

/// What the person can undo.
const EDITS: Group = group![NAMES];

/// The state of the table, and the workers that write it.
pub(crate) struct Table {
    store: ReactonStore,
    /// `None` if the table is not saved.
    saved: Option<Saved>,
    history: History,
    workers: Vec<IsolateStore>,
    shown: View<u64, Article, Place>,
    column: Column,
    is_down: bool,
}

impl Table {
    /// Returns an empty table without workers, which is not saved.
    pub(crate) fn new() -> Self {
        let store = ReactonStore::new();
        let (column, is_down) = (Column::Number, false);
        Self {
            shown: shown(&store, column, is_down),
            saved: None,
            history: store.history(EDITS).keep(1000),
            store,
            workers: Vec::new(),
            column,
            is_down,
        }
    }

    /// Reads the rows from a file, and saves them from now on. Called before the workers are started, which then get
    /// these rows.
    pub(crate) fn remember(&mut self, path: &Path) -> Result<(), OpenError> {
        let saved = Persist::new(saved![ARTICLES, NAMES]).every(EVERY);
        self.saved = Some(saved.open(&self.store, Redb::at(path))?);
        Ok(())
    }

    /// Returns whether what the table holds is on disk; `None` if it is not saved at all.
    pub(crate) fn save_status(&self) -> Option<SaveStatus> {
        self.saved.as_ref().map(|saved| self.store.get(saved.status()))
    }

    /// Returns what could not be read or saved.
    pub(crate) fn problems(&self) -> Vec<String> {
        let Some(saved) = &self.saved else { return Vec::new() };
        self.store.with(saved.problems(), |all| all.iter().map(ToString::to_string).collect())
    }

    /// Starts the workers for `rows` rows, of which `pace` change in a second.
    pub(crate) fn begin(&mut self, rows: u64, pace: u32) -> Result<(), SpawnError> {
        self.store.set(&PACE, pace);
        for first in 0..WORKERS {
            let part = Part { first: first.into(), rows };
            self.workers.push(stock::spawn(&self.store, part)?);
        }
        Ok(())
    }

    /// From now on `wake` is called, from any thread, when a turn has something to apply.
    pub(crate) fn on_wake(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.store.on_wake(wake);
    }

    /// Applies what the workers have sent, without waiting. Returns whether more is left.
    pub(crate) fn take_turn(&self) -> bool {
        self.store.pump_at_most(TURN) == TURN
    }

    /// Returns how many rows there are, and how many are shown.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.store.with(&ARTICLES, ReactonMap::len), self.store.with(&self.shown, Rows::len))
    }

    /// Returns how many rows were written.
    pub(crate) fn written(&self) -> i64 {
        self.store.with(&WRITTEN, Counter::value)
    }

    /// Returns the rows at these positions.
    pub(crate) fn window(
        &self,
        positions: Range<usize>,
    ) -> impl Iterator<Item = (u64, Arc<Article>)> {
        self.store.with(&self.shown, |rows| rows.range(positions))
    }

    pub(crate) fn column(&self) -> (Column, bool) {
        (self.column, self.is_down)
    }

    /// Sorts by a column. If the rows are sorted by it already, reverses the order.
    pub(crate) fn sort(&mut self, column: Column) {
        self.is_down = column == self.column && !self.is_down;
        self.column = column;
        self.shown = shown(&self.store, column, self.is_down);
    }

    /// Sets the name of an article. An empty one stands for the name that it came with.
    pub(crate) fn rename(&self, number: u64, name: &str) {
        let name = name.trim();
        let is_given = |article: &Article| !name.is_empty() && *article.name != *name;
        let is_given = self.store.with(&ARTICLES, |rows| rows.get(&number).is_some_and(is_given));
        self.store.update(&NAMES, |names| {
            if is_given {
                names.insert(number, name.into());
            } else {
                names.remove(&number);
            }
        });
    }

    /// Takes back the last edit of the person. What the workers have written since stays.
    pub(crate) fn undo(&self) {
        self.history.undo();
    }

    /// Makes the edit again that was undone last.
    pub(crate) fn redo(&self) {
        self.history.redo();
    }

    /// Returns whether there is an edit to be undone, and one to be made again.
    pub(crate) fn edits(&self) -> (bool, bool) {
        (self.store.get(self.history.can_undo()), self.store.get(self.history.can_redo()))
    }

    pub(crate) fn search(&self, text: String) {
        self.store.set(&SEARCH, text);
    }

    /// Returns why a worker has ended, if one has.
    pub(crate) fn failure(&self) -> Option<String> {
        self.workers.iter().find_map(|worker| match self.store.get(worker.status()) {
            IsolateStatus::Failed { message, .. } => Some(message),
            _ => None,
        })
    }

    /// Ends the workers, and writes what they have sent last.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        let failure = self.failure();
        for worker in &self.workers {
            worker.dispose();
        }
        for worker in self.workers.drain(..) {
            worker.shutdown(PATIENCE).map_err(|error| error.to_string())?;
        }
        if let Some(saved) = self.saved.take() {
            saved.flush(PATIENCE).map_err(|error| error.to_string())?;
        }
        failure.map_or(Ok(()), |message| Err(format!("a worker failed: {message}")))
    }
}

/// Returns the rows that match the search, in the order of a column.
fn shown(store: &ReactonStore, column: Column, is_down: bool) -> View<u64, Article, Place> {
    store
        .view(&ARTICLES)
        .filter_by(&SEARCH, |search, _, article| article.shown_name().contains(search.as_str()))
        .sort_by_key(move |number, article| {
            let sort = Sort::of(column, *number, article);
            if is_down { Place::Down(Reverse(sort)) } else { Place::Up(sort) }
        })
}

#[cfg(test)]
mod tests;
