//! What threads share in an inbox is made of these: std's atomics and locks, and flume's channel. The model checks in
//! `reacton-core/models` compile the other files of this folder with the atomics, locks and channel of a checker instead.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard};

pub(super) use flume::{Receiver, Sender, unbounded};
