//! The identity of a reacton: a hash of its path, computed at compile time and equal in every thread, process and
//! build.

use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::panic::Location;

/// The identity of a reacton: a 64-bit hash of its path, or of the `id = ".."` it was given.
///
/// The hash is FNV-1a followed by the finalizer of `MurmurHash3`, so a hash table can use any of its bits directly. It
/// does not depend on the compiler, the machine or the process.
///
/// # Examples
/// ```
/// use reacton_core::RefId;
///
/// const ID: RefId = RefId::of("my_app::COUNT");
/// assert_eq!(ID, RefId::of("my_app::COUNT"));
/// assert_ne!(ID, RefId::of("my_app::TOTAL"));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefId(u64);

impl RefId {
    /// Hashes a path.
    #[must_use]
    pub const fn of(path: &str) -> Self {
        let bytes = path.as_bytes();
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut at = 0;
        while at < bytes.len() {
            hash ^= bytes[at] as u64;
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3);
            at += 1;
        }
        Self(finish(hash))
    }

    /// The identity of the member of the family `self` whose key has this hash.
    pub(crate) const fn member(self, key: u64) -> Self {
        Self(finish(self.0 ^ finish(key).rotate_left(32)))
    }

    /// The hash as a number, for logs and for other encodings.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The identity for which [`as_u64`](Self::as_u64) returned this number.
    #[must_use]
    pub const fn from_u64(hash: u64) -> Self {
        Self(hash)
    }

    /// `==` for constant evaluation, where trait methods may not be called.
    #[must_use]
    pub const fn same(self, other: Self) -> bool {
        self.0 == other.0
    }
}

/// The finalizer of `MurmurHash3`: each bit of the input moves about half of the output's.
const fn finish(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

impl fmt::Debug for RefId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefId({:016x})", self.0)
    }
}

impl fmt::Display for RefId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// The ref of a reacton: its [`RefId`] and the path it was declared under.
///
/// Two refs are equal if their ids are equal. The name is for messages and logs.
#[derive(Clone, Copy)]
pub struct ReactonRef {
    id: RefId,
    name: &'static str,
}

impl ReactonRef {
    pub(crate) const fn new(id: RefId, name: &'static str) -> Self {
        Self { id, name }
    }

    /// The identity, equal in every thread, process and build.
    #[must_use]
    pub const fn id(&self) -> RefId {
        self.id
    }

    /// The path of the declaration, such as `my_app::state::COUNT`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl PartialEq for ReactonRef {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl std::hash::Hash for ReactonRef {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl Eq for ReactonRef {}

impl PartialOrd for ReactonRef {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ReactonRef {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.id.cmp(&other.id)
    }
}

impl fmt::Debug for ReactonRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReactonRef({} {})", self.name, self.id)
    }
}

impl fmt::Display for ReactonRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A table keyed by [`RefId`]: the id is a good hash already, so it is not hashed again.
pub type RefMap<V> = std::collections::HashMap<RefId, V, BuildHasherDefault<Passed>>;

/// Hands a [`RefId`] on as the hash that it is.
#[derive(Debug, Default, Clone, Copy)]
pub struct Passed(u64);

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Only `RefId` is hashed with this, through `write_u64`; other input still gets a valid hash.
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// The identity of a declaration, and its place in the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) rref: ReactonRef,
    pub(crate) at: &'static Location<'static>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_never_changes() {
        // Recorded on 2026-11-22: peers of other builds compare ids, so a change here breaks them.
        assert_eq!(RefId::of("").as_u64(), 0xefd0_1f60_ba99_2926);
        assert_eq!(RefId::of("my_app::COUNT").to_string().len(), 16);
    }

    #[test]
    fn refs_are_compared_by_id_and_printed_by_name() {
        let one = ReactonRef::new(RefId::of("id"), "a::ONE");
        let two = ReactonRef::new(RefId::of("id"), "b::TWO");
        assert_eq!(one, two);
        assert_eq!(one.to_string(), "a::ONE");
    }
}
