//! The changes that one observer has not received yet.

use std::cell::{Cell, RefCell};
use std::iter;
use std::panic::resume_unwind;
use std::rc::{Rc, Weak};

use crate::merge::Compose;
use crate::panics::{FirstPanic, discard, guarded};

/// This many pieces are composed into one, so that the queue grows with the number of changed entries, not with the
/// number of writes.
const PIECES: usize = 16;

/// The changes of this many entries are kept in any case.
pub(super) const FEW: usize = 1024;

/// Changes in the order in which they happened. Observers of one reacton share the pieces.
pub(super) struct Pending<C> {
    pieces: RefCell<Vec<Rc<C>>>,
    /// There is at most one piece, and no entry in it is equal.
    are_net: Cell<bool>,
    /// If more entries have changed, the observer reads all entries instead. `None` if it cannot.
    most: Cell<Option<usize>>,
    /// There were too many changes, or some are unknown.
    is_lost: Cell<bool>,
}

impl<C> Default for Pending<C> {
    fn default() -> Self {
        Self {
            pieces: RefCell::default(),
            are_net: Cell::new(true),
            most: Cell::new(None),
            is_lost: Cell::new(false),
        }
    }
}

impl<C: Compose> Pending<C> {
    fn add(&self, changes: Rc<C>, are_net: bool) {
        if self.is_lost.get() {
            return;
        }
        let pieces = {
            let mut pieces = self.pieces.borrow_mut();
            self.are_net.set(are_net && pieces.is_empty() && self.are_net.get());
            pieces.push(changes);
            if pieces.len() < PIECES {
                return;
            }
            std::mem::take(&mut *pieces)
        };
        // Comparing keys is user code: nothing is borrowed meanwhile, and if it panics, the pieces are kept.
        match guarded(|| composed(pieces.iter().cloned())) {
            Ok(Some(all)) if self.most.get().is_some_and(|most| all.len() > most) => self.lose(),
            Ok(all) => self.put_back(all.map(Rc::new)),
            Err(payload) => {
                discard(payload);
                self.put_back(pieces);
            }
        }
    }

    fn lose(&self) {
        self.is_lost.set(true);
        let _later = std::mem::take(&mut *self.pieces.borrow_mut());
    }

    /// Puts pieces back, before those that were added meanwhile.
    fn put_back(&self, earlier: impl IntoIterator<Item = Rc<C>>) {
        self.pieces.borrow_mut().splice(0..0, earlier);
    }

    /// Takes all changes. Also returns whether no entry in them is equal.
    pub(super) fn take(&self) -> Option<(C, bool)> {
        let mut pieces = std::mem::take(&mut *self.pieces.borrow_mut());
        let are_net = self.are_net.replace(true);
        // Another observer may hold the only piece, so it is copied, too.
        if let [_] = &pieces[..] {
            match Rc::try_unwrap(pieces.pop()?) {
                Ok(all) => return Some((all, are_net)),
                Err(shared) => pieces.push(shared),
            }
        }
        match guarded(|| composed(pieces.iter().cloned())) {
            Ok(all) => Some((all?, are_net)),
            Err(payload) => {
                self.are_net.set(false);
                self.put_back(pieces);
                resume_unwind(payload);
            }
        }
    }

    /// Puts back changes that were taken, because user code has panicked before the observer had them.
    pub(super) fn give_back(&self, changes: C) {
        if !self.is_lost.get() {
            self.are_net.set(false);
            self.put_back([Rc::new(changes)]);
        }
    }

    /// Removes all changes.
    pub(super) fn clear(&self) -> Vec<Rc<C>> {
        self.are_net.set(true);
        self.is_lost.set(false);
        std::mem::take(&mut *self.pieces.borrow_mut())
    }

    /// Sets for how many entries changes are kept. From then on the observer reads all entries if changes are lost.
    pub(super) fn keep(&self, most: usize) {
        self.most.set(Some(most));
    }

    /// Whether changes were lost since the last [`clear`](Self::clear).
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.get()
    }
}

fn composed<C: Compose>(mut pieces: impl Iterator<Item = Rc<C>>) -> Option<C> {
    let mut all = Rc::unwrap_or_clone(pieces.next()?);
    pieces.for_each(|piece| all.then(&piece));
    Some(all)
}

/// The observers of the changes of one collection or view.
pub(super) struct Observers<C> {
    all: RefCell<Vec<Weak<Pending<C>>>>,
}

impl<C> Default for Observers<C> {
    fn default() -> Self {
        Self { all: RefCell::default() }
    }
}

impl<C: Compose> Observers<C> {
    /// Adds an observer, which receives all later changes until it is dropped.
    pub(super) fn add(&self) -> Rc<Pending<C>> {
        let pending = Rc::new(Pending::default());
        let mut all = self.all.borrow_mut();
        if all.len() == all.capacity() {
            all.retain(|observer| observer.strong_count() > 0);
        }
        all.push(Rc::downgrade(&pending));
        pending
    }

    /// Whether there was never one, or none since all were dropped and the next was added.
    pub(super) fn is_empty(&self) -> bool {
        self.all.borrow().is_empty()
    }

    pub(super) fn are_there(&self) -> bool {
        self.all.borrow().iter().any(|observer| observer.strong_count() > 0)
    }

    /// Whether an observer needs the changes, because it cannot read all entries instead.
    pub(super) fn need_changes(&self) -> bool {
        let all = self.all.borrow();
        all.iter().filter_map(Weak::upgrade).any(|observer| observer.most.get().is_none())
    }

    /// Some changes are unknown: observers that can will read all entries.
    pub(super) fn lose(&self) {
        let observers: Vec<_> = self.all.borrow().iter().filter_map(Weak::upgrade).collect();
        for observer in observers.iter().filter(|observer| observer.most.get().is_some()) {
            observer.lose();
        }
    }

    // Copying and comparing keys is user code: nothing is borrowed meanwhile.
    pub(super) fn tell(&self, changes: C, are_net: bool) {
        // Usually there is one, and no list is needed.
        let (first, others) = {
            let mut all = self.all.borrow_mut();
            all.retain(|observer| observer.strong_count() > 0);
            let mut all = all.iter().filter_map(Weak::upgrade);
            (all.next(), all.collect::<Vec<_>>())
        };
        let Some(first) = first else { return };
        let shared = Rc::new(changes);
        // Each observer receives them, whatever the code of the others does.
        let mut panics = FirstPanic::NONE;
        for observer in iter::once(first).chain(others) {
            panics.guard(|| observer.add(Rc::clone(&shared), are_net));
        }
        panics.resume();
    }
}
