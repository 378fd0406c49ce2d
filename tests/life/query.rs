//! A value whose decoding fails where a test wants it to.

use std::cell::Cell;

use reacton::prelude::*;
use serde::{Deserialize, Deserializer, Serialize};

thread_local! {
    /// Whether decoding the number 13 fails on this thread.
    pub(crate) static REFUSES: Cell<bool> = const { Cell::new(false) };
}

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Query(pub(crate) u32);

impl<'de> Deserialize<'de> for Query {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u32::deserialize(deserializer)? {
            13 if REFUSES.get() => Err(serde::de::Error::custom("13 is refused")),
            number => Ok(Self(number)),
        }
    }
}

#[reacton]
pub(crate) static QUERY: Query = Query(0);
