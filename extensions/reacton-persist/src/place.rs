//! Files by their paths: the folder, what stands beside a file, and errors that may pass.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::storage::KeptAside;

pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A hidden file beside this one, for a purpose.
pub(crate) fn beside(path: &Path, purpose: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{purpose}"))
}

/// The new name of a file is lost with the power unless its folder is synced; where folders can be.
pub(crate) fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Whether the file may be written to later, though it cannot be now.
pub(crate) fn is_temporary(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
    )
}

/// Renames a damaged file to the first free name.
pub(crate) fn keep_aside(path: &Path) -> io::Result<KeptAside> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let free = (1_u32..).map(|number| path.with_file_name(format!("{name}.damaged-{number}")));
    for kept_at in free {
        if !kept_at.try_exists()? {
            fs::rename(path, &kept_at)?;
            let bytes = kept_at.metadata()?.len();
            return Ok(KeptAside { kept_at, bytes });
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists))
}
