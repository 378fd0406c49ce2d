//! What operations cost both processes together: time, time of processors, and how often a thread went to sleep. On a
//! machine that does other things as well, the last two say more than the first.

use std::fs;
use std::time::{Duration, Instant};

use super::Outcome;

/// The costs of many operations of one kind.
#[derive(Debug, Default)]
pub(super) struct Costs {
    times: Vec<Duration>,
    processors: Duration,
    sleeps: u64,
}

impl Costs {
    /// Does something so many times. `host` is the other process.
    pub(super) fn add(
        &mut self,
        host: u32,
        rounds: usize,
        work: &mut impl FnMut() -> Outcome,
    ) -> Outcome {
        let processes = [host, std::process::id()];
        let before = used(&processes);
        for _ in 0..rounds {
            let begin = Instant::now();
            work()?;
            self.times.push(begin.elapsed());
        }
        let now = used(&processes);
        // Threads that have ended since are not counted any more.
        self.processors += now.0.saturating_sub(before.0);
        self.sleeps += now.1.saturating_sub(before.1);
        Ok(())
    }

    /// The median time, and what one of `parts` of an operation costs.
    pub(super) fn each(&mut self, parts: u32) -> (Duration, Duration, f64) {
        self.times.sort_unstable();
        let operations = u32::try_from(self.times.len()).unwrap_or(u32::MAX) * parts;
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let sleeps = self.sleeps as f64 / f64::from(operations);
        (self.times[self.times.len() / 2] / parts, self.processors / operations, sleeps)
    }
}

/// The time that the threads of these processes have run, and how often they have gone to sleep.
fn used(processes: &[u32]) -> (Duration, u64) {
    let threads = processes.iter().filter_map(|id| fs::read_dir(format!("/proc/{id}/task")).ok());
    let mut used = (Duration::ZERO, 0);
    for thread in threads.flatten().filter_map(Result::ok) {
        let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
        let nanos = read("schedstat").split(' ').next().and_then(|text| text.parse().ok());
        used.0 += Duration::from_nanos(nanos.unwrap_or(0));
        let status = read("status");
        let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        used.1 += sleeps.and_then(|text| text.trim().parse::<u64>().ok()).unwrap_or(0);
    }
    used
}
