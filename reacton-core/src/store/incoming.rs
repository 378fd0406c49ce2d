//! Values of another store on their way into this one.

use crate::panics::FirstPanic;
use crate::store::ReactonStore;

/// A value of another store on its way into this one: compared, then installed, then released.
///
/// Of one transaction, all are compared before the first is installed, and all are installed before the first is released. So
/// no user code runs between two installs.
pub trait Prepared {
    /// Compares it with the value that is committed here: calls user code. Its panic goes to `panics`, and then the value
    /// counts as changed.
    fn compare(&mut self, store: &ReactonStore, announced: bool, panics: &mut FirstPanic);
    /// Puts it in: calls no user code.
    fn install(&mut self, store: &ReactonStore);
    /// Drops what it displaced, or the value if it was not installed: calls user code. Its panic goes to `panics`.
    fn release(self: Box<Self>, store: &ReactonStore, panics: &mut FirstPanic);
}
