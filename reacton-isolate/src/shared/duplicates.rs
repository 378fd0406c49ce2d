//! Finds in a list two paths to one reacton, or two reactons with one id, which the tokens alone do not show.

use reacton_core::{ReactonRef, lists};

use super::SharedSlot;

impl SharedSlot {
    /// The refs of slots.
    ///
    /// # Panics
    /// If there are not `LEN` slots.
    #[doc(hidden)]
    #[must_use]
    pub const fn refs<const LEN: usize>(slots: &[Self]) -> [ReactonRef; LEN] {
        assert!(slots.len() == LEN && LEN > 0, "a ref of each slot");
        let mut refs = [slots[0].rref; LEN];
        let mut at = 1;
        while at < LEN {
            refs[at] = slots[at].rref;
            at += 1;
        }
        refs
    }

    /// For each slot, the index of the first one that has the same id, as [`lists::firsts`] finds it.
    ///
    /// # Panics
    /// If there are not `LEN` slots, or not more places than slots.
    #[doc(hidden)]
    #[must_use]
    pub const fn firsts<const LEN: usize, const PLACES: usize>(slots: &[Self]) -> [usize; LEN] {
        lists::firsts::<LEN, PLACES>(&Self::refs::<LEN>(slots))
    }

    /// As [`lists::reject_duplicate`].
    ///
    /// # Panics
    /// While the program is compiled, with a message that names both.
    #[doc(hidden)]
    #[track_caller]
    pub const fn reject_duplicate(firsts: &[usize], at: usize, names: &[&str]) {
        lists::reject_duplicate(firsts, at, names);
    }
}
