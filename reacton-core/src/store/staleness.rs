//! What `is_stale` and `incoming` find among the items that wait, and the observers that are called because of it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::contents::{Contents, Newest};
use super::extension::Extension;
use super::item::Inbox;
use crate::id::{RefId, RefMap};

#[derive(Default)]
pub(crate) struct Staleness {
    reported: RefCell<Reported>,
    contents: RefCell<Contents>,
    /// Whether something is reported.
    any: Cell<bool>,
}

/// The reactons that `is_stale` returned true for: work may have been dropped for what waited. Their observers are called again even
/// if that does not change them: it may be equal, not decode, come over a link that is closed, or not be written by a closure that
/// panicked.
#[derive(Default)]
struct Reported {
    /// By the last item that waited when it was reported, the version of its cell then. If it has another one, observers have
    /// been called since.
    by_last: BTreeMap<(u64, RefId), Option<u64>>,
    /// The last item that waited when it was reported last.
    lasts: RefMap<u64>,
}

/// A newer value that waits.
pub(crate) enum Newer {
    /// As the layer above has sent it, for [`Extension::decode`].
    Sent { source: u64, payload: Box<dyn Any> },
    /// A closure writes it; the item of this number.
    Written(u64),
}

impl Staleness {
    /// Looks at what has arrived since the last look. Runs no user code. Returns the number of the last item that waits.
    fn look(&self, inbox: &Inbox) -> u64 {
        inbox.inspect(|items, taken| {
            self.contents.borrow_mut().look(items, taken);
            taken + items.len() as u64
        })
    }

    /// Whether what waits will bring a newer value of `id`, whose cell has this version now.
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
            self.report(id, version(), last);
        }
        brings
    }

    /// The newest value of `id` that waits and would be accepted.
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

    /// What is promised when a reacton is reported to be stale: its observers are called again.
    fn report(&self, id: RefId, version: Option<u64>, last: u64) {
        let mut reported = self.reported.borrow_mut();
        if let Some(before) = reported.lasts.insert(id, last) {
            reported.by_last.remove(&(before, id));
        }
        reported.by_last.insert((last, id), version);
        self.any.set(true);
    }

    /// Whether `id` was reported as stale in this version: then its next value is announced, equal or not.
    #[inline]
    pub(crate) fn is_reported(&self, id: RefId, version: impl FnOnce() -> Option<u64>) -> bool {
        if !self.any.get() {
            return false;
        }
        let reported = self.reported.borrow();
        let last = reported.lasts.get(&id);
        let found = last.and_then(|last| reported.by_last.get(&(*last, id)));
        found.is_some_and(|reported| *reported == version())
    }

    /// Whether something was reported as stale, and all that waited then is among the `taken` items.
    #[inline]
    pub(crate) fn has_overdue(&self, taken: impl FnOnce() -> u64) -> bool {
        self.any.get() && {
            let reported = self.reported.borrow();
            let taken = taken();
            reported.by_last.keys().next().is_some_and(|(last, _)| *last <= taken)
        }
    }

    /// What [`has_overdue`](Self::has_overdue) is true for, each with the version that it had. It is reported no more.
    pub(crate) fn take_overdue(&self, taken: u64) -> Vec<(RefId, Option<u64>)> {
        let mut reported = self.reported.borrow_mut();
        let mut overdue = Vec::new();
        while let Some(first) = reported.by_last.first_entry()
            && first.key().0 <= taken
        {
            let ((_, id), version) = first.remove_entry();
            reported.lasts.remove(&id);
            overdue.push((id, version));
        }
        self.any.set(!reported.by_last.is_empty());
        overdue
    }

    /// How many reactons are listed.
    #[cfg(test)]
    pub(super) fn contents_len(&self) -> usize {
        self.contents.borrow().len()
    }
}
