//! What a computed of the library keeps of a reacton that the program names, to read it in each run.

use crate::reacton::access::Readable;
use crate::reacton::declare::{Reacton, Site};

/// What a [`View`](crate::View) can be filtered by: every reacton, static or local, member or computed.
///
/// Sealed: only this library implements it.
#[diagnostic::on_unimplemented(
    message = "a view cannot be filtered by `{Self}`",
    label = "this is no reacton, or only a reference to one",
    note = "name a reacton that `#[reacton]` or `#[computed]` declares, or one that the store has made"
)]
pub trait Watched: Readable {
    #[doc(hidden)]
    type __Kept: Readable<Value = Self::Value> + 'static;
    #[doc(hidden)]
    fn __kept(&self) -> Self::__Kept;
}

#[diagnostic::do_not_recommend]
impl<R: Readable + Clone + 'static> Watched for R {
    type __Kept = R;

    fn __kept(&self) -> R {
        self.clone()
    }
}

// A static is its address, so it is no `Clone`.
#[diagnostic::do_not_recommend]
impl<T: 'static, M> Watched for Reacton<T, M> {
    type __Kept = Site<T>;

    fn __kept(&self) -> Site<T> {
        self.site()
    }
}
