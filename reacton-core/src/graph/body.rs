//! What a cell is: a source, a computed, an effect or a subscription, each behind a handle that is called outside of the graph; or a
//! scope, which only owns other cells.

use std::any::Any;
use std::ops::Deref;
use std::rc::Rc;

use super::{CellKind, Token};
use crate::id::Head;
use crate::store::code::{Derive, Effect, Listener, Merged};
use crate::value::{Same, Value};

/// What a cell is. Handles are taken out or cloned, so that they are called after the borrow of the graph ends.
pub(crate) enum Body {
    Vacant,
    Source(SourceRef),
    Derived(Rc<dyn Derive>),
    /// `None` while it runs. The value of the cell is then the place in the source where the effect was made.
    Effect(Option<Effect>),
    /// A subscription: called with the changes of one reacton, and removed with it.
    Listener(Option<Listener>),
    /// Owns what its closure has made, and never runs. The value of the cell is the place in the source where it was made.
    Scope,
}

impl Body {
    pub(crate) fn source(&self) -> Option<&SourceRef> {
        match self {
            Self::Source(source) => Some(source),
            _ => None,
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        match self {
            Self::Source(source) => source.head(),
            Self::Derived(derived) => derived.head(),
            Self::Vacant | Self::Effect(_) | Self::Listener(_) | Self::Scope => None,
        }
    }

    /// The family and key of a member; `None` for all others.
    pub(crate) fn member(&self) -> Option<MemberOf<'_>> {
        match self {
            Self::Source(source) => source.member(),
            Self::Derived(derived) => derived.member(),
            Self::Vacant | Self::Effect(_) | Self::Listener(_) | Self::Scope => None,
        }
    }

    pub(super) fn kind(&self) -> CellKind {
        match self {
            Self::Vacant => CellKind::Vacant,
            Self::Source(_) => CellKind::Source,
            Self::Derived(_) => CellKind::Derived,
            Self::Effect(_) => CellKind::Effect,
            Self::Listener(_) => CellKind::Listener,
            Self::Scope => CellKind::Scope,
        }
    }
}

/// How the values of a writable cell are compared and named.
pub(crate) trait SourceOps {
    fn head(&self) -> Option<&Head>;
    /// Whether a write of `new` over `old` changes nothing.
    fn same(&self, old: &Value, new: &dyn Any) -> bool;
    /// The same for two values that are both held.
    fn same_held(&self, old: &Value, new: &Value) -> bool;
    /// Whether its values are compared at all. If not, every write is a change.
    fn is_compared(&self) -> bool {
        true
    }
    /// The value in a store that never wrote another one. Only a declaration has one.
    fn initial(&self) -> Option<Value>;
    /// The family and key of a member; `None` for all others.
    fn member(&self) -> Option<MemberOf<'_>> {
        None
    }
    /// Whether this is the key of the member. Calls user code.
    fn is_key(&self, _: &dyn Any) -> bool {
        false
    }
    /// What writes its values entry by entry, if anything does.
    fn merged(&self) -> Option<&dyn Merged> {
        None
    }
    /// Whether its values are scalars that are compared by `==` or not at all: then no write to it runs user code.
    fn is_scalar(&self) -> bool;
    /// Its type, for messages about a source without a head.
    fn type_name(&self) -> &'static str;
}

/// A member of a family.
pub(crate) struct MemberOf<'s> {
    pub(crate) family: &'s Head,
    /// The address of the family's static.
    pub(crate) address: usize,
    pub(crate) key: &'s dyn Any,
    pub(crate) token: Token,
}

/// A handle to the [`SourceOps`] of a cell.
#[derive(Clone)]
pub(crate) enum SourceRef {
    /// A source without data of its own, so without an allocation.
    Plain(&'static dyn SourceOps),
    Own(Rc<dyn SourceOps>),
}

impl SourceRef {
    /// Whether both are handles of the same object.
    pub(crate) fn is(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Own(this), Self::Own(other)) if Rc::ptr_eq(this, other))
    }
}

impl Deref for SourceRef {
    type Target = dyn SourceOps;

    #[inline]
    fn deref(&self) -> &Self::Target {
        match self {
            Self::Plain(source) => *source,
            Self::Own(source) => &**source,
        }
    }
}

/// Compares through a function pointer; without one, every write is a change.
pub(crate) fn same_held<T: 'static>(same: Same<T>, old: &Value, new: &Value) -> bool {
    match (same, old.get::<T>(), new.get::<T>()) {
        (Some(same), Some(old), Some(new)) => same(old, new),
        _ => false,
    }
}
