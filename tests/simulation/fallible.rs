//! Values that sometimes cannot be encoded or decoded: only in some of the trees, and no longer when stores are
//! compared.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

thread_local! {
    /// The state of the random numbers that decide which crossing fails. `None` if every value crosses.
    static FAILURES: Cell<Option<u64>> = const { Cell::new(None) };

    /// The parts that at some time were not encoded or not decoded.
    static LOST_PARTS: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };

    /// How often a part was not encoded.
    static REFUSED_PARTS: Cell<u64> = const { Cell::new(0) };
}

/// From now on about one crossing in eight fails, by `seed`. With `None`, no crossing fails.
pub(crate) fn set_fallible(seed: Option<u64>) {
    FAILURES.set(seed);
}

/// Runs `f`, in which every value crosses.
pub(crate) fn without_failures<U>(f: impl FnOnce() -> U) -> U {
    let before = FAILURES.replace(None);
    let result = f();
    FAILURES.set(before);
    result
}

fn fails() -> bool {
    let Some(state) = FAILURES.get() else { return false };
    // Knuth's linear congruential generator, of which only the upper bits are used.
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

/// A part of the job with this number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Part(pub(crate) u64);

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if fails() {
            REFUSED_PARTS.set(REFUSED_PARTS.get() + 1);
            LOST_PARTS.with_borrow_mut(|lost| lost.insert(self.0));
            return Err(ser::Error::custom("fallible"));
        }
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if fails() {
            LOST_PARTS.with_borrow_mut(|lost| lost.insert(number));
            return Err(de::Error::custom("fallible"));
        }
        Ok(Self(number))
    }
}

/// Called for a new tree: forgets which parts have not crossed.
pub(crate) fn forget_parts() {
    LOST_PARTS.take();
    REFUSED_PARTS.set(0);
}

/// Returns whether the part of this job failed to cross at least once.
pub(crate) fn did_not_cross(number: u64) -> bool {
    LOST_PARTS.with_borrow(|lost| lost.contains(&number))
}

/// Returns how often a part was not encoded.
pub(crate) fn refused_parts() -> u64 {
    REFUSED_PARTS.get()
}
