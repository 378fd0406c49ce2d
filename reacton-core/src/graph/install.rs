//! Installs values of other stores. A value that the open transaction has written stays above an installed one.

use super::{CellId, Displaced, Graph};
use crate::value::{Incoming, Scalar, Value};

/// How an installed value is announced to the observers of its cell.
#[derive(Clone, Copy, Default)]
pub(crate) struct Announcement {
    /// The value differs from the one before, or that is not known.
    pub(crate) differs: bool,
    /// Its observers are called even if it is equal.
    pub(crate) announced: bool,
}

impl Graph {
    /// Installs a scalar in one borrow. `None` for other cells, for one that the open transaction has written, and for
    /// one whose writes are reported to another extension.
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

    /// Installs a value, without user code. Dropping the result may run user code.
    pub(crate) fn install<T: 'static>(
        &mut self,
        id: CellId,
        value: Incoming<T>,
        announcement: Announcement,
    ) -> Displaced<T> {
        self.note_installed(
            id,
            announcement.differs || announcement.announced,
            announcement.announced,
        );
        let Some(cell) = self.cell_mut(id) else {
            return match value {
                Incoming::Owned(value) => (Some(value), None),
                Incoming::Shared(value) => (None, Some(Value::new(value))),
            };
        };
        let is_recorded = cell.is_recorded();
        let value = match value {
            Incoming::Owned(value) if !is_recorded => {
                return self.replace(id, value, announcement.differs || announcement.announced);
            }
            Incoming::Owned(value) => Value::in_form(value, cell.arc_backed),
            Incoming::Shared(value) => {
                cell.arc_backed = true;
                Value::new(value)
            }
        };
        if is_recorded {
            return (None, self.install_below(id, value, announcement));
        }
        let displaced = self.put(id, value);
        if announcement.differs || announcement.announced {
            self.changed(id);
        }
        (None, displaced)
    }

    /// Installs below a write of the open transaction: the cell keeps its value, and `value` becomes the one from
    /// before the transaction.
    fn install_below(
        &mut self,
        id: CellId,
        value: Value,
        announcement: Announcement,
    ) -> Option<Value> {
        if announcement.announced {
            // Also if the open transaction has written the value that was there.
            self.changed(id);
        }
        let version = (announcement.differs || announcement.announced).then(|| self.next_version());
        let Some(record) = self.record_of(id) else { return Some(value) };
        record.version = version.unwrap_or(record.version);
        record.before.replace(value)
    }
}
