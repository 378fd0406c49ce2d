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

use std::sync::atomic::{AtomicU8, Ordering};

/// It waits for no condition.
pub(super) const NONE: u8 = 0;
/// It waits for one, and has checked it or is about to.
const AWAITS: u8 = 1;
/// It sleeps in the channel meanwhile.
const SLEEPS: u8 = 2;
/// The condition is to be checked again.
pub(super) const ASKED: u8 = 3;

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
