//! A spin that looks once and reads no clock.

use std::cell::Cell;
use std::time::{Duration, Instant};

#[derive(Default)]
pub(super) struct Spin {
    is_on: Cell<bool>,
}

impl Spin {
    pub(super) fn set_time(&self, time: Duration) {
        self.is_on.set(!time.is_zero());
    }

    pub(super) fn until(&self, _: Option<Instant>, has_arrived: impl Fn() -> bool) -> bool {
        self.is_on.get() && has_arrived()
    }
}
