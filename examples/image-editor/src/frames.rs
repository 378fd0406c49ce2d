//! Measures how long frames take, which proves that the window never waits.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// The frames of the last second, and the longest one since a job began.
#[derive(Default)]
pub(crate) struct Frames {
    /// When these frames ended.
    recent: VecDeque<Instant>,
    longest: Duration,
    /// The longest time between the ends of two frames, while one follows the other without a pause.
    longest_gap: Duration,
    is_busy: bool,
}

impl Frames {
    /// Called when a job begins.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// Counts a frame that ends now. `is_busy` says that the next frame follows at once.
    pub(crate) fn count(&mut self, took: Duration, is_busy: bool) {
        let now = Instant::now();
        if let Some(before) = self.recent.back().filter(|_| self.is_busy) {
            self.longest_gap = self.longest_gap.max(now - *before);
        }
        self.is_busy = is_busy;
        self.recent.push_back(now);
        while self.recent.front().is_some_and(|at| now - *at > Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        self.longest = self.longest.max(took);
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (rate, longest) = (self.recent.len(), milliseconds(self.longest));
        write!(f, "frames: {rate} in the last second; the longest took {longest:.1} ms")?;
        if !self.longest_gap.is_zero() {
            let gap = milliseconds(self.longest_gap);
            write!(f, ", from one to the next {gap:.1} ms at most")?;
        }
        Ok(())
    }
}
