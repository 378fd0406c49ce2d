//! The atomics and locks of std and the channel of flume, for everything that threads share in an inbox. `tests/models`
//! compiles the other files of this folder with the atomics, locks and channel of a model checker instead.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use flume::{Receiver, Sender, unbounded};
