//! Values of another store are put in below what the open transaction has written.
//!
//! While a transaction of another store arrives, user code may write here: from `Deserialize`, an equality, `Drop`. What it
//! writes is one transaction, which follows the arriving one whole: it stays the value of the cell, and the value that arrives is
//! what it has replaced.

use crate::graph::{CellId, Graph};
use crate::id::RefId;
use crate::ops::write::Displaced;
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::incoming::{Incoming, Prepared};
use crate::value::Scalar;
use crate::value::Value;

/// How an installed value is announced to the observers of its cell.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// It differs from the value before it, or that is not known.
    differs: bool,
    /// Its observers are called even if it is equal.
    announced: bool,
}

impl ReactonStore {
    /// Puts in what another store holds, equal or not; observers are called if it differs or is announced.
    ///
    /// The value is installed also if user code panics on the way. A value that cannot be compared counts as changed.
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
        let told = self.compare(id, &value, announced, panics);
        let (mut place, displaced) = self.graph().install(id, value, told);
        panics.guard(|| self.release_from(id, &mut place, displaced));
    }

    /// Calls the equality function, unless the value is announced.
    fn compare<T: 'static>(
        &self,
        id: CellId,
        value: &Incoming<T>,
        announced: bool,
        panics: &mut FirstPanic,
    ) -> Told {
        let differs = !announced && panics.guard(|| self.differs(id, value)).unwrap_or(true);
        Told { differs, announced }
    }

    fn differs<T: 'static>(&self, id: CellId, value: &Incoming<T>) -> bool {
        let found = {
            let graph = self.graph_ref();
            graph.committed(id).zip(graph.cell(id).and_then(|cell| cell.body.source()).cloned())
        };
        found.is_none_or(|(old, source)| match value {
            Incoming::Owned(value) => !source.same(&old, value),
            Incoming::Counted(value) => !source.same(&old, &**value),
        })
    }
}

impl Graph {
    /// Puts in a scalar, all in one borrow. `None` for any other cell, for one that the open transaction has written to, and for one
    /// of which another extension is told.
    #[inline]
    pub(crate) fn install_scalar(
        &mut self,
        id: CellId,
        new: Scalar,
        announced: bool,
    ) -> Option<()> {
        let cell = self
            .cell_mut(id)
            .filter(|cell| !cell.is_recorded() && !cell.watchers.are_beyond_links())?;
        let Some(Value::Scalar(old)) = &mut cell.value else { return None };
        let same = cell.writes.same_scalar(*old, new)?;
        *old = new;
        if announced || !same {
            self.changed(id);
        }
        Some(())
    }

    /// Calls no user code. What is returned may run some when it is dropped.
    fn install<T: 'static>(&mut self, id: CellId, value: Incoming<T>, told: Told) -> Displaced<T> {
        self.note_installed(id, told.differs || told.announced, told.announced);
        let Some(cell) = self.cell_mut(id) else {
            return match value {
                Incoming::Owned(value) => (Some(value), None),
                Incoming::Counted(value) => (None, Some(Value::new(value))),
            };
        };
        let is_recorded = cell.is_recorded();
        let value = match value {
            Incoming::Owned(value) if !is_recorded => {
                return self.replace(id, value, told.differs || told.announced);
            }
            Incoming::Owned(value) => Value::in_form(value, cell.counted),
            Incoming::Counted(value) => {
                cell.counted = true;
                Value::new(value)
            }
        };
        if is_recorded {
            return (None, self.install_below(id, value, told));
        }
        let displaced = self.put(id, value);
        if told.differs || told.announced {
            self.changed(id);
        }
        (None, displaced)
    }

    /// The open transaction has written to this cell, and its value stays: `value` is what it was before that.
    fn install_below(&mut self, id: CellId, value: Value, told: Told) -> Option<Value> {
        if told.announced {
            // Also where the open transaction has written what was there.
            self.changed(id);
        }
        let version = (told.differs || told.announced).then(|| self.next_version());
        let Some(record) = self.record_of(id) else { return Some(value) };
        record.version = version.unwrap_or(record.version);
        record.before.replace(value)
    }
}

/// A value of another store, and what it displaces.
pub(crate) struct Preparation<T: 'static> {
    cell: CellId,
    id: RefId,
    told: Told,
    value: Option<Incoming<T>>,
    displaced: Displaced<T>,
}

impl<T: 'static> Preparation<T> {
    pub(crate) fn new(cell: CellId, id: RefId, value: Incoming<T>) -> Self {
        Self { cell, id, told: Told::default(), value: Some(value), displaced: (None, None) }
    }
}

impl<T: 'static> Prepared for Preparation<T> {
    fn compare(&mut self, store: &ReactonStore, announced: bool, panics: &mut FirstPanic) {
        if let Some(value) = &self.value {
            let announced = announced || store.is_reported(self.id);
            self.told = store.compare(self.cell, value, announced, panics);
        }
    }

    fn install(&mut self, store: &ReactonStore) {
        if let Some(value) = self.value.take() {
            // User code may have asked since the comparison.
            self.told.announced |= store.is_reported(self.id);
            self.displaced = store.graph().install(self.cell, value, self.told);
        }
    }

    fn release(self: Box<Self>, store: &ReactonStore, panics: &mut FirstPanic) {
        panics.guard(|| store.release(self.cell, move || drop(self)));
    }
}
