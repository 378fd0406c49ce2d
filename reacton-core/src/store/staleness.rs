//! What `is_stale` and `incoming` find in the queue, and the calls of observers that they make necessary.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use super::contents::{Contents, Newest};
use super::extension::Extension;
use super::item::Inbox;
use crate::graph::CellId;
use crate::id::RefId;

#[derive(Default)]
pub(crate) struct Staleness {
    reported: RefCell<Reported>,
    contents: RefCell<Contents>,
    /// Whether anything is in `reported`.
    any: Cell<bool>,
}

/// The reactons for which `is_stale` returned true, so that work may have been abandoned. Their observers must be
/// called again even if the queued value does not change them: it may be equal, not decode, come over a closed link, or
/// be written by a closure that panics.
#[derive(Default)]
struct Reported {
    /// The version of the cell when it was reported, by the number of the last item that was queued then. If the
    /// version has changed since, its observers have been called.
    by_last: BTreeMap<(u64, Subject), Option<u64>>,
    /// For each reacton, the number of the last item that was queued when it was last reported.
    lasts: HashMap<Subject, u64>,
}

/// What was reported as stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    /// What was declared.
    Declared(RefId),
    /// The entry of a collection, which has this cell because something observes it.
    Entry(CellId),
}

/// A newer value in the queue.
pub(crate) enum Newer {
    /// An encoded value, for [`Extension::decode`].
    Sent { source: u64, payload: Box<dyn Any> },
    /// A closure writes it: the item of this number.
    Written(u64),
}

impl Staleness {
    /// Indexes what has arrived since the last call, without user code. Returns the number of the last queued item.
    fn look(&self, inbox: &Inbox) -> u64 {
        inbox.inspect(|items, taken| {
            self.contents.borrow_mut().look(items, taken);
            taken + items.len() as u64
        })
    }

    /// Whether the queue will bring a newer value of `id`, whose cell has this version now. If so, records the report.
    pub(crate) fn brings(
        &self,
        inbox: &Inbox,
        extension: Option<&Rc<dyn Extension>>,
        id: RefId,
        version: impl FnOnce() -> Option<u64>,
    ) -> bool {
        let last = self.look(inbox);
        let mut contents = self.contents.borrow_mut();
        let brings = contents.brings(id, inbox.taken(), extension.map(Rc::as_ref));
        if brings {
            self.report(Subject::Declared(id), version(), last);
        }
        brings
    }

    /// Records that an entry was found to be stale.
    pub(crate) fn report_entry(&self, inbox: &Inbox, subject: Subject, version: Option<u64>) {
        let last = self.look(inbox);
        self.report(subject, version, last);
    }

    /// Whether a closure that writes `id` is queued.
    pub(crate) fn is_written(&self, inbox: &Inbox, id: RefId) -> bool {
        self.look(inbox);
        self.contents.borrow().is_written(id, inbox.taken())
    }

    /// The newest queued value of `id` that would be accepted.
    pub(crate) fn newest(
        &self,
        inbox: &Inbox,
        extension: Option<&Rc<dyn Extension>>,
        id: RefId,
    ) -> Option<Newer> {
        self.look(inbox);
        let mut contents = self.contents.borrow_mut();
        match contents.newest(id, inbox.taken(), extension.map(Rc::as_ref))? {
            Newest::Written { number } => Some(Newer::Written(number)),
            Newest::Sent { number, index, source } => {
                let payload = inbox.inspect_one(number, |item| item.payload(index))??;
                Some(Newer::Sent { source, payload })
            }
            Newest::Merged { source } => {
                let payload = contents.merged(source, id)?;
                Some(Newer::Sent { source, payload })
            }
        }
    }

    /// Records that a reacton was reported as stale, so that its observers are called again.
    fn report(&self, subject: Subject, version: Option<u64>, last: u64) {
        let mut reported = self.reported.borrow_mut();
        if let Some(before) = reported.lasts.insert(subject, last) {
            reported.by_last.remove(&(before, subject));
        }
        reported.by_last.insert((last, subject), version);
        self.any.set(true);
    }

    /// Whether `id` was reported as stale in this version: then its next value is announced, equal or not.
    #[inline]
    pub(crate) fn is_reported(&self, id: RefId, version: impl FnOnce() -> Option<u64>) -> bool {
        if !self.any.get() {
            return false;
        }
        let reported = self.reported.borrow();
        let subject = Subject::Declared(id);
        let last = reported.lasts.get(&subject);
        let found = last.and_then(|last| reported.by_last.get(&(*last, subject)));
        found.is_some_and(|reported| *reported == version())
    }

    /// Whether something was reported as stale and everything queued at that time is among the `taken` items.
    #[inline]
    pub(crate) fn has_overdue(&self, taken: impl FnOnce() -> u64) -> bool {
        self.any.get() && {
            let reported = self.reported.borrow();
            let taken = taken();
            reported.by_last.keys().next().is_some_and(|(last, _)| *last <= taken)
        }
    }

    /// Removes and returns the reports for which [`has_overdue`](Self::has_overdue) is true, each with the version of
    /// then.
    pub(crate) fn take_overdue(&self, taken: u64) -> Vec<(Subject, Option<u64>)> {
        let mut reported = self.reported.borrow_mut();
        let mut overdue = Vec::new();
        while let Some(first) = reported.by_last.first_entry()
            && first.key().0 <= taken
        {
            let ((_, subject), version) = first.remove_entry();
            reported.lasts.remove(&subject);
            overdue.push((subject, version));
        }
        self.any.set(!reported.by_last.is_empty());
        overdue
    }

    /// The number of reactons in the index.
    #[cfg(test)]
    pub(super) fn contents_len(&self) -> usize {
        self.contents.borrow().len()
    }
}
