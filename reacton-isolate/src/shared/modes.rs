//! The modes of reactons: how their values cross, and what that asks of the values.

use reacton_core::{Copied, Merge, MergeByCount, Merged, MergedByCount, ZeroCopy};

use super::crossing::{Across, Crossing, Serialized, Shared, SharedOnDemand};
use super::merging::{ByCount, ByEntry, InBytes};
use super::{Cloneable, Portable, TwoThreaded};

/// The mode of a reacton, as far as its values can cross between threads. Computeds have none that can.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be shared: it follows from other reactons",
    label = "this is a computed",
    note = "share the reactons that it reads; the worker's store computes it by itself"
)]
pub trait Crosses<T: 'static>: Sized + 'static {
    #[doc(hidden)]
    const CROSSING: &'static dyn Crossing;
}

impl<T: Portable> Crosses<T> for Copied {
    const CROSSING: &'static dyn Crossing = &Across::<T, Self, Serialized>::NEW;
}

impl<T: Send + Sync + 'static> Crosses<T> for ZeroCopy {
    const CROSSING: &'static dyn Crossing = &Across::<T, Self, Shared>::NEW;
}

/// A value whose entries are sent one by one, as serialized copies.
pub trait PortableEntries: Merge<Key: Portable, Item: Portable> {}

impl<T: Merge<Key: Portable, Item: Portable>> PortableEntries for T {}

impl<T: PortableEntries> Crosses<T> for Merged {
    const CROSSING: &'static dyn Crossing = &ByEntry::<T, Self, InBytes>::NEW;
}

/// A value whose entries are handed over one by one, by reference count.
pub trait CountedEntries: MergeByCount<Key: Portable, Item: TwoThreaded> + TwoThreaded {}

impl<T: MergeByCount<Key: Portable, Item: TwoThreaded> + TwoThreaded> CountedEntries for T {}

impl<T: CountedEntries> Crosses<T> for MergedByCount {
    const CROSSING: &'static dyn Crossing = &ByEntry::<T, Self, ByCount>::NEW;
}

/// The modes that a worker's `zero_copy` applies to: all but that of a computed.
#[diagnostic::on_unimplemented(
    message = "a computed cannot be shared: it follows from other reactons",
    label = "this is a computed",
    note = "share the reactons that it reads; the worker's store computes it by itself"
)]
pub trait Shareable<T: 'static>: 'static {
    #[doc(hidden)]
    const BY_REFERENCE: &'static dyn Crossing;
}

impl<T: Cloneable + TwoThreaded> Shareable<T> for Copied {
    const BY_REFERENCE: &'static dyn Crossing = &Across::<T, Self, SharedOnDemand>::NEW;
}

impl<T: Cloneable + TwoThreaded> Shareable<T> for ZeroCopy {
    const BY_REFERENCE: &'static dyn Crossing = &Across::<T, Self, SharedOnDemand>::NEW;
}

impl<T: CountedEntries> Shareable<T> for Merged {
    const BY_REFERENCE: &'static dyn Crossing = &ByEntry::<T, Self, ByCount>::NEW;
}

impl<T: CountedEntries> Shareable<T> for MergedByCount {
    const BY_REFERENCE: &'static dyn Crossing = <Self as Crosses<T>>::CROSSING;
}
