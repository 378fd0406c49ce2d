//! What a program's state is written to: rows, in transactions.

use std::path::PathBuf;

use crate::error::StorageError;

/// One value, or one entry of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Row {
    /// The `id = ".."` of the reacton.
    pub reacton: String,
    /// The version of the type of its values, from 1: see [`Persist::migrate`](crate::Persist::migrate).
    pub schema: u32,
    /// The key of an entry of a collection, as `MessagePack`; empty for a value that is saved as a whole.
    pub key: Vec<u8>,
    /// The value, as `MessagePack`; `None` in [`commit`](Storage::commit) if there is no such row any more.
    pub value: Option<Vec<u8>>,
}

/// Where a damaged file is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptAside {
    /// Its new path.
    pub kept_at: PathBuf,
    /// Its size.
    pub bytes: u64,
}

/// What rows are written to. A row is identified by its reacton and its key together.
///
/// [`load`](Self::load) is called once, by the thread that opens; then [`commit`](Self::commit) by the thread that writes. Dropping the
/// storage closes it.
pub trait Storage: Send {
    /// Returns all rows, and claims the storage for this process.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] if what is there cannot be read: then [`keep_aside`](Self::keep_aside) is called, and then this once more.
    /// [`StorageError::InUse`] if another process has claimed it. With any other error, what is there must stay untouched.
    fn load(&mut self) -> Result<Vec<Row>, StorageError>;

    /// Writes all of these rows or none of them, and returns once they would survive a loss of power.
    ///
    /// # Errors
    /// If they could not be written. It is called again later, with these rows and others.
    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError>;

    /// Puts what cannot be read in another place, where nothing writes to it, and where nothing was kept before:
    /// [`KeptAside::rename`] does so for a file.
    ///
    /// # Errors
    /// If that is not possible. Then nothing is written.
    fn keep_aside(&mut self) -> Result<KeptAside, StorageError>;
}
