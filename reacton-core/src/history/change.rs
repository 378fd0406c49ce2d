//! One change of one reacton: what it held before and what it held afterwards.

use std::rc::Rc;

use crate::graph::{CellId, Token};
use crate::id::RefId;
use crate::merge::{Renamed, Way};
use crate::ops::snapshot::DeclaredSource;
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::code::TouchedEntries;
use crate::value::Value;

/// What became of one reacton.
#[derive(Clone)]
pub(super) struct Change {
    /// The reacton or the member of a family.
    of: DeclaredSource,
    /// Where it was when it was recorded. A member may be in another cell by now.
    cell: CellId,
    what: What,
}

#[derive(Clone)]
enum What {
    /// Whole values; `None` for a member that was not written.
    Values { before: Option<Value>, after: Option<Value> },
    /// The entries that were touched.
    Entries(Rc<dyn TouchedEntries>),
}

impl Change {
    pub(super) fn of_values(
        of: DeclaredSource,
        cell: CellId,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Self {
        Self { of, cell, what: What::Values { before, after } }
    }

    pub(super) fn of_entries(
        of: DeclaredSource,
        cell: CellId,
        touched: Box<dyn TouchedEntries>,
    ) -> Self {
        Self { of, cell, what: What::Entries(touched.into()) }
    }

    pub(super) fn cell(&self) -> CellId {
        self.cell
    }

    /// The id of the reacton, or of the family of the member.
    pub(super) fn subject(&self) -> RefId {
        let family = self.of.source.member().map(|member| member.family.rref.id());
        family.unwrap_or(self.of.rref.id())
    }

    /// What distinguishes reactons: of members with one hash, also the key.
    pub(super) fn key(&self) -> (RefId, Token) {
        (self.of.rref.id(), self.of.token)
    }

    /// Appends a later change of the same reacton. Comparing keys of entries is user code.
    pub(super) fn append(&mut self, later: Self) {
        match (&mut self.what, later.what) {
            (What::Values { after, .. }, What::Values { after: later, .. }) => *after = later,
            (What::Entries(touched), What::Entries(later)) => {
                let mut both = touched.boxed();
                both.append(&*later);
                *touched = both.into();
            }
            // A reacton is recorded in one way.
            (What::Values { .. }, What::Entries(_)) | (What::Entries(_), What::Values { .. }) => {}
        }
    }

    /// Makes the reacton hold what it held before or afterwards, in the open batch.
    pub(super) fn replay(
        &self,
        store: &ReactonStore,
        way: Way,
        panics: &mut FirstPanic,
    ) -> Renamed {
        match &self.what {
            What::Values { before, after } => {
                store.put_back(&self.of, way.of(before, after).as_ref(), panics);
                Renamed::new()
            }
            What::Entries(touched) => {
                panics.guard(|| touched.replay(store, self.cell, way)).unwrap_or_default()
            }
        }
    }

    pub(super) fn rename(&mut self, renamed: &Renamed) {
        if let What::Entries(touched) = &mut self.what {
            let mut now = touched.boxed();
            now.rename(renamed);
            *touched = now.into();
        }
    }
}
