//! A value on its way: its bytes, or its reference count.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use super::edits::Edits;

/// A serialized value: a few bytes in place, more of them counted, so that what is relayed is not copied.
#[derive(Clone)]
pub struct Encoded(pub(super) Bytes);

/// As many bytes as fit in place without making a [`Change`] larger than a count would: all numbers, names of variants
/// without fields, short texts.
pub(super) const IN_PLACE: usize = 22;

/// The longest buffer that is kept for the next value. The system clears each page of new memory, which costs more than copying
/// a value into it.
pub(crate) const MAX_KEPT: usize = 32 << 20;

#[derive(Clone)]
pub(super) enum Bytes {
    InPlace {
        len: u8,
        bytes: [u8; IN_PLACE],
    },
    Counted(Arc<[u8]>),
    /// The buffer in which it was encoded: a long value is not copied once more.
    Whole(Arc<Vec<u8>>),
}

impl Encoded {
    /// What `write` writes in place; it returns the length, or `None` if it does not fit.
    #[inline]
    pub(crate) fn written(write: impl FnOnce(&mut [u8]) -> Option<usize>) -> Option<Self> {
        let mut bytes = [0; IN_PLACE];
        let len = u8::try_from(write(&mut bytes)?).ok()?;
        Some(Self(Bytes::InPlace { len, bytes }))
    }

    /// `None` if it does not fit in place.
    fn in_place(value: &[u8]) -> Option<Self> {
        let mut bytes = [0; IN_PLACE];
        bytes.get_mut(..value.len())?.copy_from_slice(value);
        Some(Self(Bytes::InPlace { len: u8::try_from(value.len()).ok()?, bytes }))
    }
}

impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Encoded {}

impl PartialOrd for Encoded {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Encoded {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for Encoded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl Deref for Encoded {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Bytes::InPlace { len, bytes } => &bytes[..usize::from(*len)],
            Bytes::Counted(bytes) => bytes,
            Bytes::Whole(bytes) => bytes,
        }
    }
}

/// Copies them.
impl From<&[u8]> for Encoded {
    fn from(bytes: &[u8]) -> Self {
        Self::in_place(bytes).unwrap_or_else(|| Self(Bytes::Counted(bytes.into())))
    }
}

/// Takes them over.
impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        Self::in_place(&bytes).unwrap_or_else(|| Self(Bytes::Whole(Arc::new(bytes))))
    }
}

/// Counts them.
impl From<Arc<Vec<u8>>> for Encoded {
    fn from(bytes: Arc<Vec<u8>>) -> Self {
        Self(Bytes::Whole(bytes))
    }
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A value on its way.
#[derive(Clone)]
pub enum Payload {
    /// Serialized.
    Bytes(Encoded),
    /// Handed over by reference count: `zero_copy`.
    Counted(Arc<dyn Any + Send + Sync>),
    /// The entries that were written, of a value that is made of entries.
    Edits(Arc<Edits>),
}

impl Payload {
    /// The size of what is copied, in bytes: nothing for a value that is handed over.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Counted(_) => 0,
            Self::Edits(edits) => edits.len(),
        }
    }

    /// At least the length of the longest part that a road can only carry whole: a value, or one entry. In bytes.
    #[inline]
    pub(crate) fn longest_part(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Counted(_) => 0,
            Self::Edits(edits) => edits.longest(),
        }
    }

    /// Whether it is what was written of a value that is made of entries.
    #[inline]
    pub(crate) fn is_edits(&self) -> bool {
        matches!(self, Self::Edits(_))
    }

    /// Whether nothing is copied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether a value of this length may be sent. If not: why, after "it does not encode: ".
#[inline]
pub(crate) fn within(len: usize, max_value: u64) -> Result<(), String> {
    if len as u64 <= max_value { Ok(()) } else { Err(too_long(len, max_value)) }
}

#[cold]
fn too_long(len: usize, max_value: u64) -> String {
    format!(
        "it has {len} bytes, and a value on this link has at most {max_value}: raise `max_value` at both ends, or share it in parts"
    )
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Counted(_) => f.write_str("Counted"),
            Self::Edits(edits) => edits.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back_whether_they_are_stored_in_place_or_not() {
        for len in [0, 1, IN_PLACE, IN_PLACE + 1, 1000] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let (copied, taken) = (Encoded::from(&bytes[..]), Encoded::from(bytes.clone()));
            assert_eq!((&*copied, &*taken), (&*bytes, &*bytes));
            assert_eq!(matches!(copied.0, Bytes::InPlace { .. }), len <= IN_PLACE);
        }
    }
}
