//! What a program can show of the state of its file.

use std::fmt;
use std::path::PathBuf;

/// Whether what the store holds is on disk: `store.get(saved.status())`, or subscribe to it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveStatus {
    /// Everything that was committed is on disk.
    Saved,
    /// Something was committed that is not on disk yet.
    Pending,
    /// The last attempt to write has failed. It is tried again, and nothing is lost in memory.
    Failing {
        /// The message of the storage.
        reason: String,
    },
}

/// Something that could not be read or saved, or that nothing reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A saved value does not decode, has no step that leads to the present version of its type, or was written by a newer build. The
    /// store holds the initial value, or no such entry.
    NotDecoded {
        /// The name of the reacton in the file.
        name: String,
        /// Why, and for an entry which one.
        reason: String,
        /// The name in the file to which the bytes are moved by the first write of the program; until then they stay where they are.
        kept: String,
    },
    /// The file could not be read. The program has begun with a new one.
    Damaged {
        /// Where the damaged file is now.
        kept_at: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A name that no reacton of the list has. What it holds is kept until [`forget_unknown`](crate::Saved::forget_unknown).
    Unknown {
        /// The name.
        name: String,
    },
    /// A value of the program was not saved, because it does not encode, or was changed without a write. What was saved before stays.
    NotSaved {
        /// The message, which names the reacton.
        reason: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDecoded { name, reason, kept } => {
                write!(
                    f,
                    "`{name}` could not be read: {reason}; its bytes are kept, as `{kept}` once it is written"
                )
            }
            Self::Damaged { kept_at, bytes } => {
                write!(
                    f,
                    "the file was damaged; its {bytes} bytes are kept at `{}`",
                    kept_at.display()
                )
            }
            Self::Unknown { name } => write!(f, "nothing reads `{name}`, which is kept"),
            Self::NotSaved { reason } => write!(f, "{reason}"),
        }
    }
}
