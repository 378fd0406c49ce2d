//! A serializer that hashes a key directly, without making bytes.

use std::any::type_name;
use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::sip::Sip;

/// The deepest nesting of a key, which is that of a value that is sent.
const MAX_DEPTH: u32 = 128;

/// Markers that differ from each other, and from numbers where that costs nothing.
const NOTHING: u64 = 0x6e6f_6e65;
const SOMETHING: u64 = 0x736f_6d65;
const UNIT: u64 = 0x756e_6974;
const SKIPPED: u64 = 0x736b_6970;

/// Why a key has no hash.
#[derive(Debug)]
pub(super) struct Refused(pub(super) String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self(reason.to_string())
    }
}

type Done = Result<(), Refused>;

/// Hashes the serialized form of a key.
pub(super) struct Hasher<'h> {
    sip: &'h mut Sip,
    /// The remaining depth of nesting.
    depth: u32,
}

impl<'h> Hasher<'h> {
    pub(super) fn new(sip: &'h mut Sip) -> Self {
        Self { sip, depth: MAX_DEPTH }
    }

    fn nested<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(Refused(format!("it is nested more than {MAX_DEPTH} deep")));
        };
        value.serialize(Hasher { sip: self.sip, depth })
    }

    /// Returns the separate hash of a value.
    fn apart<T: Serialize + ?Sized>(&self, value: &T) -> Result<u64, Refused> {
        let mut sip = self.sip.fresh();
        Hasher { sip: &mut sip, depth: self.depth }.nested(value)?;
        Ok(sip.finish())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what its callers return")]
    fn word(self, word: u64) -> Done {
        self.sip.word(word);
        Ok(())
    }
}

/// Whether this type is a set that may list equal contents in any order, or an iterator over one. For all other types
/// the order belongs to the value. Otherwise all orders of the same elements would have the same hash, and each look-up
/// would compare all of them.
fn is_unordered(mut name: &str) -> bool {
    loop {
        name = name.trim_start_matches('&');
        let (path, arguments) = name.split_once('<').unwrap_or((name, ""));
        // For example `Copied<Iter<T>>`: the order is that of the inner iterator.
        if path.starts_with("core::iter::adapters::") {
            name = arguments;
            continue;
        }
        let last = path.rsplit("::").next().unwrap_or(path);
        let of_hashes = ["std::collections::hash::", "hashbrown::"];
        return ["HashSet", "IndexSet"].contains(&last)
            || of_hashes.iter().any(|module| path.starts_with(module));
    }
}

macro_rules! words {
    ($($name:ident: $type:ty => |$value:ident| $word:expr;)*) => {$(
        fn $name(self, $value: $type) -> Done {
            self.word($word)
        }
    )*};
}

impl<'h> Serializer for Hasher<'h> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = List<'h>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Entries<'h>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    words! {
        serialize_bool: bool => |value| u64::from(value);
        serialize_i8: i8 => |value| i64::from(value).cast_unsigned();
        serialize_i16: i16 => |value| i64::from(value).cast_unsigned();
        serialize_i32: i32 => |value| i64::from(value).cast_unsigned();
        serialize_i64: i64 => |value| value.cast_unsigned();
        serialize_u8: u8 => |value| u64::from(value);
        serialize_u16: u16 => |value| u64::from(value);
        serialize_u32: u32 => |value| u64::from(value);
        serialize_u64: u64 => |value| value;
        serialize_f32: f32 => |value| float(f64::from(value));
        serialize_f64: f64 => |value| float(value);
        serialize_char: char => |value| u64::from(value);
    }

    fn serialize_i128(self, value: i128) -> Done {
        self.serialize_u128(value.cast_unsigned())
    }

    #[expect(clippy::cast_possible_truncation, reason = "the other half is written too")]
    fn serialize_u128(self, value: u128) -> Done {
        self.sip.word(value as u64);
        self.word((value >> 64) as u64)
    }

    fn serialize_str(self, value: &str) -> Done {
        self.serialize_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Done {
        self.sip.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Done {
        self.word(NOTHING)
    }

    fn serialize_some<T: Serialize + ?Sized>(mut self, value: &T) -> Done {
        self.sip.word(SOMETHING);
        self.nested(value)
    }

    fn serialize_unit(self) -> Done {
        self.word(UNIT)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.word(UNIT)
    }

    fn serialize_unit_variant(self, _: &'static str, at: u32, _: &'static str) -> Done {
        self.word(at.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.nested(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        at: u32,
        _: &'static str,
        value: &T,
    ) -> Done {
        self.sip.word(at.into());
        self.nested(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'h>, Refused> {
        Ok(List::Ordered { hasher: self, length: 0 })
    }

    fn collect_seq<I>(self, list: I) -> Done
    where
        I: IntoIterator<Item: Serialize>,
    {
        let mut to = if is_unordered(type_name::<I>()) {
            List::Unordered { hasher: self, elements: Vec::new() }
        } else {
            self.serialize_seq(None)?
        };
        for element in list {
            ser::SerializeSeq::serialize_element(&mut to, &element)?;
        }
        ser::SerializeSeq::end(to)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        at: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.sip.word(at.into());
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'h>, Refused> {
        Ok(Entries { hasher: self, key: 0, hashes: Vec::new() })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        at: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Refused> {
        self.sip.word(at.into());
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// Returns equal bits for equal numbers: both zeros have the same bits, and so do all NaNs.
fn float(value: f64) -> u64 {
    if value.is_nan() { 0x7ff8_0000_0000_0000 } else { (value + 0.0).to_bits() }
}

/// A list, or a set.
pub(super) enum List<'h> {
    Ordered {
        hasher: Hasher<'h>,
        length: u64,
    },
    /// The hash of each element; they are sorted at the end.
    Unordered {
        hasher: Hasher<'h>,
        elements: Vec<u64>,
    },
}

impl ser::SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, element: &T) -> Done {
        match self {
            Self::Ordered { hasher, length } => {
                *length += 1;
                hasher.nested(element)
            }
            Self::Unordered { hasher, elements } => {
                elements.push(hasher.apart(element)?);
                Ok(())
            }
        }
    }

    fn end(self) -> Done {
        match self {
            Self::Ordered { hasher, length } => hasher.word(length),
            Self::Unordered { hasher, elements } => {
                hasher.sip.sorted(elements);
                Ok(())
            }
        }
    }
}

/// A map: the hash of each entry; they are sorted at the end.
pub(super) struct Entries<'h> {
    hasher: Hasher<'h>,
    /// The hash of the key whose value follows.
    key: u64,
    hashes: Vec<u64>,
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.key = self.hasher.apart(key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let value = self.hasher.apart(value)?;
        let mut entry = self.hasher.sip.fresh();
        entry.word(self.key);
        entry.word(value);
        self.hashes.push(entry.finish());
        Ok(())
    }

    fn end(self) -> Done {
        self.hasher.sip.sorted(self.hashes);
        Ok(())
    }
}

/// A type with a fixed number of parts is hashed part by part.
macro_rules! parts {
    ($($trait:ident::$function:ident)*) => {$(
        impl ser::$trait for Hasher<'_> {
            type Ok = ();
            type Error = Refused;

            fn $function<T: Serialize + ?Sized>(&mut self, part: &T) -> Done {
                self.nested(part)
            }

            fn end(self) -> Done {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Hasher<'_> {
            type Ok = ();
            type Error = Refused;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, _: &'static str, field: &T) -> Done {
                self.nested(field)
            }

            fn skip_field(&mut self, _: &'static str) -> Done {
                self.sip.word(SKIPPED);
                Ok(())
            }

            fn end(self) -> Done {
                Ok(())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);
