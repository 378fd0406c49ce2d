//! Saves what a store holds, so that it outlives the program.
//!
//! A saved reacton is shared with a *sink*: a link like that of a worker, at whose other end is a thread that writes to a [`Storage`].
//! Whole transactions are written, in order, and the thread of the store never waits for the disk. [`Redb`] is for data of any size,
//! [`JsonFile`] for settings that a person opens in an editor.
//!
//! Programs use this as `reacton::persist`, with the feature `persist` of the crate `reacton`.
//!
//! ```
//! use reacton::persist::{Persist, Redb, saved};
//! use reacton::prelude::*;
//! use std::time::Duration;
//!
//! #[reacton(id = "volume")] // its name in the file
//! static VOLUME: u8 = 50;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("state.redb");
//! let store = ReactonStore::new();
//! let saved = Persist::new(saved![VOLUME]).open(&store, Redb::at(&path))?;
//! store.set(&VOLUME, 70);
//! saved.flush(Duration::from_secs(9))?;
//! # drop(saved);
//!
//! let another = ReactonStore::new();
//! let saved = Persist::new(saved![VOLUME]).open(&another, Redb::at(&path))?;
//! assert_eq!(another.get(&VOLUME), 70);
//! # drop(saved);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod book;
mod error;
mod handle;
mod json;
mod migration;
mod opening;
mod persist;
mod place;
mod progress;
mod redb;
mod status;
mod storage;
mod writer;

pub use error::{FlushError, OpenError, StorageError};
pub use handle::Saved;
pub use json::JsonFile;
pub use migration::Migrate;
pub use persist::{Persist, SavedSet};
pub use redb::Redb;
pub use status::{Problem, SaveStatus};
pub use storage::{KeptAside, Row, Storage};

/// Returns the set of these reactons, for [`Persist::new`].
///
/// It accepts the same list as `shared![..]`. Each reacton must be declared with `id = ".."`, which is its name in the file: its path
/// changes when it is moved. Values are saved as bytes, so they must be serializable, also those of a `zero_copy` reacton.
#[macro_export]
macro_rules! saved {
    ($($list:tt)*) => { $crate::__private::saved!($crate; $($list)*) };
}

/// Not public: `saved!` expands to these paths. Any release may change them.
#[doc(hidden)]
pub mod __private {
    pub use reacton_core::ReactonRef;
    pub use reacton_core::lists::{ListPart, firsts};
    pub use reacton_isolate::{Group, ListEntry, OfReferences, SharedPart, SharedSlot};
    pub use reacton_macros::saved;
}
