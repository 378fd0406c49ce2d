//! Schedules that are repeated by their choices, and described: how a test finds the few steps of a long schedule that fail.

use super::{Random, Simulation, Trace};

impl Simulation {
    /// A world that makes the [`choices`](Self::choices) of another one again, or some of them: each decides one thing, and
    /// after the last one everything is decided by 0. It also keeps a [`trace`](Self::trace).
    ///
    /// So a test can shrink a schedule that fails: remove choices or lower them, as long as it still fails.
    ///
    /// # Examples
    /// ```
    /// # use reacton_isolate::testing::Simulation;
    /// let simulation = Simulation::new(1);
    /// let picked = [simulation.pick(10), simulation.pick(10)];
    /// let choices = simulation.choices();
    /// drop(simulation);
    /// let again = Simulation::replay(choices[..1].to_vec());
    /// assert_eq!([again.pick(10), again.pick(10)], [picked[0], 0]);
    /// ```
    ///
    /// # Panics
    /// If there is a simulation on this thread already.
    #[must_use]
    pub fn replay(choices: Vec<usize>) -> Self {
        Self::begin(0, Random::replay(choices), Trace::kept(), false)
    }

    /// The choices made so far: which store takes a step, where it is interrupted, what [`pick`](Self::pick) returned.
    #[must_use]
    pub fn choices(&self) -> Vec<usize> {
        self.world.host.random.made()
    }

    /// Adds a line to the [`trace`](Self::trace), such as what the test does next. The closure is called only if there is one.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.world.trace.add(self.world.depth(), line);
    }

    /// The steps and notes so far, of a simulation that [repeats](Self::replay) another one; otherwise empty.
    #[must_use]
    pub fn trace(&self) -> String {
        self.world.trace.text()
    }
}
