//! What `is_stale` and `incoming` look for in an inbox, and what they have promised.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::contents::Newest;
use super::{Contents, Inbox, Item, WakeUp};
use crate::id::{RefId, RefMap};
use crate::reacton::access::sealed::Place;
use crate::store::ReactonStore;
use crate::store::extension::Extension;

#[derive(Default)]
pub(super) struct Stale {
    reported: RefCell<Reported>,
    contents: RefCell<Contents>,
    /// Whether something was reported and not forgotten.
    any: Cell<bool>,
}

#[cfg(test)]
impl Stale {
    /// How many reactons are listed.
    pub(super) fn contents_len(&self) -> usize {
        self.contents.borrow().len()
    }
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

/// A value that waits.
pub(crate) enum Found {
    /// As the layer above has sent it, for [`Extension::decode`].
    Sent { source: u64, payload: Box<dyn Any> },
    /// A closure writes it; the item of this number.
    Written(u64),
}

impl Inbox {
    /// Looks at what has arrived since the last look. Runs no user code. Returns the number of the last item that waits.
    fn look(&self) -> u64 {
        let staged = self.empty_channel();
        self.stale.contents.borrow_mut().look(&staged, self.taken.get());
        self.taken.get() + staged.len() as u64
    }

    /// Whether what waits will bring a newer value of `id`, whose cell has this version now.
    pub(crate) fn brings(
        &self,
        extension: Option<&Rc<dyn Extension>>,
        id: RefId,
        version: impl FnOnce() -> Option<u64>,
    ) -> bool {
        let last = self.look();
        let mut contents = self.stale.contents.borrow_mut();
        let brings = contents.brings(id, self.taken.get(), extension.map(Rc::as_ref));
        if brings {
            self.report_stale(id, version(), last);
        }
        brings
    }

    /// The newest value of `id` that waits and would be taken in.
    pub(crate) fn newest(&self, extension: Option<&Rc<dyn Extension>>, id: RefId) -> Option<Found> {
        self.look();
        let mut contents = self.stale.contents.borrow_mut();
        let taken = self.taken.get();
        match contents.newest(id, taken, extension.map(Rc::as_ref))? {
            Newest::Written { number } => Some(Found::Written(number)),
            Newest::Sent { number, index, source } => {
                let staged = self.staged.borrow();
                let payload = staged.get(place(number, taken)?)?.payload(index)?;
                Some(Found::Sent { source, payload })
            }
            Newest::Merged { source } => {
                let payload = contents.merged(source, id)?;
                Some(Found::Sent { source, payload })
            }
        }
    }

    /// Calls `f` with the value that the item of this number writes to the reacton with this cell. `f` may be user code: nothing is
    /// borrowed meanwhile, and the item is back when it returns or panics. No turn may be taken meanwhile.
    pub(crate) fn with_written<U>(
        &self,
        store: &ReactonStore,
        number: u64,
        cell: Option<&Place>,
        f: impl FnOnce(&dyn Any) -> U,
    ) -> Option<U> {
        let place = place(number, self.taken.get())?;
        let stands_in = WakeUp::item();
        let item = std::mem::replace(self.staged.borrow_mut().get_mut(place)?, stands_in);
        let back = PutBack { inbox: self, place, item: Some(item) };
        back.item.as_ref()?.written(store, cell).map(f)
    }

    /// What is promised when a reacton is said to be stale: its observers are called again.
    fn report_stale(&self, id: RefId, version: Option<u64>, last: u64) {
        let mut reported = self.stale.reported.borrow_mut();
        if let Some(before) = reported.lasts.insert(id, last) {
            reported.by_last.remove(&(before, id));
        }
        reported.by_last.insert((last, id), version);
        self.stale.any.set(true);
    }

    /// Whether `id` was reported as stale in this version: then its next value is announced, equal or not.
    #[inline]
    pub(crate) fn is_reported_stale(
        &self,
        id: RefId,
        version: impl FnOnce() -> Option<u64>,
    ) -> bool {
        if !self.stale.any.get() {
            return false;
        }
        let reported = self.stale.reported.borrow();
        let last = reported.lasts.get(&id);
        let found = last.and_then(|last| reported.by_last.get(&(*last, id)));
        found.is_some_and(|reported| *reported == version())
    }

    /// Whether something was reported as stale, and all that waited then has been taken in.
    #[inline]
    pub(crate) fn has_overdue(&self) -> bool {
        self.stale.any.get() && {
            let reported = self.stale.reported.borrow();
            reported.by_last.keys().next().is_some_and(|(last, _)| *last <= self.taken.get())
        }
    }

    /// What [`has_overdue`](Self::has_overdue) speaks of, each with the version that it had. It is forgotten here.
    pub(crate) fn take_overdue(&self) -> Vec<(RefId, Option<u64>)> {
        let mut reported = self.stale.reported.borrow_mut();
        let mut overdue = Vec::new();
        while let Some(first) = reported.by_last.first_entry()
            && first.key().0 <= self.taken.get()
        {
            let ((_, id), version) = first.remove_entry();
            reported.lasts.remove(&id);
            overdue.push((id, version));
        }
        self.stale.any.set(!reported.by_last.is_empty());
        overdue
    }
}

/// Where the item of this number is in what waits.
fn place(number: u64, taken: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(taken + 1)?).ok()
}

/// Puts an item back to where it was taken out.
struct PutBack<'i> {
    inbox: &'i Inbox,
    place: usize,
    item: Option<Item>,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        let Some(item) = self.item.take() else { return };
        let left = match self.inbox.staged.borrow_mut().get_mut(self.place) {
            Some(place) => std::mem::replace(place, item),
            // The store has ended meanwhile.
            None => item,
        };
        // User code, if it is the item: outside of the borrow.
        drop(left);
    }
}
