//! Rows in a file of [redb](https://docs.rs/redb): for data of any size.

mod file;

use std::fmt;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use reacton_core::panic_message;
use redb::{Database, DatabaseError, ReadableDatabase, ReadableTable, TableDefinition, TableError};

use self::file::{Claimed, Direct, InMemory};
use crate::error::StorageError;
use crate::place::{beside, folder, is_temporary, sync};
use crate::storage::{KeptAside, Row, Storage};

/// By name and key: the version, and the value. The number is that of this layout.
const ROWS: TableDefinition<'_, RowKey<'_>, RowValue<'_>> = TableDefinition::new("reacton-1");

type RowKey<'k> = (&'k str, &'k [u8]);

type RowValue<'v> = (u32, &'v [u8]);

/// A file of redb: one file, in which each write is a transaction.
///
/// What is read is checked by the checksums of the file. A damaged one is left as it is, under another name. The file is not written to
/// before the first change is saved.
pub struct Redb {
    path: PathBuf,
    /// Claimed for this process from [`load`](Storage::load) on.
    file: Option<Arc<Claimed>>,
    /// The empty file that was claimed before there was one. Another process may have it open, and must not claim it.
    empty: Option<Arc<Claimed>>,
    /// Open from the first write on.
    database: Option<Database>,
}

impl Redb {
    /// The file at this path. It and the folders above it are made if they are not there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: None, empty: None, database: None }
    }

    fn io(&self, source: io::Error) -> StorageError {
        StorageError::Io { path: self.path.clone(), source }
    }

    fn error(&self, error: redb::Error) -> StorageError {
        let (path, reason) = (self.path.clone(), error.to_string());
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                StorageError::InUse { path }
            }
            redb::Error::Io(source)
                if !matches!(source.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof) =>
            {
                StorageError::Io { path, source }
            }
            _ => StorageError::Damaged { path, reason },
        }
    }

    /// Runs code of redb, which may panic on a file that was changed by something else.
    fn guarded<U>(&self, f: impl FnOnce() -> Result<U, redb::Error>) -> Result<U, StorageError> {
        match catch_unwind(AssertUnwindSafe(f)) {
            Ok(result) => result.map_err(|error| self.error(error)),
            Err(payload) => {
                let (path, reason) = (self.path.clone(), panic_message(&*payload));
                Err(StorageError::Damaged { path, reason })
            }
        }
    }

    /// Opens the file, and claims it. If it cannot be written to, it is only read.
    fn claim(&self) -> Result<Option<Arc<Claimed>>, StorageError> {
        match Claimed::open(&self.path) {
            Ok(file) => Ok(Some(Arc::new(file))),
            Err(error) if !is_temporary(&error) => Err(self.io(error)),
            Err(error) => match Claimed::read_only(&self.path) {
                Ok(file) => Ok(Some(Arc::new(file))),
                Err(reading) if reading.kind() == ErrorKind::NotFound => {
                    tracing::warn!(path = %self.path.display(), %error, "it cannot be made yet");
                    Ok(None)
                }
                Err(reading) => Err(self.io(reading)),
            },
        }
    }

    fn database(&mut self) -> Result<&Database, StorageError> {
        if self.database.is_none() {
            if self.file.as_ref().is_none_or(|file| !file.is_writable()) {
                self.file = None;
                let file = Claimed::open(&self.path).map_err(|error| self.io(error))?;
                self.file = Some(Arc::new(file));
            }
            let file = Arc::clone(self.file.as_ref().ok_or_else(closed)?);
            let is_new = file.is_empty().map_err(|error| self.io(error))?;
            self.database = Some(if is_new { self.create(file)? } else { self.reopen(file)? });
        }
        self.database.as_ref().ok_or_else(closed)
    }

    fn reopen(&self, file: Arc<Claimed>) -> Result<Database, StorageError> {
        let backend = Direct(file);
        self.guarded(|| Ok(Database::builder().create_with_backend(backend)?))
    }

    /// Makes a file of redb in the place of an empty one. It is made under another name: a kill in the middle of that would leave a file
    /// that cannot be read.
    fn create(&mut self, empty: Arc<Claimed>) -> Result<Database, StorageError> {
        let new = beside(&self.path, "new");
        let io = |error| self.io(error);
        // Another process may have made it, if the empty one was not claimed before.
        let is_claimed = empty.lock_all().map_err(|error| self.error(error.into()))?;
        if !is_claimed || std::fs::metadata(&self.path).is_ok_and(|there| there.len() > 0) {
            return Err(StorageError::InUse { path: self.path.clone() });
        }
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
        let file = Arc::new(Claimed::open(&new).map_err(io)?);
        let database = self.reopen(Arc::clone(&file))?;
        std::fs::rename(&new, &self.path).map_err(io)?;
        (self.file, self.empty) = (Some(file), Some(empty));
        sync(folder(&self.path)).map_err(|error| self.io(error))?;
        Ok(database)
    }
}

impl Storage for Redb {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        self.file = self.claim()?;
        let Some(file) = &self.file else { return Ok(Vec::new()) };
        // What redb repairs while it opens is written to memory, so that a file that turns out to be damaged is as it was.
        let backend = InMemory::over(Arc::clone(file));
        self.guarded(|| {
            let mut builder = Database::builder();
            builder.set_check_integrity_on_open(true);
            rows(&builder.create_with_backend(backend).map_err(of_database)?)
        })
    }

    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError> {
        self.database()?;
        let Some(database) = &self.database else { return Ok(()) };
        let written = self.guarded(|| write(database, rows));
        if written.is_err() {
            // After an error of the system it has to be opened again.
            let database = self.database.take();
            let _ = catch_unwind(AssertUnwindSafe(|| drop(database)));
        }
        written
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        self.database = None;
        // Claimed until it has its new name: another process could rename it meanwhile, and this one the new file of that process.
        let kept = KeptAside::rename(&self.path).map_err(|error| self.io(error));
        (self.file, self.empty) = (None, None);
        kept
    }
}

fn closed() -> StorageError {
    StorageError::Other(String::from("it is not open"))
}

fn of_database(error: DatabaseError) -> redb::Error {
    error.into()
}

fn rows(database: &Database) -> Result<Vec<Row>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = match transaction.open_table(ROWS) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        table => table?,
    };
    let mut rows = Vec::new();
    for row in table.iter()? {
        let (name, value) = row?;
        let ((reacton, key), (schema, value)) = (name.value(), value.value());
        let (reacton, key) = (reacton.to_owned(), key.to_vec());
        rows.push(Row { reacton, schema, key, value: Some(value.to_vec()) });
    }
    Ok(rows)
}

fn write(database: &Database, rows: &[Row]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(ROWS)?;
        for Row { reacton, schema, key, value } in rows {
            let name = (reacton.as_str(), key.as_slice());
            match value {
                Some(value) => drop(table.insert(name, (*schema, value.as_slice()))?),
                None => drop(table.remove(name)?),
            }
        }
    }
    // Durable when it returns: the default.
    Ok(transaction.commit()?)
}

impl fmt::Debug for Redb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redb").field("path", &self.path).finish_non_exhaustive()
    }
}
