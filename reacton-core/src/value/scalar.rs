//! Numbers, `bool` and `char`: values that are stored in the cell itself, and whose comparison runs no user code.

use std::any::{Any, TypeId};

use crate::value::Comparable;

macro_rules! scalars {
    ($($name:ident($type:ty)),* $(,)?) => {
        /// A value that needs no allocation.
        #[derive(Clone, Copy)]
        pub(crate) enum Scalar {
            $($name($type)),*
        }

        // For each `T` this compiles to one comparison of the tag.
        impl Scalar {
            #[inline]
            pub(crate) fn is<T: 'static>() -> bool {
                $(TypeId::of::<T>() == TypeId::of::<$type>())||*
            }

            #[inline]
            pub(crate) fn new<T: 'static>(value: &T) -> Option<Self> {
                let value: &dyn Any = value;
                $(if let Some(value) = value.downcast_ref::<$type>() {
                    return Some(Self::$name(*value));
                })*
                None
            }

            #[inline]
            pub(crate) fn get<T: 'static>(&self) -> Option<&T> {
                match self {
                    $(Self::$name(value) => (value as &dyn Any).downcast_ref(),)*
                }
            }

            #[inline]
            pub(crate) fn get_mut<T: 'static>(&mut self) -> Option<&mut T> {
                match self {
                    $(Self::$name(value) => (value as &mut dyn Any).downcast_mut(),)*
                }
            }

            /// As [`same`](Self::same), with a value of known type; `None` if this is of another type. No jump by the
            /// tag, and no copy of a value that was stored in parts.
            #[inline]
            pub(crate) fn same_as<T: 'static>(&self, other: &T) -> Option<bool> {
                let other: &dyn Any = other;
                $(if let Some(other) = other.downcast_ref::<$type>() {
                    return match self {
                        Self::$name(this) => Some(this.same(other)),
                        _ => None,
                    };
                })*
                None
            }

            /// Compares as [`Comparable`] does.
            #[inline]
            pub(crate) fn same(self, other: Self) -> bool {
                match (self, other) {
                    $((Self::$name(this), Self::$name(other)) => this.same(&other),)*
                    _ => false,
                }
            }
        }
    };
}

scalars! {
    Bool(bool), Char(char),
    I8(i8), I16(i16), I32(i32), I64(i64), Isize(isize),
    U8(u8), U16(u16), U32(u32), U64(u64), Usize(usize),
    F32(f32), F64(f64),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scalar_is_read_as_the_type_it_was_made_of_and_no_other() {
        let scalar = Scalar::new(&-7_i32).expect("an i32 is a scalar");
        assert_eq!((scalar.get::<i32>(), scalar.get::<u32>()), (Some(&-7), None));
        assert!(Scalar::is::<char>() && !Scalar::is::<String>());
        assert!(Scalar::new(&"text").is_none());
    }

    #[test]
    fn scalars_are_compared_as_values_are() {
        let scalar = |value: f64| Scalar::new(&value).expect("an f64 is a scalar");
        assert!(scalar(f64::NAN).same(scalar(f64::NAN)) && scalar(0.0).same(scalar(-0.0)));
        assert!(!scalar(1.0).same(Scalar::new(&1_i64).expect("an i64 is a scalar")));
    }
}
