//! What all tests with a host need: keys, a worker, and the wait for a condition.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_net::{KeyFile, Session};

/// A condition that does not come true within this time has failed.
pub(crate) const SOON: Duration = Duration::from_mins(1);

thread_local! {
    /// The files that the test of this thread has made.
    pub(crate) static FILES: RefCell<Files> = const { RefCell::new(Files(Vec::new())) };
}

/// Files that are removed when this is dropped: at the end of the test.
#[derive(Default)]
pub(crate) struct Files(Vec<PathBuf>);

impl Drop for Files {
    fn drop(&mut self) {
        for file in self.0.drain(..) {
            // A test may have removed it, or may not have made it.
            let _ = std::fs::remove_file(file);
        }
    }
}

/// A place for a file that no other test uses, for as long as this test runs.
pub(crate) fn file() -> PathBuf {
    static NUMBERS: AtomicU32 = AtomicU32::new(0);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("keys");
    std::fs::create_dir_all(&folder).expect("a folder");
    let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{}-{number}.key", std::process::id()));
    FILES.with_borrow_mut(|files| files.0.push(path.clone()));
    path
}

/// A place for a key that no other test uses.
pub(crate) fn key() -> KeyFile {
    KeyFile::at(file())
}

#[reacton]
pub(crate) static INPUT: u64 = 0;

#[reacton]
pub(crate) static OUTPUT: u64 = 0;

#[worker(shared = [INPUT, OUTPUT])]
pub(crate) fn echo(store: &ReactonStore) {
    store.watch(&INPUT, |store, input| store.set(&OUTPUT, *input));
}

/// Starts `echo`, which the hosts of the session offer, and waits for what it sends back.
#[track_caller]
pub(crate) fn assert_echoes(session: &Session) {
    let store = ReactonStore::new();
    let worker = echo::builder().at(session, "tests").spawn(&store).expect("the worker starts");
    store.set(&INPUT, 4);
    until(&store, |store| store.get(&OUTPUT) == 4);
    drop(worker);
}

/// Takes turns until the condition is true.
#[track_caller]
pub(crate) fn until(store: &ReactonStore, mut condition: impl FnMut(&ReactonStore) -> bool) {
    let deadline = Instant::now() + SOON;
    loop {
        store.pump();
        if condition(store) {
            return;
        }
        assert!(Instant::now() < deadline, "the condition does not become true");
        // The condition may be about something that is not in this store.
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
