//! A value that sometimes does not encode or decode: only in some of the trees, and not any more when stores are compared.

use std::cell::Cell;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

thread_local! {
    /// The state of what decides; nothing where every value crosses.
    static FAILURES: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on one crossing in about eight fails, as `seed` decides; or none.
pub(crate) fn set_fallible(seed: Option<u64>) {
    FAILURES.set(seed);
}

/// While `f` runs every value crosses.
pub(crate) fn without_failures<U>(f: impl FnOnce() -> U) -> U {
    let before = FAILURES.replace(None);
    let result = f();
    FAILURES.set(before);
    result
}

fn fails() -> bool {
    let Some(state) = FAILURES.get() else { return false };
    // Knuth's linear congruential generator: the upper bits are good enough.
    let next =
        state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    FAILURES.set(Some(next));
    next >> 61 == 0
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Small(pub(crate) u8);

impl Serialize for Small {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if fails() { Err(ser::Error::custom("fallible")) } else { serializer.serialize_u8(self.0) }
    }
}

impl<'de> Deserialize<'de> for Small {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let small = u8::deserialize(deserializer)?;
        if fails() { Err(de::Error::custom("fallible")) } else { Ok(Self(small)) }
    }
}
