//! Measures how long frames take.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

/// How many of the last frames are considered.
const RECENT: usize = 300;

/// The time of one frame and of its parts.
#[derive(Clone, Copy, Default)]
pub(crate) struct Took {
    /// Applying what the workers sent.
    pub(crate) turn: Duration,
    /// Reading and laying out the rows that are shown.
    pub(crate) rows: Duration,
    /// The whole frame, with its painting by the processor or by the graphics card.
    pub(crate) frame: Duration,
}

/// The last frames, and the longest one since the table was full.
#[derive(Default)]
pub(crate) struct Frames {
    recent: VecDeque<Took>,
    longest: Took,
    /// The number of frames so far.
    count: u64,
    /// When the last second began, and how many frames and how many written rows there were before it.
    second: Option<(Instant, u64, i64)>,
    /// How many frames there were in the last second, and how many rows were written.
    rates: (f64, f64),
}

impl Frames {
    /// From now on the longest frame is recorded.
    pub(crate) fn restart(&mut self) {
        self.longest = Took::default();
        self.recent.clear();
    }

    /// Counts a frame. Before it, `written` rows were written in all.
    pub(crate) fn count(&mut self, took: Took, written: i64) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(took);
        let Took { turn, rows, frame } = &mut self.longest;
        *turn = took.turn.max(*turn);
        *rows = took.rows.max(*rows);
        *frame = took.frame.max(*frame);
        self.count += 1;
        let now = Instant::now();
        let (begin, count, before) = *self.second.get_or_insert((now, self.count, written));
        let seconds = (now - begin).as_secs_f64();
        if seconds >= 1.0 {
            #[expect(clippy::cast_precision_loss, reason = "they are far below 2^52")]
            let (frames, rows) = ((self.count - count) as f64, (written - before) as f64);
            self.rates = (frames / seconds, rows / seconds);
            self.second = Some((now, self.count, written));
        }
    }

    fn middle(&self, part: impl Fn(&Took) -> Duration) -> Duration {
        let mut all: Vec<_> = self.recent.iter().map(part).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or_default()
    }
}

impl fmt::Display for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
        let (frames, rows) = self.rates;
        write!(f, "{rows:.0} changes/s, {frames:.0} frames/s; median (worst) ms:")?;
        let longest = self.longest;
        for (name, middle, longest) in [
            ("frame", self.middle(|took| took.frame), longest.frame),
            ("turn", self.middle(|took| took.turn), longest.turn),
            ("rows", self.middle(|took| took.rows), longest.rows),
        ] {
            let (middle, longest) = (milliseconds(middle), milliseconds(longest));
            write!(f, " {name} {middle:.1} ({longest:.1})")?;
        }
        Ok(())
    }
}
