//! Records a schedule as text, so that a person can understand a repeated schedule.

use std::cell::RefCell;

use reacton_core::ReactonStore;

/// One line for each step, indented if the step is nested in another one. `None` unless the trace is kept.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<RefCell<String>>);

impl Trace {
    /// Returns a trace that records lines.
    pub(crate) fn kept() -> Self {
        Self(Some(RefCell::default()))
    }

    /// Returns the lines so far.
    pub(crate) fn text(&self) -> String {
        self.0.as_ref().map_or_else(String::new, |text| text.borrow().clone())
    }

    /// Adds a line; the closure is called only if the trace is kept.
    pub(crate) fn add(&self, depth: usize, line: impl FnOnce() -> String) {
        if let Some(text) = &self.0 {
            let line = line();
            let mut text = text.borrow_mut();
            text.extend(std::iter::repeat_n("  ", depth));
            text.push_str(&line);
            text.push('\n');
        }
    }

    /// Adds a step.
    pub(super) fn step(&self, depth: usize, store: Option<&ReactonStore>, what: &str) {
        self.add(depth, || match store {
            Some(store) => format!("{store:?} {what}"),
            None => what.to_owned(),
        });
    }
}
