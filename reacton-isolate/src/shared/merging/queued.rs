//! What is said of edits that are queued, before they are joined.

use std::any::Any;
use std::fmt;

use reacton_core::Version;

use crate::wire::value::Encoded;

/// What queued edits make of a value. Each link sends them in a form of its own, so the crossing of its slot joins them.
pub struct Preview {
    /// The key of the member of a family, and the version of its value.
    pub(in crate::shared) member: Option<(Encoded, Version)>,
    /// A copy of the collection. Of a member, the newest value that is queued.
    pub(crate) value: Option<Box<dyn Any>>,
}

impl fmt::Debug for Preview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preview").field("member", &self.member).finish_non_exhaustive()
    }
}

/// What a store has of one key.
#[derive(Debug)]
pub struct Known {
    pub(crate) key: Encoded,
    /// When it was last written.
    pub(crate) version: Version,
    /// Whether there is an entry now.
    pub(crate) is_there: bool,
}

impl Known {
    pub(in crate::shared) fn nothing(key: Encoded) -> Self {
        Self { key, version: Version::NEVER, is_there: false }
    }
}
