//! Code of the user in a store: what a computed, an effect and a subscription call.
//!
//! The graph holds these handles and calls none of them; it names no other type of the layers above it.

use std::any::Any;

use crate::graph::MemberOf;
use crate::id::Head;
use crate::store::ReactonStore;
use crate::store::reader::Reader;
use crate::value::Value;

pub(crate) type Effect = Box<dyn FnMut(&Reader<'_>)>;

pub(crate) type Listener = Box<dyn FnMut(&ReactonStore, &Value)>;

/// The computation of a computed cell.
pub(crate) trait Derive {
    fn head(&self) -> Option<&Head>;
    /// What to call it in a message if it has no head.
    fn type_name(&self) -> &'static str;
    /// Runs the computation and keeps what comes out, with [`Reader::store_result`]. Returns whether the run has ended with that.
    fn compute(&self, reader: &Reader<'_>) -> bool;
    /// Which member of which family it is, if it is one.
    fn member(&self) -> Option<MemberOf<'_>> {
        None
    }
    /// Whether this is the key of the member. Calls user code.
    fn is_key(&self, _: &dyn Any) -> bool {
        false
    }
    /// The key of the member, as a message shows it. Calls user code.
    fn key_text(&self) -> Option<String> {
        None
    }
}
