//! The steps of a history: those that can be undone, the last one at the end, and those that can be done again.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

use super::change::Change;
use crate::graph::{CellId, Token};
use crate::id::RefId;
use crate::merge::{Renamed, Way};

/// What is undone and done again as one.
pub(super) struct Step {
    /// One of each reacton.
    changes: Vec<Change>,
    /// Where the change of each reacton is; made when another transaction is added.
    places: HashMap<(RefId, Token), usize>,
    /// When the last transaction of it was recorded.
    at: Instant,
}

/// The steps, and how they are made.
pub(super) struct Steps {
    done: RefCell<VecDeque<Step>>,
    undone: RefCell<Vec<Step>>,
    keep: Cell<usize>,
    window: Cell<Duration>,
    /// Only marks end steps.
    is_marked: Cell<bool>,
    /// What is recorded next begins another step.
    is_ended: Cell<bool>,
}

impl Steps {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            done: RefCell::default(),
            undone: RefCell::default(),
            keep: Cell::new(keep),
            window: Cell::new(Duration::ZERO),
            is_marked: Cell::new(false),
            is_ended: Cell::new(true),
        }
    }

    /// Returns the steps that are beyond this number.
    #[must_use = "user code may run when they are dropped"]
    pub(super) fn set_keep(&self, keep: usize) -> Vec<Step> {
        self.keep.set(keep);
        self.trim()
    }

    pub(super) fn set_window(&self, window: Duration) {
        self.window.set(window);
    }

    pub(super) fn mark(&self) {
        self.is_marked.set(true);
        self.is_ended.set(true);
    }

    /// Adds what one transaction has written. Returns the steps that are not kept any more.
    #[must_use = "user code may run when they are dropped"]
    pub(super) fn push(&self, changes: Vec<Change>, now: Instant) -> Vec<Step> {
        let mut displaced = std::mem::take(&mut *self.undone.borrow_mut());
        // Taken out, because user code may run when changes are appended.
        let last = self.done.borrow_mut().pop_back();
        let is_ended = self.is_ended.replace(false);
        let (last, new) = match last {
            Some(mut last) if !is_ended && self.goes_on(&last, &changes, now) => {
                last.append(changes, now);
                (Some(last), None)
            }
            last => (last, Some(Step { changes, places: HashMap::new(), at: now })),
        };
        self.done.borrow_mut().extend(last.into_iter().chain(new));
        displaced.extend(self.trim());
        displaced
    }

    /// Whether what was written now belongs to the last step.
    fn goes_on(&self, last: &Step, changes: &[Change], now: Instant) -> bool {
        let is_one = match (last.changes.as_slice(), changes) {
            ([last], [change]) => last.key() == change.key(),
            _ => false,
        };
        let window = self.window.get();
        let is_soon = !window.is_zero() && now.saturating_duration_since(last.at) <= window;
        self.is_marked.get() || is_one && is_soon
    }

    fn trim(&self) -> Vec<Step> {
        let mut done = self.done.borrow_mut();
        let beyond = done.len().saturating_sub(self.keep.get());
        done.drain(..beyond).collect()
    }

    /// Takes out the step to be undone or done again.
    pub(super) fn take(&self, way: Way) -> Option<Step> {
        self.is_ended.set(true);
        match way {
            Way::Back => self.done.borrow_mut().pop_back(),
            Way::Again => self.undone.borrow_mut().pop(),
        }
    }

    /// Puts a step where it is after it was undone or done again.
    pub(super) fn put(&self, way: Way, step: Step) {
        match way {
            Way::Back => self.undone.borrow_mut().push(step),
            Way::Again => self.done.borrow_mut().push_back(step),
        }
        self.is_ended.set(true);
    }

    /// Takes over new names of items in the collection in `cell`.
    pub(super) fn rename(&self, cell: CellId, renamed: &Renamed) {
        for step in self.done.borrow_mut().iter_mut() {
            step.rename(cell, renamed);
        }
        for step in self.undone.borrow_mut().iter_mut() {
            step.rename(cell, renamed);
        }
    }

    /// Takes out all steps.
    #[must_use = "user code may run when they are dropped"]
    pub(super) fn clear(&self) -> Vec<Step> {
        self.is_ended.set(true);
        let mut all: Vec<_> = std::mem::take(&mut *self.done.borrow_mut()).into();
        all.append(&mut self.undone.borrow_mut());
        all
    }

    /// Whether there is a step to be undone, and one to be done again.
    pub(super) fn are_there(&self) -> (bool, bool) {
        (!self.done.borrow().is_empty(), !self.undone.borrow().is_empty())
    }
}

impl Step {
    pub(super) fn changes(&self) -> &[Change] {
        &self.changes
    }

    pub(super) fn into_changes(self) -> Vec<Change> {
        self.changes
    }

    fn append(&mut self, changes: Vec<Change>, now: Instant) {
        self.at = now;
        if self.places.is_empty() {
            let places = self.changes.iter().enumerate().map(|(at, change)| (change.key(), at));
            self.places = places.collect();
        }
        for change in changes {
            let next = self.changes.len();
            let at = *self.places.entry(change.key()).or_insert(next);
            if at < next {
                self.changes[at].append(change);
            } else {
                self.changes.push(change);
            }
        }
    }

    pub(super) fn rename(&mut self, cell: CellId, renamed: &Renamed) {
        for change in self.changes.iter_mut().filter(|change| change.cell() == cell) {
            change.rename(renamed);
        }
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, undone) = (self.done.borrow().len(), self.undone.borrow().len());
        f.debug_struct("History")
            .field("done", &done)
            .field("undone", &undone)
            .finish_non_exhaustive()
    }
}
