//! How the program may write a source, and whether a write runs user code.

use super::SourceOps;
use crate::value::Scalar;

/// How the program may write a source. Values of other stores are always installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Writes {
    /// The source compares its values.
    Compared,
    /// Its values are scalars compared by `==`.
    Scalar,
    /// Its values are scalars, and each write is a change.
    ScalarEvent,
    /// Entry by entry: what a write has touched is noted.
    Merged,
    /// Writes are refused by an extension.
    Refused,
    /// Writes are refused. Its values are scalars compared by `==`.
    RefusedScalar,
    /// Writes are refused. Its values are scalars, and each write is a change.
    RefusedScalarEvent,
    /// Writes are refused. It is written entry by entry.
    RefusedMerged,
}

impl Writes {
    pub(super) fn of(source: &dyn SourceOps) -> Self {
        if source.merged().is_some() {
            return Self::Merged;
        }
        match (source.is_scalar(), source.is_compared()) {
            (true, true) => Self::Scalar,
            (true, false) => Self::ScalarEvent,
            (false, _) => Self::Compared,
        }
    }

    /// Whether a write of `new` over `old` changes nothing; `None` if the values are not scalars.
    #[inline]
    pub(crate) fn same_scalar(self, old: Scalar, new: Scalar) -> Option<bool> {
        match self {
            Self::Scalar | Self::RefusedScalar => Some(old.same(new)),
            Self::ScalarEvent | Self::RefusedScalarEvent => Some(false),
            Self::Compared | Self::Refused | Self::Merged | Self::RefusedMerged => None,
        }
    }

    /// As [`same_scalar`](Self::same_scalar); also `None` if the program may not write the source.
    #[inline]
    pub(crate) fn same_written<T: 'static>(self, old: &Scalar, new: &T) -> Option<bool> {
        match self {
            Self::Scalar => old.same_as(new),
            Self::ScalarEvent => Some(false),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn is_refused(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::RefusedScalar | Self::RefusedScalarEvent | Self::RefusedMerged
        )
    }

    /// Whether a write compares or replaces the value as a whole.
    #[inline]
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Compared | Self::Scalar | Self::ScalarEvent)
    }

    #[inline]
    pub(crate) fn is_merged(self) -> bool {
        matches!(self, Self::Merged | Self::RefusedMerged)
    }

    pub(super) fn with_refusal(self, refused: bool) -> Self {
        match (self, refused) {
            (Self::Compared | Self::Refused, false) => Self::Compared,
            (Self::Compared | Self::Refused, true) => Self::Refused,
            (Self::Merged | Self::RefusedMerged, false) => Self::Merged,
            (Self::Merged | Self::RefusedMerged, true) => Self::RefusedMerged,
            (Self::Scalar | Self::RefusedScalar, false) => Self::Scalar,
            (Self::Scalar | Self::RefusedScalar, true) => Self::RefusedScalar,
            (Self::ScalarEvent | Self::RefusedScalarEvent, false) => Self::ScalarEvent,
            (Self::ScalarEvent | Self::RefusedScalarEvent, true) => Self::RefusedScalarEvent,
        }
    }
}
