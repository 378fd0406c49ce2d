//! Scopes, for the layer that spawns: what is spawned in a scope ends with it.

use super::Wiring;
use crate::graph::CellId;

/// A scope of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenScope(CellId);

impl Wiring<'_> {
    /// The scope whose closure is running, if it owns what is made now.
    #[must_use]
    pub fn scope(self) -> Option<OpenScope> {
        self.store.graph_ref().running_scope().map(OpenScope)
    }

    /// Calls `end` when this scope ends; at once if it has ended.
    pub fn at_end_of(self, scope: OpenScope, end: impl FnOnce() + 'static) {
        self.store.clean_up_after(scope.0, Box::new(end));
    }
}
