//! Which thread runs where.

use core_affinity::{CoreId, get_core_ids, set_for_current};

/// Main on one core and everything else on another, or all on one.
pub(super) const PLACEMENTS: [&str; 2] = ["two", "one"];

/// The cores of one measurement.
#[derive(Clone, Copy)]
pub(super) struct Cores {
    main: Option<CoreId>,
    others: Option<CoreId>,
}

impl Cores {
    pub(super) fn named(placement: &str) -> Result<Self, String> {
        let ids = get_core_ids().unwrap_or_default();
        let (main, before) = (ids.last().copied(), ids.iter().rev().nth(1).copied());
        match placement {
            "one" => Ok(Self { main, others: main }),
            "two" if before.is_some() => Ok(Self { main, others: before }),
            "two" => Err("there is only one core".into()),
            _ => Err(format!("`{placement}` is neither one nor two")),
        }
    }

    /// Of the thread that measures.
    pub(super) fn pin_main(self) {
        self.main.map(set_for_current);
    }

    /// Of each other thread; called at its beginning, where it still has its parent's.
    pub(super) fn pin_other(self) {
        self.others.map(set_for_current);
    }
}
