//! A trace of a schedule as text, to understand a repeated schedule.

use std::cell::RefCell;

use reacton_core::ReactonStore;

/// One line for each step, indented if it is nested in another. Empty unless asked for.
#[derive(Debug, Default)]
pub(crate) struct Trace(Option<RefCell<String>>);

impl Trace {
    /// A trace that records lines.
    pub(crate) fn kept() -> Self {
        Self(Some(RefCell::default()))
    }

    /// The lines so far.
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
