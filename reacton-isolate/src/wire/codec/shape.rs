//! The shape of a type: what its `Deserialize` asks for first, such as a struct with these fields.
//!
//! It is the same in each build of a program, which the name of a type need not be, and differs between two types of one name
//! whose fields have come to differ. It is found without a value and without bytes: the type is deserialized from a deserializer
//! that writes down what is asked for, and then fails. So it reaches as far as the first struct or enum.

use std::fmt::{self, Write};

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// How deep types within types are followed, because a type may contain itself.
const DEPTH: usize = 8;

/// The shape of `T`; `None` if its `Deserialize` panics.
pub(crate) fn shape<T: DeserializeOwned>() -> Option<String> {
    let find = || {
        let mut recorder = Recorder { shape: String::new(), depth: 0 };
        // It returns a value only if it requests nothing.
        drop(T::deserialize(&mut recorder));
        Ok(recorder.shape)
    };
    super::guarded(find).ok()
}

struct Recorder {
    shape: String,
    depth: usize,
}

impl Recorder {
    fn write<V>(&mut self, what: fmt::Arguments<'_>) -> Result<V, Recorded> {
        // Writing to a `String` does not fail.
        let _ = self.shape.write_fmt(what);
        Err(Recorded)
    }

    /// Records a request, and then the requests inside of it.
    fn within<V>(
        &mut self,
        what: &str,
        look: impl FnOnce(&mut Self) -> Result<V, Recorded>,
    ) -> Result<V, Recorded> {
        self.shape.push_str(what);
        self.depth += 1;
        if self.depth > DEPTH {
            return self.write(format_args!(" .."));
        }
        self.shape.push(' ');
        look(self)
    }
}

/// The request was recorded.
#[derive(Debug)]
struct Recorded;

impl fmt::Display for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a shape is no value")
    }
}

impl std::error::Error for Recorded {}

impl serde::de::Error for Recorded {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

macro_rules! plain {
    ($($method:ident $name:literal)*) => { $(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Recorded> {
            self.write(format_args!($name))
        }
    )* };
}

impl<'de> Deserializer<'de> for &mut Recorder {
    type Error = Recorded;

    plain! {
        deserialize_any "any" deserialize_bool "bool" deserialize_char "char"
        deserialize_i8 "i8" deserialize_i16 "i16" deserialize_i32 "i32" deserialize_i64 "i64" deserialize_i128 "i128"
        deserialize_u8 "u8" deserialize_u16 "u16" deserialize_u32 "u32" deserialize_u64 "u64" deserialize_u128 "u128"
        deserialize_f32 "f32" deserialize_f64 "f64"
        deserialize_str "str" deserialize_string "str" deserialize_bytes "bytes" deserialize_byte_buf "bytes"
        deserialize_unit "unit" deserialize_identifier "identifier" deserialize_ignored_any "ignored"
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: V,
    ) -> Result<V::Value, Recorded> {
        self.write(format_args!("struct {name}"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Recorded> {
        self.write(format_args!("struct {name} {fields:?}"))
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        len: usize,
        _: V,
    ) -> Result<V::Value, Recorded> {
        self.write(format_args!("struct {name} of {len}"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Recorded> {
        self.write(format_args!("enum {name} {variants:?}"))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Recorded> {
        self.within("option", |inside| visitor.visit_some(inside))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Recorded> {
        self.within(name, |inside| visitor.visit_newtype_struct(inside))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Recorded> {
        self.within("seq", |inside| visitor.visit_seq(Elements(inside)))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Recorded> {
        self.within(&format!("{len}-tuple"), |inside| visitor.visit_seq(Elements(inside)))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Recorded> {
        self.within("map", |inside| visitor.visit_map(Elements(inside)))
    }

    /// Must be the same as for the codec.
    fn is_human_readable(&self) -> bool {
        true
    }
}

/// The first element of a sequence, or the first key of a map.
struct Elements<'r>(&'r mut Recorder);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Recorded;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Recorded> {
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = Recorded;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Recorded> {
        seed.deserialize(&mut *self.0).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, _: V) -> Result<V::Value, Recorded> {
        Err(Recorded)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::IpAddr;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Point {
        #[serde(rename = "x")]
        _x: f32,
        _y: f32,
    }

    #[derive(Deserialize)]
    enum Choice {
        _One,
        #[expect(dead_code, reason = "only its shape is asked for")]
        _Two(Box<Choice>),
    }

    #[derive(Deserialize)]
    struct Nested(Vec<Nested>);

    struct Panics;

    impl<'de> Deserialize<'de> for Panics {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            panic!("it says nothing")
        }
    }

    #[test]
    fn a_shape_reaches_to_the_first_struct_or_enum() {
        let shapes = [
            (shape::<u32>(), "u32"),
            (shape::<String>(), "str"),
            (shape::<IpAddr>(), "str"),
            (shape::<Point>(), r#"struct Point ["x", "_y"]"#),
            (shape::<Option<Vec<Point>>>(), r#"option seq struct Point ["x", "_y"]"#),
            (shape::<Choice>(), r#"enum Choice ["_One", "_Two"]"#),
            (shape::<(u8, Point)>(), "2-tuple u8"),
            (shape::<BTreeMap<String, Point>>(), "map str"),
            (shape::<()>(), "unit"),
        ];
        for (shape, expected) in shapes {
            assert_eq!(shape.as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_type_that_contains_itself_has_a_shape() {
        let found = shape::<Nested>().expect("finding the shape does not panic");
        assert!(found.starts_with("Nested seq Nested seq") && found.ends_with(".."), "{found}");
        drop(Nested(Vec::new()).0);
    }

    #[test]
    fn a_type_whose_deserialize_panics_has_no_shape() {
        assert_eq!(shape::<Panics>(), None);
    }
}
