//! Writes files completely or not at all, and makes file names beside others.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Lets `write` fill a temporary file beside `path` first, so that an incomplete file never has the final name.
pub(crate) fn write_whole<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let part = with_suffix(path, ".part");
    let written = write(&part).and_then(|()| fs::rename(&part, path).map_err(E::from));
    if written.is_err() {
        // The first error is reported. It does not matter if there is no temporary file to remove.
        let _ = fs::remove_file(&part);
    }
    written
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
