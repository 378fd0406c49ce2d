//! A storage in `SQLite`: one table, one row for each value and each entry.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reacton::persist::{KeptAside, Row, Storage, StorageError};
use rusqlite::{Connection, Error, ErrorCode, params};

/// A file of `SQLite`. It may be that of a program, which has other tables in it.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    connection: Option<Connection>,
}

const TABLE: &str = "CREATE TABLE IF NOT EXISTS reacton (
    name TEXT NOT NULL, key BLOB NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (name, key)) WITHOUT ROWID";

impl Sqlite {
    /// The file at this path, which is made if it is not there.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), connection: None }
    }

    fn open(&self) -> Result<Connection, Error> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(Duration::ZERO)?;
        // One process at a time, until the connection is closed; each commit is synced.
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.execute_batch(&format!("BEGIN EXCLUSIVE; {TABLE}; COMMIT"))?;
        Ok(connection)
    }

    fn error(&self, error: &Error) -> StorageError {
        let (path, reason) = (self.path.clone(), error.to_string());
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                StorageError::InUse { path }
            }
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                StorageError::Damaged { path, reason }
            }
            _ => StorageError::Other(reason),
        }
    }
}

/// The path with an ending.
fn with(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    path.into()
}

fn rows(connection: &Connection) -> Result<Vec<Row>, Error> {
    let ok: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if ok != "ok" {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        return Err(Error::SqliteFailure(code, Some(ok)));
    }
    let mut statement = connection.prepare("SELECT name, version, key, value FROM reacton")?;
    let rows = statement.query_map([], |row| {
        Ok(Row { reacton: row.get(0)?, schema: row.get(1)?, key: row.get(2)?, value: row.get(3)? })
    })?;
    rows.collect()
}

fn commit(connection: &mut Connection, rows: &[Row]) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    {
        let mut put = transaction.prepare_cached(
            "INSERT OR REPLACE INTO reacton (name, version, key, value) VALUES (?, ?, ?, ?)",
        )?;
        let mut remove =
            transaction.prepare_cached("DELETE FROM reacton WHERE name = ? AND key = ?")?;
        for Row { reacton, schema, key, value } in rows {
            match value {
                Some(value) => put.execute(params![reacton, schema, key, value])?,
                None => remove.execute(params![reacton, key])?,
            };
        }
    }
    transaction.commit()
}

impl Storage for Sqlite {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        let loaded = self.open().and_then(|connection| Ok((rows(&connection)?, connection)));
        let (rows, connection) = loaded.map_err(|error| self.error(&error))?;
        self.connection = Some(connection);
        Ok(rows)
    }

    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError> {
        let Some(connection) = &mut self.connection else {
            return Err(StorageError::Other("it is not open".into()));
        };
        commit(connection, rows).map_err(|error| StorageError::Other(error.to_string()))
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        self.connection = None;
        let io = |source| StorageError::Io { path: self.path.clone(), source };
        let kept = KeptAside::rename(&self.path).map_err(io)?;
        // What SQLite keeps beside a file belongs to it, and would be taken for that of the new file.
        for ending in ["-journal", "-wal", "-shm"] {
            match std::fs::rename(with(&self.path, ending), with(&kept.kept_at, ending)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
                _ => {}
            }
        }
        Ok(kept)
    }
}
