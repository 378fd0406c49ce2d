//! Values that cannot be sent, or only to some threads.

use std::cell::Cell;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value, or a key, that cannot be encoded if it is negative.
#[derive(Clone, PartialEq, Debug, Deserialize)]
pub struct Fragile(pub i32);

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ..0 => Err(S::Error::custom("below zero")),
            _ => serializer.serialize_i32(self.0),
        }
    }
}

thread_local! {
    /// Set on threads where a [`Picky`] of the name `odd` cannot be decoded.
    pub static DEAF: Cell<bool> = const { Cell::new(false) };
}

/// A value that some threads cannot decode, or that serde changes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Picky {
    /// Kept by serde.
    pub name: String,
    /// 0 after serde.
    #[serde(skip)]
    pub note: u8,
}

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let Named { name } = Named::deserialize(deserializer)?;
        if DEAF.get() && name == "odd" {
            return Err(D::Error::custom("it is odd"));
        }
        Ok(Self { name, note: 0 })
    }
}

/// Returns such a value.
#[must_use]
pub fn picky(name: &str, note: u8) -> Picky {
    Picky { name: name.into(), note }
}
