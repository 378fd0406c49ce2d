//! What a worker function is called with for its first parameter.

use reacton_core::ReactonStore;

/// What the first parameter of a worker borrows, or what that of an `async fn` is: the store, and nothing else.
///
/// The attribute sees only how the type is written, which may be an alias.
#[diagnostic::on_unimplemented(
    message = "the first parameter of a worker is its store, not `{Self}`",
    label = "this is not `ReactonStore`",
    note = "write `store: &ReactonStore` for the first parameter, or `store: ReactonStore` if the worker is an `async fn`"
)]
#[doc(hidden)]
pub trait WorkersStore {
    fn lent(store: &ReactonStore) -> &Self;
}

impl WorkersStore for ReactonStore {
    fn lent(store: &ReactonStore) -> &Self {
        store
    }
}

/// Gives a worker function its store. A type, so that a path to its functions begins with a sign: see `spanning` in the
/// macros.
#[doc(hidden)]
#[derive(Debug)]
pub enum Lent {}

impl Lent {
    /// The store, for a worker that borrows it.
    pub fn borrowed<S: WorkersStore + ?Sized>(store: &ReactonStore) -> &S {
        S::lent(store)
    }

    /// A handle of the store, for a worker that owns one.
    pub fn owned<S: WorkersStore + Clone>(store: &ReactonStore) -> S {
        S::lent(store).clone()
    }
}
