//! Fixtures that every test program uses: timeouts, channels, panics, child processes, random numbers.

#![forbid(unsafe_code)]
#![expect(clippy::missing_panics_doc, reason = "a panic is how a test fails")]

mod child;
mod events;
mod log;
mod panics;
mod random;
mod shrink;
#[cfg(target_os = "linux")]
mod threads;
mod values;

use std::fmt::Debug;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use reacton::prelude::*;

pub use child::{in_child, within_a_minute};
pub use events::OnEvent;
pub use log::Log;
pub use panics::{hide_panics_with, panic_of, panic_text, quietly};
pub use random::Random;
pub use shrink::shrink;
#[cfg(target_os = "linux")]
pub use threads::{threads, wait_for_threads};
pub use values::{DEAF, Fragile, Picky, picky};

/// Long enough for any machine. A test waits this long only if it fails.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Returns the next message of a channel.
#[track_caller]
pub fn receive<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(TIMEOUT).expect("a message arrives")
}

/// Waits until all senders of a channel are dropped. Panics if one of them sends something.
#[track_caller]
pub fn expect_disconnected<T: Debug>(receiver: &Receiver<T>) {
    match receiver.recv_timeout(TIMEOUT) {
        Err(RecvTimeoutError::Disconnected) => {}
        other => panic!("expected the senders to be dropped, got {other:?}"),
    }
}

/// Takes turns until `condition` holds.
#[track_caller]
pub fn wait_until(store: &ReactonStore, condition: impl FnMut(&ReactonStore) -> bool) {
    store.run_until(TIMEOUT, condition).expect("the condition becomes true");
}

/// Returns a policy that restarts at once after every panic.
pub fn restart_always() -> Restart {
    Restart::OnPanic { max: u32::MAX, within: Duration::MAX, backoff: Duration::ZERO }
}

/// Returns the number in an environment variable, if it is set.
pub fn from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name} must be a number: {error}")))
}
