//! The value of a cell: without its type, and readable while the cell is being written.

mod scalar;

use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::mem::needs_drop;
use std::ops::Deref;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use crate::panics::{discard, guarded};

pub(crate) use scalar::Scalar;

/// One value of one reacton. A reader copies a scalar and clones the `Rc` of everything else. So it keeps the value
/// while user code replaces it, and no borrow is held across user code.
#[derive(Clone)]
pub(crate) enum Value {
    Scalar(Scalar),
    /// Holds a `T`, or an `Arc<T>` if another thread may share the value.
    Shared(Rc<dyn Any>),
    /// The place of the call that made an effect, which has no value.
    MadeAt(&'static Location<'static>),
}

impl Value {
    /// Stands for a value that was taken out.
    pub(crate) const NONE: Self = Self::Scalar(Scalar::Bool(false));

    #[inline]
    pub(crate) fn new<T: 'static>(value: T) -> Self {
        match Scalar::new(&value) {
            Some(scalar) => Self::Scalar(scalar),
            None => Self::Shared(Rc::new(value)),
        }
    }

    /// The value, in an `Arc` if the cell is arc-backed.
    pub(crate) fn in_form<T: 'static>(value: T, arc_backed: bool) -> Self {
        if arc_backed { Self::new(Arc::new(value)) } else { Self::new(value) }
    }

    #[inline]
    pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
        match self {
            Self::Scalar(scalar) => scalar.get(),
            Self::Shared(value) => match value.downcast_ref::<T>() {
                Some(value) => Some(value),
                None => value.downcast_ref::<Arc<T>>().map(|value| &**value),
            },
            Self::MadeAt(_) => None,
        }
    }

    /// The value in place, if nothing else holds it.
    #[inline]
    pub(crate) fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
        match self {
            Self::Scalar(scalar) => scalar.get_mut(),
            Self::Shared(value) => {
                let any = Rc::get_mut(value)?;
                if any.is::<T>() {
                    any.downcast_mut::<T>()
                } else {
                    any.downcast_mut::<Arc<T>>().and_then(Arc::get_mut)
                }
            }
            Self::MadeAt(_) => None,
        }
    }

    pub(crate) fn arc<T: 'static>(&self) -> Option<&Arc<T>> {
        match self {
            Self::Scalar(_) | Self::MadeAt(_) => None,
            Self::Shared(value) => value.downcast_ref::<Arc<T>>(),
        }
    }

    pub(crate) fn is_same_allocation(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Shared(this), Self::Shared(other)) => Rc::ptr_eq(this, other),
            _ => false,
        }
    }
}

/// Whether dropping a `T` certainly runs no user code. A constant for each `T`.
#[inline]
pub(crate) fn drops_quietly<T: 'static>() -> bool {
    !needs_drop::<T>()
        || TypeId::of::<T>() == TypeId::of::<String>()
        || TypeId::of::<T>() == TypeId::of::<Vec<u8>>()
        || TypeId::of::<T>() == TypeId::of::<Vec<String>>()
        || TypeId::of::<T>() == TypeId::of::<Option<String>>()
}

/// A value that is lent to user code. That code may replace it in the store, so that this is the last handle. If it
/// panics, the drop of the value is guarded.
pub(crate) struct Lent<T: 'static>(Value, PhantomData<fn() -> T>);

impl<T: 'static> Lent<T> {
    #[inline]
    pub(crate) fn new(value: Value) -> Self {
        Self(value, PhantomData)
    }

    #[cold]
    fn drop_guarded(&mut self) {
        let value = std::mem::replace(&mut self.0, Value::NONE);
        if let Err(payload) = guarded(|| drop(value)) {
            discard(payload);
        }
    }
}

impl<T: 'static> Deref for Lent<T> {
    type Target = Value;

    #[inline]
    fn deref(&self) -> &Value {
        &self.0
    }
}

impl<T: 'static> Drop for Lent<T> {
    #[inline]
    fn drop(&mut self) {
        if !drops_quietly::<T>() && thread::panicking() {
            self.drop_guarded();
        }
    }
}

/// A value held outside of its store: it stays what it was, whatever is written meanwhile.
pub struct Held<T: 'static> {
    value: Value,
    of: PhantomData<Rc<T>>,
}

impl<T: 'static> Held<T> {
    /// `None` if the value is of another type.
    pub(crate) fn new(value: Value) -> Option<Self> {
        value.get::<T>()?;
        Some(Self { value, of: PhantomData })
    }

    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The reference count that may cross threads, if the cell keeps one.
    #[must_use]
    pub fn arc(&self) -> Option<&Arc<T>> {
        self.value.arc::<T>()
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), of: PhantomData }
    }
}

impl<T: 'static> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.get().expect("the type was checked when this was made")
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}

/// The comparison of two values of one reacton; `None` means that every write is a change.
pub(crate) type Same<T> = Option<fn(&T, &T) -> bool>;

/// What a reacton asks of its values: an equal write is silent.
///
/// Implemented for everything that is `PartialEq`. A float that is not a number counts as equal to itself
/// here, so that writing it twice is one change.
#[diagnostic::on_unimplemented(
    message = "a reacton's values must be comparable: `{Self}` has no `PartialEq`",
    label = "an equal write is silent, so two `{Self}` must be comparable",
    note = "add `#[derive(PartialEq)]` to `{Self}` and to what it holds, or write `eq = never` or `eq = my_function` in the attribute"
)]
pub trait Comparable: 'static {
    /// Whether a write of `other` over `self` changes nothing.
    fn same(&self, other: &Self) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T: PartialEq + 'static> Comparable for T {
    fn same(&self, other: &Self) -> bool {
        self == other || both_nan(self, other)
    }
}

/// What `zero_copy` asks of a value: it is handed to another thread by reference count.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be `zero_copy`: two threads would hold one value",
    label = "`{Self}` is not `Send + Sync`",
    note = "make `{Self}` `Send + Sync`, with `Arc` for `Rc` and a `Mutex` or an atomic for a `Cell`, or remove `zero_copy`"
)]
pub trait Countable: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> Countable for T {}

/// Only for the float types themselves: two structs that are unequal because of a NaN may differ elsewhere too.
#[inline]
fn both_nan<T: 'static>(a: &T, b: &T) -> bool {
    // A constant for each `T`: only floats are compared.
    let floats = [
        TypeId::of::<f64>(),
        TypeId::of::<f32>(),
        TypeId::of::<Option<f64>>(),
        TypeId::of::<Option<f32>>(),
    ];
    floats.contains(&TypeId::of::<T>()) && both_nan_of_floats(a, b)
}

fn both_nan_of_floats(a: &dyn Any, b: &dyn Any) -> bool {
    fn float(value: &dyn Any) -> Option<f64> {
        if let Some(value) = value.downcast_ref::<f64>() {
            return Some(*value);
        }
        if let Some(value) = value.downcast_ref::<f32>() {
            return Some(f64::from(*value));
        }
        if let Some(value) = value.downcast_ref::<Option<f64>>() {
            return *value;
        }
        value.downcast_ref::<Option<f32>>().and_then(|value| value.map(f64::from))
    }
    matches!((float(a), float(b)), (Some(a), Some(b)) if a.is_nan() && b.is_nan())
}

/// A value from another store.
#[derive(Debug)]
pub enum Incoming<T> {
    /// A value that nothing else holds.
    Owned(T),
    /// A value that other threads may hold too.
    Shared(Arc<T>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arc_backed_value_reads_like_a_plain_one() {
        let plain = Value::in_form(7_u32, false);
        let backed = Value::in_form(7_u32, true);
        assert_eq!(plain.get::<u32>(), backed.get::<u32>());
        assert!(plain.arc::<u32>().is_none() && backed.arc::<u32>().is_some());
        assert!(plain.get::<i8>().is_none());
    }

    #[test]
    fn only_a_lone_value_is_written_in_place() {
        let mut value = Value::in_form(String::from("a"), true);
        value.get_mut::<String>().expect("nothing else holds the value").push('b');
        let reader = value.clone();
        assert!(value.get_mut::<String>().is_none());
        assert_eq!(reader.get::<String>().map(String::as_str), Some("ab"));
    }

    #[test]
    fn a_nan_equals_itself_but_not_a_number() {
        assert!(f64::NAN.same(&f64::NAN));
        assert!(Some(f32::NAN).same(&Some(f32::NAN)));
        assert!(!f64::NAN.same(&1.0));
        assert!(!None::<f64>.same(&Some(f64::NAN)));
    }
}
