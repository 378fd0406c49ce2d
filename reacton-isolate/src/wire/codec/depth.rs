//! Counts how deeply a value is nested while it is serialized. `Serialize` calls itself for nested values, so a deeply
//! nested value would overflow the stack. The limit is that for decoding (see [`outline`](super::outline)): what
//! encodes also decodes.

use std::fmt::Display;

use serde::ser::{
    Error, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::outline::{MAX_DEPTH, TOO_DEEP};

/// The maximum number of levels of any kind, including those that leave no trace in the bytes, such as `Some`.
const MAX_LEVELS: usize = 4 * MAX_DEPTH;

/// A value whose serialization fails if it is nested too deeply.
pub(super) struct Limited<'v, T: ?Sized> {
    value: &'v T,
    levels: Levels,
}

impl<'v, T: ?Sized> Limited<'v, T> {
    pub(super) fn new(value: &'v T) -> Self {
        Self { value, levels: Levels { lists: 0, all: 0 } }
    }
}

impl<T: Serialize + ?Sized> Serialize for Limited<'_, T> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Counting { inner: serializer, levels: self.levels })
    }
}

/// The number of levels around a value.
#[derive(Clone, Copy)]
struct Levels {
    /// Lists and maps, which are levels in the bytes.
    lists: usize,
    all: usize,
}

impl Levels {
    /// One level further, in a list or a map.
    #[inline]
    fn in_list<E: Error>(self) -> Result<Self, E> {
        Self { lists: self.lists + 1, ..self }.in_other()
    }

    /// One level further, in something that is no level in the bytes.
    #[inline]
    fn in_other<E: Error>(self) -> Result<Self, E> {
        let levels = Self { all: self.all + 1, ..self };
        if levels.lists > MAX_DEPTH || levels.all > MAX_LEVELS {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(levels)
    }

    #[inline]
    fn limited<T: ?Sized>(self, value: &T) -> Limited<'_, T> {
        Limited { value, levels: self }
    }
}

/// A serializer, or one of its list or map serializers, with the levels around it.
struct Counting<S> {
    inner: S,
    levels: Levels,
}

macro_rules! forward {
    ($($name:ident($type:ty)),* $(,)?) => { $(
        #[inline]
        fn $name(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$name(value)
        }
    )* };
}

impl<S: Serializer> Serializer for Counting<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Counting<S::SerializeSeq>;
    type SerializeTuple = Counting<S::SerializeTuple>;
    type SerializeTupleStruct = Counting<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Counting<S::SerializeTupleVariant>;
    type SerializeMap = Counting<S::SerializeMap>;
    type SerializeStruct = Counting<S::SerializeStruct>;
    type SerializeStructVariant = Counting<S::SerializeStructVariant>;

    forward! {
        serialize_bool(bool), serialize_char(char), serialize_str(&str), serialize_bytes(&[u8]),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
        serialize_f32(f32), serialize_f64(f64), serialize_unit_struct(&'static str),
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&self.levels.in_other::<S::Error>()?.limited(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let levels = self.levels.in_other::<S::Error>()?;
        self.inner.serialize_newtype_struct(name, &levels.limited(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        self.inner.serialize_newtype_variant(name, index, variant, &levels.limited(value))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        Ok(Counting { inner: self.inner.serialize_seq(len)?, levels })
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        Ok(Counting { inner: self.inner.serialize_tuple(len)?, levels })
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        Ok(Counting { inner: self.inner.serialize_tuple_struct(name, len)?, levels })
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        // A map of one variant, with the list inside.
        let levels = self.levels.in_list::<S::Error>()?.in_list::<S::Error>()?;
        let inner = self.inner.serialize_tuple_variant(name, index, variant, len)?;
        Ok(Counting { inner, levels })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        Ok(Counting { inner: self.inner.serialize_map(len)?, levels })
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?;
        Ok(Counting { inner: self.inner.serialize_struct(name, len)?, levels })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        let levels = self.levels.in_list::<S::Error>()?.in_list::<S::Error>()?;
        let inner = self.inner.serialize_struct_variant(name, index, variant, len)?;
        Ok(Counting { inner, levels })
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

/// The serializers of values without names.
macro_rules! lists {
    ($($trait:ident::$name:ident),* $(,)?) => { $(
        impl<C: $trait> $trait for Counting<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn $name<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
                self.inner.$name(&self.levels.limited(value))
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )* };
}

lists! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

/// The serializers of values with field names.
macro_rules! structs {
    ($($trait:ident),* $(,)?) => { $(
        impl<C: $trait> $trait for Counting<C> {
            type Ok = C::Ok;
            type Error = C::Error;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), C::Error> {
                self.inner.serialize_field(key, &self.levels.limited(value))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), C::Error> {
                self.inner.skip_field(key)
            }

            fn end(self) -> Result<C::Ok, C::Error> {
                self.inner.end()
            }
        }
    )* };
}

structs!(SerializeStruct, SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for Counting<C> {
    type Ok = C::Ok;
    type Error = C::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), C::Error> {
        self.inner.serialize_key(&self.levels.limited(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), C::Error> {
        self.inner.serialize_value(&self.levels.limited(value))
    }

    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), C::Error> {
        self.inner.serialize_entry(&self.levels.limited(key), &self.levels.limited(value))
    }

    fn end(self) -> Result<C::Ok, C::Error> {
        self.inner.end()
    }
}
