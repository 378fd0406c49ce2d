//! Serialization of the parts of a list that are sent. Only the crate of a type can implement it, so this crate has an
//! optional dependency on serde.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ItemId, ListItem};
use crate::collections::position::Position;

/// Serialized as the text of its [`Display`](fmt::Display), because not every format has numbers of 128 bits.
impl Serialize for ItemId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ItemId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = ItemId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the id of an item")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<ItemId, E> {
                ItemId::of_text(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl<'de> Visitor<'de> for Bytes {
            type Value = Position;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the bytes of a position")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Position, E> {
                Position::from_bytes(bytes)
                    .ok_or_else(|| E::invalid_value(Unexpected::Bytes(bytes), &self))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Position, A::Error> {
                let mut all = Vec::new();
                while let Some(byte) = bytes.next_element()? {
                    all.push(byte);
                }
                self.visit_bytes(&all)
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

/// Serialized as a pair of two options: the position, and the value in a list of one. Without the list, a value such as
/// `None` could look like a missing value.
impl<T: Serialize> Serialize for ListItem<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (position, value) = match self {
            Self::Exists => (None, None),
            Self::New(position, value) => (Some(position), Some(&**value)),
            Self::At(position) => (Some(position), None),
            Self::Holds(value) => (None, Some(&**value)),
        };
        (position, value.map(|value| (value,))).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ListItem<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (position, value) = <(Option<Position>, Option<(T,)>)>::deserialize(deserializer)?;
        Ok(match (position, value.map(|(value,)| Arc::new(value))) {
            (None, None) => Self::Exists,
            (Some(position), Some(value)) => Self::New(position, value),
            (Some(position), None) => Self::At(position),
            (None, Some(value)) => Self::Holds(value),
        })
    }
}
