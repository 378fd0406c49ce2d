//! Repeats a schedule by its choices and describes it, so that a test can find the few steps of a long schedule that
//! fail.

use super::{Random, Simulation, Trace};

impl Simulation {
    /// Returns a simulation that repeats the [`choices`](Self::choices) of another simulation, or some of them. Each
    /// number decides one choice; after the last number, every choice is 0. The simulation also keeps a
    /// [`trace`](Self::trace).
    ///
    /// So a test can shrink a failing schedule: it removes choices or lowers them, as long as the schedule still fails.
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

    /// Returns the choices made so far: which store takes a step, where it is interrupted, what [`pick`](Self::pick)
    /// returned.
    #[must_use]
    pub fn choices(&self) -> Vec<usize> {
        self.world.host.random.made()
    }

    /// Adds a line to the [`trace`](Self::trace), such as what the test does next. Calls the closure only if there is a
    /// trace.
    pub fn note(&self, line: impl FnOnce() -> String) {
        self.world.trace.add(self.world.depth(), line);
    }

    /// Returns the steps and notes so far. Empty unless the simulation [repeats](Self::replay) another one.
    #[must_use]
    pub fn trace(&self) -> String {
        self.world.trace.text()
    }
}
