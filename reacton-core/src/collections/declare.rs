//! Declarations of collections, as the attribute generates them.

use super::cell::{Entries, ValueOf};
use crate::merge::Merge;
use crate::reacton::declare::{Merged, MergedByCount, Reacton};
use crate::value::{Comparable, Countable};

/// A mode in which values are written entry by entry: [`Merged`] or [`MergedByCount`].
#[diagnostic::on_unimplemented(
    message = "the entries of this reacton are not written one by one",
    label = "this needs a collection that is declared as one",
    note = "name the type of a collection as it is, such as `ReactonMap<K, V>`, or write `#[reacton(merge)]` if the type has another name"
)]
pub trait ByEntries {}

impl ByEntries for Merged {}
impl ByEntries for MergedByCount {}

impl<T: 'static> Reacton<T, Merged> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn() -> T) -> Self
    where
        T: Merge,
        ValueOf<T>: Comparable,
    {
        Self::__with_eq(path, initial, const { &Entries::compared_by(Some(ValueOf::<T>::same)) })
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        initial: fn() -> T,
        entries: &'static Entries<T>,
    ) -> Self
    where
        T: Merge,
    {
        Self::declare_merged(path, initial, entries)
    }
}

impl<T: 'static> Reacton<T, MergedByCount> {
    #[doc(hidden)]
    #[track_caller]
    pub const fn __new(path: &'static str, initial: fn() -> T) -> Self
    where
        T: Merge,
        ValueOf<T>: Comparable,
        T::Item: Countable,
    {
        Self::__with_eq(path, initial, const { &Entries::compared_by(Some(ValueOf::<T>::same)) })
    }

    #[doc(hidden)]
    #[track_caller]
    pub const fn __with_eq(
        path: &'static str,
        initial: fn() -> T,
        entries: &'static Entries<T>,
    ) -> Self
    where
        T: Merge,
        T::Item: Countable,
    {
        Self::declare_merged(path, initial, entries)
    }
}
