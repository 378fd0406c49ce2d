//! The state of a store that waits for a condition, such as one that reads the statistics of a pool. Another thread may
//! ask it to check the condition again.
//!
//! A store that runs or spins sees the request in this state. Only one that sleeps in its channel needs an item there.
//!
//! | from | to | who |
//! |---|---|---|
//! | any | `NONE`, `AWAITS` | the store, when a wait ends, and before each check |
//! | `AWAITS` | `SLEEPS`, and back | the store, around its sleep |
//! | `AWAITS`, `SLEEPS` | `ASKED` | another thread |
//! | `ASKED` | `AWAITS` | the store, which checks again |

use super::sync::{AtomicU8, Ordering};
use super::{Inbox, InboxItem};

/// The store waits for no condition.
pub(super) const NONE: u8 = 0;
/// The store waits for a condition, and has checked it or is about to.
const AWAITS: u8 = 1;
/// The store waits for a condition, and sleeps in its channel.
const SLEEPS: u8 = 2;
/// The store has been asked to check its condition again.
const ASKED: u8 = 3;

fn change(state: &AtomicU8, from: u8, to: u8) -> bool {
    state.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
}

/// Called by another thread: asks for another check. Returns whether the store sleeps, so that the caller must wake it.
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

/// Returns whether another check was asked for, and forgets the request.
pub(super) fn take(state: &AtomicU8) -> bool {
    is_asked(state) && change(state, ASKED, AWAITS)
}

/// Called when the store is about to sleep. Returns `false` if it must not, because another check was asked for.
pub(super) fn sleep(state: &AtomicU8) -> bool {
    change(state, AWAITS, SLEEPS) || !is_asked(state)
}

/// Called when the store has woken.
pub(super) fn wake(state: &AtomicU8) {
    change(state, SLEEPS, AWAITS);
}

impl<I: InboxItem> Inbox<I> {
    /// Whether the condition that the store waits for is to be checked again.
    #[inline]
    pub(crate) fn is_recheck_asked(&self) -> bool {
        is_asked(&self.shared.condition)
    }

    /// As [`is_recheck_asked`](Self::is_recheck_asked), and forgets the request. It counts as an item.
    pub(crate) fn take_recheck(&self) -> bool {
        let asked = take(&self.shared.condition);
        self.taken.set(self.taken.get() + u64::from(asked));
        asked
    }

    /// Sets whether the store waits for a condition, and returns whether it did before. A thread that afterwards locks
    /// what the condition reads sees the new state.
    pub(crate) fn set_awaits_condition(&self, awaits: bool) -> bool {
        let before = set(&self.shared.condition, awaits);
        // A request counts as an item also for a wait around this one.
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
        assert!(!ask(&state) && !is_asked(&state), "the store waits for no condition");
        assert!(sleep(&state), "the store may sleep");
        assert!(!ask(&state));
        set(&state, true);
        assert!(!ask(&state) && is_asked(&state) && !ask(&state), "the check is asked for once");
        assert!(!sleep(&state) && take(&state) && !take(&state));
        assert!(sleep(&state) && ask(&state) && !ask(&state), "one item is sent");
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
