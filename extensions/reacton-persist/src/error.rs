//! What can go wrong: while a file is opened, while rows are written, and while a program waits for that.

use std::path::PathBuf;
use std::time::Duration;

use reacton_isolate::LinkError;

/// Why a storage does not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Another process, or another part of this one, has it open.
    #[error("`{}` is in use: another process has it open, or this one has opened it twice", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// What is there cannot be read.
    #[error("`{}` is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A text that a person has edited is no valid JSON. The file is untouched.
    #[error("`{}` is not valid at line {line}, column {column}: {reason}; correct it, or move it away", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The system refused to read or write.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: std::io::Error,
    },
    /// Anything else, of a storage that is not of this library.
    #[error("{0}")]
    Other(String),
}

/// Why nothing was opened. The store is as it was, and so is the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the file open.
    #[error("`{}` is in use: another process has it open, or this one has opened it twice", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The storage could not be read.
    #[error("what was saved cannot be read")]
    Storage(#[from] StorageError),
    /// Called inside a batch, a computed or an observer.
    #[error("nothing can be opened inside a batch, a computed or an observer; do it after that")]
    Nested,
    /// The store was disposed.
    #[error("the store was disposed, so nothing can be opened for it")]
    Disposed,
    /// Two reactons of the list have one name.
    #[error("`{first}` and `{second}` have one name, `{id}`: give one of them another `id`")]
    Duplicate {
        /// The reacton that is listed first.
        first: &'static str,
        /// The one that is listed later.
        second: &'static str,
        /// Their name.
        id: &'static str,
    },
    /// A step was stated for a reacton that is not in the list.
    #[error(
        "a step of `migrate` is for `{reacton}`, which is not saved: add it to `saved!`, or remove the step"
    )]
    NotListed {
        /// The reacton.
        reacton: &'static str,
    },
    /// A value that the store holds does not encode.
    #[error("the present value of a reacton cannot be saved")]
    Value(#[source] LinkError),
    /// The system refused a thread.
    #[error("no thread to write with")]
    Thread(#[source] std::io::Error),
}

/// Why [`Saved::flush`](crate::Saved::flush) cannot say that everything is on disk. Nothing is lost by that: it stays in the store, and is
/// tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// The storage did not finish in time.
    #[error("not everything was written within {timeout:?}")]
    TimedOut {
        /// The timeout.
        timeout: Duration,
    },
    /// The storage returned an error.
    #[error("not everything was written: {reason}")]
    Failed {
        /// The message of the storage.
        reason: String,
    },
}
