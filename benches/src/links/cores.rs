//! Determines on which core each thread runs.

use core_affinity::{CoreId, get_core_ids, set_for_current};

/// Main runs on one core and everything else on another, or all on one core.
pub(super) const PLACEMENTS: [&str; 2] = ["two", "one"];

/// The cores of one measurement.
#[derive(Clone, Copy)]
pub(crate) struct Cores {
    main: Option<CoreId>,
    others: Option<CoreId>,
}

impl Cores {
    pub(crate) fn named(placement: &str) -> Result<Self, String> {
        let ids = get_core_ids().unwrap_or_default();
        let (main, before) = (ids.last().copied(), ids.iter().rev().nth(1).copied());
        match placement {
            "one" => Ok(Self { main, others: main }),
            "two" if before.is_some() => Ok(Self { main, others: before }),
            "two" => Err("there is only one core".into()),
            _ => Err(format!("`{placement}` is neither one nor two")),
        }
    }

    /// Pins the thread that measures.
    pub(crate) fn pin_main(self) {
        self.main.map(set_for_current);
    }

    /// Pins another thread. Called at its beginning, when it still runs on its parent's core.
    pub(crate) fn pin_other(self) {
        self.others.map(set_for_current);
    }
}
