//! Rows in a text of JSON: for settings that a person opens in an editor.

mod document;
mod transcode;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use self::document::Document;
use crate::error::StorageError;
use crate::place::{beside, folder, is_temporary, sync};
use crate::storage::{KeptAside, Row, Storage};

/// A file of JSON, which a person can edit while the program does not run.
///
/// ```json
/// {
///   "settings": { "value": { "theme": "dark", "size": 12.0 } },
///   "recent": { "version": 2, "entries": [ { "key": 1, "value": { "path": "a.txt" } } ] }
/// }
/// ```
///
/// Each write replaces the file as a whole, so it is for data of a few thousand rows at most. A value edited by hand is read at the next
/// start. If the text is no JSON, [`open`](crate::Persist::open) returns an error that names the line and the column, and the file is
/// left as it is. What JSON cannot hold, such as bytes, a NaN, or a map whose keys are no texts, stands as `"messagepack"` in digits.
///
/// A file `.NAME.lock` beside it says that a process has it open.
#[derive(Debug)]
pub struct JsonFile {
    path: PathBuf,
    document: Document,
    lock: Option<File>,
}

impl JsonFile {
    /// The file at this path. It and the folders above it are made with the first write.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), document: Document::default(), lock: None }
    }

    fn io(&self, source: io::Error) -> StorageError {
        StorageError::Io { path: self.path.clone(), source }
    }

    /// Claims the file. Where nothing can be written, nothing can be claimed, either.
    fn claim(&mut self) -> Result<(), StorageError> {
        if self.lock.is_some() {
            return Ok(());
        }
        match open_lock(&self.path) {
            Err(error) if is_temporary(&error) => return Ok(()),
            Err(error) => return Err(self.io(error)),
            Ok(file) => match file.try_lock() {
                Ok(()) => self.lock = Some(file),
                Err(TryLockError::WouldBlock) => {
                    return Err(StorageError::InUse { path: self.path.clone() });
                }
                // A file system without locks.
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
                Err(TryLockError::Error(error)) => return Err(self.io(error)),
            },
        }
        Ok(())
    }

    fn write(&self) -> io::Result<()> {
        let folder = folder(&self.path);
        fs::create_dir_all(folder)?;
        let mut text = self.document.to_text().map_err(io::Error::other)?;
        text.push('\n');
        let mut builder = tempfile::Builder::new();
        if let Ok(metadata) = fs::metadata(&self.path) {
            builder.permissions(metadata.permissions());
        }
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        sync(folder)
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder(path))?;
    OpenOptions::new().write(true).create(true).truncate(false).open(beside(path, "lock"))
}

impl Storage for JsonFile {
    fn load(&mut self) -> Result<Vec<Row>, StorageError> {
        self.claim()?;
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.io(error)),
        };
        self.document = Document::of_text(&text).map_err(|error| {
            let (line, column, text) = (error.line(), error.column(), error.to_string());
            let reason = text.rsplit_once(" at line ").map_or(&*text, |(reason, _)| reason);
            StorageError::Syntax {
                path: self.path.clone(),
                line,
                column,
                reason: reason.to_owned(),
            }
        })?;
        Ok(self.document.rows())
    }

    fn commit(&mut self, rows: &[Row]) -> Result<(), StorageError> {
        self.claim()?;
        for row in rows {
            self.document.put(row);
        }
        self.write().map_err(|error| self.io(error))
    }

    fn keep_aside(&mut self) -> Result<KeptAside, StorageError> {
        KeptAside::rename(&self.path).map_err(|error| self.io(error))
    }
}
