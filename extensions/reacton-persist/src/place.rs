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

impl KeptAside {
    /// Renames a damaged file to the first free name beside it, `FILE.damaged-1` or a higher number: for the
    /// [`keep_aside`](crate::Storage::keep_aside) of a storage that consists of one file. What was kept earlier stays.
    ///
    /// # Errors
    /// If the file is not there, or the system refuses.
    pub fn rename(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        for number in 1_u32.. {
            let kept_at = path.with_file_name(format!("{name}.damaged-{number}"));
            // Also a link that leads nowhere would be replaced.
            match kept_at.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    fs::rename(path, &kept_at)?;
                    let bytes = kept_at.metadata()?.len();
                    return Ok(Self { kept_at, bytes });
                }
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Err(io::Error::from(ErrorKind::AlreadyExists))
    }
}
