//! Copies of collections, which are built only from changes and check that each change fits.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use reacton::prelude::*;

/// A copy of a collection whose changes are of the type `C`.
pub(super) trait Copied<C>: PartialEq + Debug + 'static {
    /// Applies one change. Returns whether it fits: what it says of the old state is true, and it is a change.
    fn apply(&mut self, change: &C) -> bool;

    /// Whether the changes of one call are in the promised order.
    fn are_in_order(changes: &[C]) -> bool;

    /// Applies the changes of one call.
    fn apply_all(&mut self, changes: &[C])
    where
        C: Debug,
        Self: Sized,
    {
        let before = format!("{self:?}");
        let fits = !changes.is_empty() && Self::are_in_order(changes);
        if !changes.iter().fold(fits, |fits, change| self.apply(change) && fits) {
            notice(|| format!("{changes:?} for {before}"));
        }
    }
}

impl Copied<Change<u8, Arc<u16>>> for BTreeMap<u8, u16> {
    fn apply(&mut self, change: &Change<u8, Arc<u16>>) -> bool {
        match change {
            Change::Added { key, new } => self.insert(*key, **new).is_none(),
            Change::Replaced { key, old, new } => {
                self.insert(*key, **new) == Some(**old) && old != new
            }
            Change::Removed { key, old } => self.remove(key) == Some(**old),
        }
    }

    fn are_in_order(changes: &[Change<u8, Arc<u16>>]) -> bool {
        changes.is_sorted_by(|one, next| one.key() < next.key())
    }
}

impl Copied<Change<u8, ()>> for BTreeSet<u8> {
    fn apply(&mut self, change: &Change<u8, ()>) -> bool {
        match change {
            Change::Added { key, .. } => self.insert(*key),
            Change::Replaced { .. } => false,
            Change::Removed { key, .. } => self.remove(key),
        }
    }

    fn are_in_order(changes: &[Change<u8, ()>]) -> bool {
        changes.is_sorted_by(|one, next| one.key() < next.key())
    }
}

impl Copied<Diff<u16>> for Vec<u16> {
    fn apply(&mut self, diff: &Diff<u16>) -> bool {
        let len = self.len();
        let fits = match diff {
            Diff::Insert { index, .. } => *index <= len,
            Diff::Remove { index, old } => self.get(*index) == Some(&**old),
            Diff::Set { index, old, new } => self.get(*index) == Some(&**old) && old != new,
            Diff::Move { from, to } => *from < len && *to < len && from != to,
        };
        if fits {
            diff.apply(self);
        }
        fits
    }

    fn are_in_order(diffs: &[Diff<u16>]) -> bool {
        diffs.is_sorted_by_key(|diff| match diff {
            Diff::Remove { .. } => 0,
            Diff::Insert { .. } | Diff::Move { .. } => 1,
            Diff::Set { .. } => 2,
        })
    }
}

thread_local! {
    /// What an observer was told that cannot be. A panic of the observer would only end its worker.
    static NOTICED: RefCell<Option<String>> = const { RefCell::new(None) };
    /// The kind of the mirrors that began last.
    static KIND: Cell<&'static str> = const { Cell::new("") };
}

/// Keeps the first of these lines.
pub(super) fn notice(line: impl FnOnce() -> String) {
    NOTICED.with_borrow_mut(|noticed| _ = noticed.get_or_insert_with(line));
}

/// Returns what was noticed since the last call.
pub(super) fn noticed() -> Option<String> {
    NOTICED.take()
}

pub(super) fn map_of(rows: &ReactonMap<u8, u16>) -> BTreeMap<u8, u16> {
    rows.iter().map(|(key, value)| (*key, *value)).collect()
}

pub(super) fn set_of(tags: &ReactonSet<u8>) -> BTreeSet<u8> {
    tags.iter().copied().collect()
}

pub(super) fn list_of(items: &ReactonList<u16>) -> Vec<u16> {
    items.iter().copied().collect()
}

/// A copy for the test and for its observer.
pub(super) fn shared<T>(copy: T) -> [Rc<RefCell<T>>; 2] {
    let copy = Rc::new(RefCell::new(copy));
    [Rc::clone(&copy), copy]
}

/// Calls `f` with everything that a stream has.
pub(super) fn read<S: Stream + Unpin>(stream: &mut S, mut f: impl FnMut(S::Item)) {
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(next) = std::pin::Pin::new(&mut *stream).poll_next(&mut context) {
        let Some(next) = next else { return notice(|| "a stream of a running store ends".into()) };
        f(next);
    }
}
