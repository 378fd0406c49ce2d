//! The file under redb: claimed for this process, read with all changes kept in memory first, and then written to.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

/// The ranges that redb locks.
type Range = (Bound<u64>, Bound<u64>);

/// A file that this process has claimed. What redb locks stays locked until this is dropped, also while redb has it not open.
#[derive(Debug)]
pub(super) struct Claimed {
    file: FileBackend,
    locked: Mutex<Vec<Range>>,
    is_writable: bool,
}

impl Claimed {
    /// Opens a file to write to it, and makes it and the folders above it if they are not there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        Self::of(options.open(path)?, true)
    }

    /// Opens a file that cannot be written to.
    pub(super) fn read_only(path: &Path) -> io::Result<Self> {
        Self::of(File::open(path)?, false)
    }

    fn of(file: File, is_writable: bool) -> io::Result<Self> {
        let file = FileBackend::new(file).map_err(io::Error::other)?;
        Ok(Self { file, locked: Mutex::default(), is_writable })
    }

    pub(super) fn is_empty(&self) -> io::Result<bool> {
        Ok(self.file.len()? == 0)
    }

    pub(super) fn is_writable(&self) -> bool {
        self.is_writable
    }

    /// Claims a file that redb has not opened yet. Returns whether that was possible.
    pub(super) fn lock_all(&self) -> Result<bool, BackendError> {
        let is_locked = !lock(&self.locked).is_empty();
        Ok(is_locked || self.lock_range((Bound::Unbounded, Bound::Unbounded))?)
    }

    fn lock_range(&self, range: Range) -> Result<bool, BackendError> {
        let mut locked = lock(&self.locked);
        // A file that cannot be written to cannot be locked for that, and need not be.
        if !self.is_writable || locked.contains(&range) {
            return Ok(true);
        }
        let is_locked = self.file.try_lock_range(range.0, range.1)?;
        if is_locked {
            locked.push(range);
        }
        Ok(is_locked)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes to the file.
#[derive(Debug)]
pub(super) struct Direct(pub(super) Arc<Claimed>);

impl StorageBackend for Direct {
    fn len(&self) -> io::Result<u64> {
        self.0.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.file.write(offset, data)
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.lock_range((start, end))
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}

/// The size of what is copied to memory at a time.
const BLOCK: usize = 4096;

/// The block in which an offset is, and where in it.
#[expect(clippy::cast_possible_truncation, reason = "the remainder is less than a block")]
fn place(offset: u64) -> (u64, usize) {
    let block = BLOCK as u64;
    (offset / block, (offset % block) as usize)
}

/// Reads the file, and keeps what is written in memory.
#[derive(Debug)]
pub(super) struct InMemory {
    file: Arc<Claimed>,
    written: Mutex<Option<Written>>,
}

/// What was written.
#[derive(Debug)]
struct Written {
    len: u64,
    /// So much of the file was never cut off.
    kept: u64,
    /// By number.
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl InMemory {
    pub(super) fn over(file: Arc<Claimed>) -> Self {
        Self { file, written: Mutex::default() }
    }

    fn with<U>(
        &self,
        f: impl FnOnce(&FileBackend, &mut Written) -> io::Result<U>,
    ) -> io::Result<U> {
        let mut written = lock(&self.written);
        let written = match &mut *written {
            Some(written) => written,
            nothing => {
                let len = self.file.file.len()?;
                nothing.insert(Written { len, kept: len, blocks: BTreeMap::new() })
            }
        };
        f(&self.file.file, written)
    }
}

impl Written {
    /// A block as it is now.
    fn block(&self, file: &FileBackend, number: u64) -> io::Result<Vec<u8>> {
        if let Some(block) = self.blocks.get(&number) {
            return Ok(block.clone());
        }
        let mut block = vec![0; BLOCK];
        let left = self.kept.saturating_sub(number * BLOCK as u64);
        let there = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        if there > 0 {
            file.read(number * BLOCK as u64, &mut block[..there])?;
        }
        Ok(block)
    }

    /// The blocks that a range touches: the number, where the part begins in the block and in the range, and its length.
    fn parts(offset: u64, len: usize) -> impl Iterator<Item = (u64, usize, usize, usize)> {
        let mut done = 0;
        std::iter::from_fn(move || {
            let (number, within) = place(offset + done as u64);
            let part = (BLOCK - within).min(len - done);
            let from = done;
            done += part;
            (part > 0).then_some((number, within, from, part))
        })
    }
}

impl StorageBackend for InMemory {
    fn len(&self) -> io::Result<u64> {
        self.with(|_, written| Ok(written.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|file, written| {
            let end = offset.checked_add(out.len() as u64);
            if end.is_none_or(|end| end > written.len) {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
            }
            if written.blocks.is_empty() && written.kept == written.len {
                return file.read(offset, out);
            }
            for (number, within, from, part) in Written::parts(offset, out.len()) {
                let block = written.block(file, number)?;
                out[from..from + part].copy_from_slice(&block[within..within + part]);
            }
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|file, written| {
            if len < written.len {
                let (number, within) = place(len);
                let mut last = written.block(file, number)?;
                last[within..].fill(0);
                written.blocks.split_off(&number);
                written.blocks.insert(number, last);
                written.kept = written.kept.min(len);
            }
            written.len = len;
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|file, written| {
            for (number, within, from, part) in Written::parts(offset, data.len()) {
                let mut block = written.block(file, number)?;
                block[within..within + part].copy_from_slice(&data[from..from + part]);
                written.blocks.insert(number, block);
            }
            written.len = written.len.max(offset + data.len() as u64);
            Ok(())
        })
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.lock_range((start, end))
    }

    fn unlock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Ok(())
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.file.query_lock_range(start, end)
    }
}
