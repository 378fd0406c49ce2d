//! Files that are written whole, and the names beside theirs.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Lets `write` fill a file beside `path` first, so that no half file ever has its name.
pub(crate) fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let part = with_suffix(path, ".part");
    let written = write(&part).and_then(|()| fs::rename(&part, path).map_err(E::from));
    if written.is_err() {
        // What went wrong is reported; that there may be nothing to clear away is not worth a word.
        let _ = fs::remove_file(&part);
    }
    written
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
