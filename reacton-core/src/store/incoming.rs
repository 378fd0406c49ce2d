//! Values of another store that are to be installed in this one.

use crate::panics::FirstPanic;
use crate::store::ReactonStore;

/// A value of another store: compared, then installed, then released. Of one transaction, all values are compared
/// before the first is installed, and all are installed before the first is released. So no user code runs between two
/// installs.
pub trait Prepared {
    /// Compares it with the committed value; calls user code. If that panics, the panic goes to `panics` and the value
    /// counts as changed.
    fn compare(&mut self, store: &ReactonStore, announced: bool, panics: &mut FirstPanic);
    /// Installs it, without user code.
    fn install(&mut self, store: &ReactonStore);
    /// Drops the replaced value, or this one if it was not installed; calls user code. Its panic goes to `panics`.
    fn release(self: Box<Self>, store: &ReactonStore, panics: &mut FirstPanic);
}
