//! Installs values of other stores. While a transaction of another store arrives, user code may write: from
//! `Deserialize`, an equality function or `Drop`. These writes are one transaction, which follows the arriving one. So
//! the value that they wrote stays in the cell, and the arriving value counts as the one before it.

use crate::graph::{Announcement, CellId, Displaced};
use crate::id::RefId;
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::incoming::Prepared;
use crate::value::{Incoming, Scalar};

impl ReactonStore {
    /// Installs the value of another store, even if it is equal; observers are called if it differs or is announced. It
    /// is installed even if user code panics. A value that cannot be compared counts as changed.
    pub(crate) fn install<T: 'static>(
        &self,
        id: CellId,
        value: Incoming<T>,
        announced: bool,
        panics: &mut FirstPanic,
    ) {
        if let Incoming::Owned(value) = &value
            && let Some(scalar) = Scalar::new(value)
            && self.graph().install_scalar(id, scalar, announced).is_some()
        {
            return;
        }
        let announcement = self.compare(id, &value, announced, panics);
        let (mut place, displaced) = self.graph().install(id, value, announcement);
        panics.guard(|| self.release_from(id, &mut place, displaced));
    }

    pub(crate) fn compare<T: 'static>(
        &self,
        id: CellId,
        value: &Incoming<T>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Announcement {
        let differs = !announced && panics.guard(|| self.differs(id, value)).unwrap_or(true);
        Announcement { differs, announced }
    }

    fn differs<T: 'static>(&self, id: CellId, value: &Incoming<T>) -> bool {
        let found = {
            let graph = self.graph_ref();
            graph.committed(id).zip(graph.cell(id).and_then(|cell| cell.body.source()).cloned())
        };
        found.is_none_or(|(old, source)| match value {
            Incoming::Owned(value) => !source.same(&old, value),
            Incoming::Shared(value) => !source.same(&old, &**value),
        })
    }
}

/// A value of another store, and the value that it replaces.
pub(crate) struct Preparation<T: 'static> {
    cell: CellId,
    id: RefId,
    announcement: Announcement,
    value: Option<Incoming<T>>,
    displaced: Displaced<T>,
}

impl<T: 'static> Preparation<T> {
    pub(crate) fn new(cell: CellId, id: RefId, value: Incoming<T>) -> Self {
        Self {
            cell,
            id,
            announcement: Announcement::default(),
            value: Some(value),
            displaced: (None, None),
        }
    }
}

impl<T: 'static> Prepared for Preparation<T> {
    fn compare(&mut self, store: &ReactonStore, announced: bool, panics: &mut FirstPanic) {
        if let Some(value) = &self.value {
            let announced = announced || store.is_reported(self.id);
            self.announcement = store.compare(self.cell, value, announced, panics);
        }
    }

    fn install(&mut self, store: &ReactonStore) {
        if let Some(value) = self.value.take() {
            // User code may have called `is_stale` since the comparison.
            self.announcement.announced |= store.is_reported(self.id);
            self.displaced = store.graph().install(self.cell, value, self.announcement);
        }
    }

    fn release(self: Box<Self>, store: &ReactonStore, panics: &mut FirstPanic) {
        panics.guard(|| store.release(self.cell, move || drop(self)));
    }
}
