//! Whether a store waits for a condition that another thread may want to be checked again, such as one that reads the statistics
//! of a pool.
//!
//! A store that runs or spins sees the request in this state; only one that sleeps in its channel needs an item there.
//!
//! | from | to | who |
//! |---|---|---|
//! | any | `NONE`, `AWAITS` | the store, when a wait ends, and before each check |
//! | `AWAITS` | `SLEEPS`, and back | the store, around its sleep |
//! | `AWAITS`, `SLEEPS` | `ASKED` | another thread |
//! | `ASKED` | `AWAITS` | the store, which checks again |

use super::sync::{AtomicU8, Ordering};
use super::{Inbox, InboxItem};

/// It waits for no condition.
pub(super) const NONE: u8 = 0;
/// It waits for one, and has checked it or is about to.
const AWAITS: u8 = 1;
/// It sleeps in the channel meanwhile.
const SLEEPS: u8 = 2;
/// The condition is to be checked again.
const ASKED: u8 = 3;

fn change(state: &AtomicU8, from: u8, to: u8) -> bool {
    state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// From another thread: asks for another check. Returns whether the store sleeps, and is to be woken.
pub(super) fn ask(state: &AtomicU8) -> bool {
    loop {
        let before = state.load(Ordering::SeqCst);
        if !matches!(before, AWAITS | SLEEPS) {
            return false;
        }
        if change(state, before, ASKED) {
            return before == SLEEPS;
        }
    }
}

/// Sets whether the store waits for a condition, and returns the state before.
pub(super) fn set(state: &AtomicU8, awaits: bool) -> u8 {
    state.swap(if awaits { AWAITS } else { NONE }, Ordering::SeqCst)
}

#[inline]
pub(super) fn is_asked(state: &AtomicU8) -> bool {
    state.load(Ordering::SeqCst) == ASKED
}

/// Whether another check was asked for: `true` once for each time.
pub(super) fn take(state: &AtomicU8) -> bool {
    is_asked(state) && change(state, ASKED, AWAITS)
}

/// The store is about to sleep. Returns `false` if it must not, because another check was asked for.
pub(super) fn sleep(state: &AtomicU8) -> bool {
    change(state, AWAITS, SLEEPS) || !is_asked(state)
}

/// The store sleeps no more.
pub(super) fn wake(state: &AtomicU8) {
    change(state, SLEEPS, AWAITS);
}

impl<I: InboxItem> Inbox<I> {
    /// Whether the condition that the store waits for is to be checked again.
    #[inline]
    pub(crate) fn is_recheck_asked(&self) -> bool {
        is_asked(&self.shared.condition)
    }

    /// As [`is_recheck_asked`](Self::is_recheck_asked): `true` once for each time. It counts as an item.
    pub(crate) fn take_recheck(&self) -> bool {
        let asked = take(&self.shared.condition);
        self.taken.set(self.taken.get() + u64::from(asked));
        asked
    }

    /// From now on the store waits for a condition, or not. Visible to another thread once that has locked what the
    /// condition reads. Returns whether it did before.
    pub(crate) fn set_awaits_condition(&self, awaits: bool) -> bool {
        let before = set(&self.shared.condition, awaits);
        // Also for a condition that this one is part of.
        self.taken.set(self.taken.get() + u64::from(before == ASKED));
        before != NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_store_that_sleeps_needs_an_item() {
        let state = AtomicU8::new(NONE);
        assert!(!ask(&state) && !is_asked(&state), "it waits for no condition");
        assert!(sleep(&state), "it may sleep, and needs no item");
        assert!(!ask(&state));
        set(&state, true);
        assert!(!ask(&state) && is_asked(&state) && !ask(&state), "asked once");
        assert!(!sleep(&state) && take(&state) && !take(&state));
        assert!(sleep(&state) && ask(&state) && !ask(&state), "one item");
        wake(&state);
        assert_eq!((take(&state), set(&state, false)), (true, AWAITS));
    }

    #[test]
    fn a_sleep_that_ends_by_itself_leaves_nothing_behind() {
        let state = AtomicU8::new(NONE);
        set(&state, true);
        assert!(sleep(&state));
        wake(&state);
        assert!(!is_asked(&state) && !ask(&state) && take(&state));
    }
}
