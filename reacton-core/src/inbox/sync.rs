//! The atomics and locks of std and the channel of flume, for all that threads share in an inbox. `tests/models`
//! compiles the other files of this folder with those of a model checker instead.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use flume::{Receiver, Sender, unbounded};
