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
pub trait IsStore {
    fn store(store: &ReactonStore) -> &Self;
}

impl IsStore for ReactonStore {
    fn store(store: &ReactonStore) -> &Self {
        store
    }
}

/// The store of a worker, as its function takes it. A type, so that a path to its functions begins with a sign: see `spanning` in the
/// macros.
#[doc(hidden)]
#[derive(Debug)]
pub enum StoreArg {}

impl StoreArg {
    /// The store, for a worker that borrows it.
    pub fn borrowed<S: IsStore + ?Sized>(store: &ReactonStore) -> &S {
        S::store(store)
    }

    /// A handle of the store, for a worker that owns one.
    pub fn owned<S: IsStore + Clone>(store: &ReactonStore) -> S {
        S::store(store).clone()
    }
}
