//! Schedules that are repeated by their choices, and described: how a test finds the few steps of a long schedule that fail.

use std::cell::RefCell;

use reacton_core::ReactonStore;

use super::{Doable, Random, Simulation};

/// What happens in a schedule that is repeated: a line for each step, indented where it comes in the middle of another.
#[derive(Debug, Default)]
pub(super) struct Trace(Option<RefCell<String>>);

impl Trace {
    fn add(&self, depth: usize, line: &str) {
        if let Some(text) = &self.0 {
            let mut text = text.borrow_mut();
            text.extend(std::iter::repeat_n("  ", depth));
            text.push_str(line);
            text.push('\n');
        }
    }

    pub(super) fn step(&self, depth: usize, store: &ReactonStore, next: &Doable) {
        if self.0.is_some() {
            let what = match next {
                Doable::Root(_) | Doable::Take(_) => "applies one item of its inbox",
                Doable::Go(_) => "calls its function, or ends",
            };
            self.add(depth, &format!("{store:?} {what}"));
        }
    }
}

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
        Self::begin(0, Random::replay(choices), Trace(Some(RefCell::default())))
    }

    /// The choices made so far: which store takes a step, where it is interrupted, what [`pick`](Self::pick) returned.
    #[must_use]
    pub fn choices(&self) -> Vec<usize> {
        self.world.random.made()
    }

    /// Adds a line to the [`trace`](Self::trace), such as what the test does next. The closure is called only if there is one.
    pub fn note(&self, line: impl FnOnce() -> String) {
        let trace = &self.world.trace;
        if trace.0.is_some() {
            trace.add(self.world.depth.get(), &line());
        }
    }

    /// The steps and notes so far, of a simulation that [repeats](Self::replay) another one; otherwise empty.
    #[must_use]
    pub fn trace(&self) -> String {
        self.world.trace.0.as_ref().map_or_else(String::new, |text| text.borrow().clone())
    }
}
