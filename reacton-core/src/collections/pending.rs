//! What one observer of changes has not heard yet.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;
use std::rc::Rc;

use crate::merge::Compose;
use crate::panics::{discard, guarded};

/// So many pieces are composed to one: what waits grows with the entries that have changed, not with the writes.
const PIECES: usize = 16;

/// Changes in the order in which they happened. Observers of one reacton share the pieces.
pub(super) struct Pending<C> {
    pieces: RefCell<Vec<Rc<C>>>,
    /// Nothing in them came out equal, and there is one piece at most.
    are_net: Cell<bool>,
}

impl<C> Default for Pending<C> {
    fn default() -> Self {
        Self { pieces: RefCell::default(), are_net: Cell::new(true) }
    }
}

impl<C: Compose> Pending<C> {
    pub(super) fn add(&self, changes: Rc<C>, are_net: bool) {
        let pieces = {
            let mut pieces = self.pieces.borrow_mut();
            self.are_net.set(are_net && pieces.is_empty() && self.are_net.get());
            pieces.push(changes);
            if pieces.len() < PIECES {
                return;
            }
            std::mem::take(&mut *pieces)
        };
        // Comparing keys is user code: nothing is borrowed meanwhile, and if it panics, the pieces stay.
        match guarded(|| composed(pieces.iter().cloned())) {
            Ok(all) => self.put_back(all.map(Rc::new)),
            Err(payload) => {
                discard(payload);
                self.put_back(pieces);
            }
        }
    }

    /// Before what was added meanwhile.
    fn put_back(&self, earlier: impl IntoIterator<Item = Rc<C>>) {
        self.pieces.borrow_mut().splice(0..0, earlier);
    }

    /// Everything that waits, and whether nothing in it came out equal.
    pub(super) fn take(&self) -> Option<(C, bool)> {
        let mut pieces = std::mem::take(&mut *self.pieces.borrow_mut());
        let are_net = self.are_net.replace(true);
        if pieces.len() > 1 {
            match guarded(|| composed(pieces.iter().cloned())) {
                Ok(all) => return Some((all?, are_net)),
                Err(payload) => {
                    self.are_net.set(false);
                    self.put_back(pieces);
                    resume_unwind(payload);
                }
            }
        }
        Some((Rc::unwrap_or_clone(pieces.pop()?), are_net))
    }
}

fn composed<C: Compose>(mut pieces: impl Iterator<Item = Rc<C>>) -> Option<C> {
    let mut all = Rc::unwrap_or_clone(pieces.next()?);
    pieces.for_each(|piece| all.then(&piece));
    Some(all)
}
