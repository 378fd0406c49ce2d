//! User code in a store: what a computed, an effect and a subscription call. The graph holds these handles but calls
//! none of them, and names no other type of the layers above it.

use std::any::Any;

use crate::graph::{CellId, MemberOf, SourceRef};
use crate::id::Head;
use crate::merge::{Renamed, Way};
use crate::panics::FirstPanic;
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::Value;

pub(crate) type Effect = Box<dyn FnMut(&Reader<'_>)>;

pub(crate) type Listener = Box<dyn FnMut(&ReactonStore, &Value)>;

/// The computation of a computed cell.
pub(crate) trait Derive {
    fn head(&self) -> Option<&Head>;
    /// Its type, for messages about a computed without a head.
    fn type_name(&self) -> &'static str;
    /// Runs the computation and stores the result with [`Reader::store_result`]. Returns whether that has also ended
    /// the run.
    fn compute(&self, reader: &Reader<'_>) -> bool;
    /// The family and key of a member; `None` for all others.
    fn member(&self) -> Option<MemberOf<'_>> {
        None
    }
    /// Whether this is the key of the member. Calls user code.
    fn is_key(&self, _: &dyn Any) -> bool {
        false
    }
    /// The key of the member for a message. Calls user code.
    fn key_text(&self) -> Option<String> {
        None
    }
}

/// The entries that edits of this store have touched, without the type of their value.
pub(crate) trait TouchedEntries {
    /// Appends what was edited later.
    fn append(&mut self, later: &dyn TouchedEntries);
    /// Makes the entries hold what they held before or afterwards; nothing if the program may not write the value.
    fn replay(&self, store: &ReactonStore, id: CellId, way: Way) -> Renamed;
    /// Takes over new names of items.
    fn rename(&mut self, renamed: &Renamed);
    fn boxed(&self) -> Box<dyn TouchedEntries>;
    fn as_any(&self) -> &dyn Any;
}

/// What a source does whose values are written entry by entry. The `&mut dyn Any` is the value, in the type that the source has.
pub(crate) trait Merged {
    /// An edit of the value begins. `shares` says whether it is sent to other stores.
    fn begin(&self, store: &ReactonStore, value: &mut dyn Any, shares: bool);
    /// An edit has ended. Returns whether it has written any entry.
    fn settle(&self, store: &ReactonStore, value: &mut dyn Any, panics: &mut FirstPanic) -> bool;
    /// As `settle`, for an edit that joins entries of other stores: it is not recorded.
    fn settle_joined(
        &self,
        store: &ReactonStore,
        value: &mut dyn Any,
        panics: &mut FirstPanic,
    ) -> bool;
    /// Whether the entries that edits touch can be recorded; otherwise a history records whole values.
    fn has_entries(&self) -> bool;
    /// From now on records the entries that edits of this store touch, or does not any more.
    fn record(&self, on: bool);
    /// Takes what edits of this store have touched since the last call, without what came out equal.
    fn take_touched(&self, panics: &mut FirstPanic) -> Option<Box<dyn TouchedEntries>>;
    /// The transaction ends. Returns whether the value is unchanged.
    fn commit(&self, panics: &mut FirstPanic) -> bool;
    /// The transaction has no net effect, and is not sent.
    fn revert(&self, store: &ReactonStore, id: CellId);
    /// The value is no longer shared.
    fn forget_removals(&self, store: &ReactonStore, id: CellId);
    /// Replaces the value by that in `new`, an `Option` of the type that the source has.
    fn replace(&self, store: &ReactonStore, id: CellId, new: &mut dyn Any);
    /// Replaces the value by the initial one.
    fn reset(&self, store: &ReactonStore, id: CellId);
    /// Edits the entries that differ from those of `value`.
    fn restore(&self, store: &ReactonStore, id: CellId, value: &Value);
    /// The cell was removed, or is used again from the beginning.
    fn ended(&self, store: &ReactonStore, panics: &mut FirstPanic);
    /// The same for a cell of another store.
    fn fresh(&self) -> SourceRef;
    fn as_any(&self) -> &dyn Any;
}
