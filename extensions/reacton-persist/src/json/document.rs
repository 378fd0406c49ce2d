//! The text of a file, as names and rows.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use serde_transcode::Transcoder;

use super::transcode::{of_digits, of_json, to_digits, to_json};
use crate::book::MARKER;
use crate::migration::FIRST;
use crate::storage::Row;

/// What a file holds: names in their order.
#[derive(Debug, Default)]
pub(super) struct Document(Vec<(String, Named)>);

/// What stands under one name: rows by key.
#[derive(Debug, Default)]
struct Named(BTreeMap<Vec<u8>, Value>);

/// A value, and the version of its type.
#[derive(Debug)]
struct Value {
    version: u32,
    text: Text,
    bytes: Vec<u8>,
}

/// How a value stands in the file.
#[derive(Debug)]
enum Text {
    Json(Box<RawValue>),
    Digits(String),
}

impl Text {
    fn of(bytes: &[u8]) -> Self {
        to_json(bytes).map_or_else(|| Self::Digits(to_digits(bytes)), Self::Json)
    }
}

impl Document {
    /// Reads a text. An empty one is an empty document.
    pub(super) fn of_text(text: &[u8]) -> Result<Self, serde_json::Error> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // Names and members first: what is wrong in them is at a place of this text.
        serde_json::from_slice(text)
    }

    pub(super) fn to_text(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    pub(super) fn rows(&self) -> Vec<Row> {
        let rows = self.0.iter().flat_map(|(name, named)| {
            named.0.iter().map(|(key, value)| Row {
                reacton: name.clone(),
                schema: value.version,
                key: key.clone(),
                value: Some(value.bytes.clone()),
            })
        });
        rows.collect()
    }

    /// Changes one row.
    pub(super) fn put(&mut self, row: &Row) {
        let Row { reacton, schema, key, value } = row;
        let at = self.0.iter().position(|(name, _)| name == reacton);
        let Some(bytes) = value else {
            if let Some(at) = at {
                let named = &mut self.0[at].1;
                named.0.remove(key);
                if named.0.is_empty() {
                    self.0.remove(at);
                }
            }
            return;
        };
        let at = at.unwrap_or_else(|| {
            self.0.push((reacton.clone(), Named::default()));
            self.0.len() - 1
        });
        let value = Value { version: *schema, text: Text::of(bytes), bytes: bytes.clone() };
        self.0[at].1.0.insert(key.clone(), value);
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, named)| (name, named)))
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(whole) = self.0.get(&[][..]) {
            whole.write(&mut map, FIRST)?;
        }
        let entries = self.0.iter().filter(|(key, _)| !key.is_empty() && **key != MARKER);
        // The version of most of them.
        let version = entries.clone().map(|(_, value)| value.version).max();
        if self.0.keys().any(|key| !key.is_empty()) {
            if let Some(version) = version.filter(|version| *version != FIRST) {
                map.serialize_entry("version", &version)?;
            }
            let common = version.unwrap_or(FIRST);
            let entries: Vec<_> =
                entries.map(|(key, value)| Entry { key, value, common }).collect();
            map.serialize_entry("entries", &entries)?;
        }
        map.end()
    }
}

/// An entry of a collection.
struct Entry<'e> {
    key: &'e [u8],
    value: &'e Value,
    /// The version that need not be stated.
    common: u32,
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        Text::of(self.key).write(&mut map, "key", "messagepack_key")?;
        self.value.write(&mut map, self.common)?;
        map.end()
    }
}

impl Value {
    fn write<M: SerializeMap>(&self, map: &mut M, common: u32) -> Result<(), M::Error> {
        if self.version != common {
            map.serialize_entry("version", &self.version)?;
        }
        self.text.write(map, "value", "messagepack")
    }
}

impl Text {
    fn write<M: SerializeMap>(
        &self,
        map: &mut M,
        json: &str,
        digits: &str,
    ) -> Result<(), M::Error> {
        match self {
            // Written again rather than copied, so that it is indented as what is around it.
            Self::Json(text) => {
                let mut from = serde_json::Deserializer::from_str(text.get());
                map.serialize_entry(json, &Transcoder::new(&mut from))
            }
            Self::Digits(text) => map.serialize_entry(digits, text),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;

        impl<'de> Visitor<'de> for Names {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the names of what is saved")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some(name) = map.next_key::<String>()? {
                    if document.0.iter().any(|(other, _)| *other == name) {
                        return Err(A::Error::custom(format!("`{name}` is there twice")));
                    }
                    let named = map.next_value::<Named>()?;
                    document.0.push((name, named));
                }
                Ok(document)
            }
        }

        deserializer.deserialize_map(Names)
    }
}

/// What a person may have written of one value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: Option<u32>,
    key: Option<Box<RawValue>>,
    messagepack_key: Option<String>,
    #[serde(default, deserialize_with = "some")]
    value: Option<Box<RawValue>>,
    messagepack: Option<String>,
    entries: Option<Vec<Written>>,
}

/// Also for `null`, which is a value.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Written {
    fn value(&self, common: u32) -> Result<Option<Value>, String> {
        let version = self.version.unwrap_or(common);
        match (&self.value, &self.messagepack) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("there is a `value` and a `messagepack`".into()),
            (Some(json), None) => {
                let bytes = of_json(json)?;
                Ok(Some(Value { version, text: Text::Json(json.clone()), bytes }))
            }
            (None, Some(digits)) => {
                let bytes = of_digits(digits).ok_or("`messagepack` is no number of digits")?;
                Ok(Some(Value { version, text: Text::Digits(digits.clone()), bytes }))
            }
        }
    }

    fn key(&self) -> Result<Vec<u8>, String> {
        match (&self.key, &self.messagepack_key) {
            (Some(json), None) => of_json(json),
            (None, Some(digits)) => {
                of_digits(digits).ok_or("`messagepack_key` is no number of digits".into())
            }
            _ => Err("an entry has a `key`".into()),
        }
    }

    fn into_named(self) -> Result<Named, String> {
        let mut named = Named::default();
        let common = self.version.unwrap_or(FIRST);
        if let Some(value) = self.value(FIRST)? {
            named.0.insert(Vec::new(), value);
        }
        let Some(entries) = self.entries else {
            return if named.0.is_empty() {
                Err("there is no `value` and no `entries`".into())
            } else {
                Ok(named)
            };
        };
        // So that an empty collection is one, too.
        named.0.insert(MARKER.to_vec(), Value::marker());
        for entry in entries {
            let value = entry.value(common)?.ok_or("an entry has a `value`")?;
            if named.0.insert(entry.key()?, value).is_some() {
                return Err("two entries have one key".into());
            }
        }
        Ok(named)
    }
}

impl Value {
    fn marker() -> Self {
        Self { version: FIRST, text: Text::Digits(String::new()), bytes: Vec::new() }
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        written.into_named().map_err(D::Error::custom)
    }
}
