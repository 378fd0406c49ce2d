//! The table without its window: what is sorted, filtered and counted.

use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use reacton::collections::Rows;
use reacton::prelude::*;

use crate::stock::{ARTICLES, Article, PACE, Part, WORKERS, WRITTEN, stock};

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
            Column::Name => Self::Text(Arc::clone(&article.name)),
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

/// How long closing waits for a worker.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state of the table, and the workers that write it.
pub(crate) struct Table {
    store: ReactonStore,
    workers: Vec<IsolateStore>,
    shown: View<u64, Article, Place>,
    column: Column,
    is_down: bool,
}

impl Table {
    /// Returns an empty table without workers.
    pub(crate) fn new() -> Self {
        let store = ReactonStore::new();
        let (column, is_down) = (Column::Number, false);
        Self { shown: shown(&store, column, is_down), store, workers: Vec::new(), column, is_down }
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

    /// Ends the workers.
    pub(crate) fn close(&mut self) -> Result<(), String> {
        let failure = self.failure();
        for worker in &self.workers {
            worker.dispose();
        }
        for worker in self.workers.drain(..) {
            worker.shutdown(PATIENCE).map_err(|error| error.to_string())?;
        }
        failure.map_or(Ok(()), |message| Err(format!("a worker failed: {message}")))
    }
}

/// Returns the rows that match the search, in the order of a column.
fn shown(store: &ReactonStore, column: Column, is_down: bool) -> View<u64, Article, Place> {
    store
        .view(&ARTICLES)
        .filter_by(&SEARCH, |search, _, article| article.name.contains(search.as_str()))
        .sort_by_key(move |number, article| {
            let sort = Sort::of(column, *number, article);
            if is_down { Place::Down(Reverse(sort)) } else { Place::Up(sort) }
        })
}

#[cfg(test)]
mod tests;
