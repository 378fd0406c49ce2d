//! User code in a store: what a computed, an effect and a subscription call. The graph holds these handles but calls
//! none of them, and names no other type of the layers above it.

use std::any::Any;

use crate::graph::{CellId, MemberOf, SourceRef};
use crate::id::Head;
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

/// What a source does whose values are written entry by entry. The `&mut dyn Any` is the value, in the type that the source has.
pub(crate) trait Merged {
    /// An edit of the value begins. `shares` says whether it is sent to other stores.
    fn begin(&self, store: &ReactonStore, value: &mut dyn Any, shares: bool);
    /// An edit has ended. Returns whether it has written any entry.
    fn settle(&self, store: &ReactonStore, value: &mut dyn Any, panics: &mut FirstPanic) -> bool;
    /// The transaction ends. Returns whether the value is unchanged.
    fn commit(&self, panics: &mut FirstPanic) -> bool;
    /// The transaction has no net effect, and is not sent.
    fn revert(&self, store: &ReactonStore, id: CellId);
    /// The value is no longer shared.
    fn forget_removals(&self, store: &ReactonStore, id: CellId);
    /// Replaces the value by that in `new`, an `Option` of the type that the source has.
    fn replace(&self, store: &ReactonStore, id: CellId, new: &mut dyn Any);
    /// Edits the entries that differ from those of `value`.
    fn restore(&self, store: &ReactonStore, id: CellId, value: &Value);
    /// The cell was removed, or is used again from the beginning.
    fn ended(&self, store: &ReactonStore, panics: &mut FirstPanic);
    /// The same for a cell of another store.
    fn fresh(&self) -> SourceRef;
    fn as_any(&self) -> &dyn Any;
}
