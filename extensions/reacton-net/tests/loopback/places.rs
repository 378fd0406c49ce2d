//! What the tests have in common: hosts, sessions, and waits for a condition.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reacton::prelude::*;
use reacton_net::{Host, HostBuilder, KeyFile, Session, SessionBuilder};

/// A condition that does not come true within this time has failed.
pub(crate) const SOON: Duration = Duration::from_mins(1);

thread_local! {
    /// The files that the test of this thread has made.
    static FILES: RefCell<Files> = const { RefCell::new(Files(Vec::new())) };
}

/// Files that are removed when this is dropped: at the end of the test.
struct Files(Vec<PathBuf>);

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

/// Removes the files of this thread, in a process that will be killed.
pub(crate) fn remove_files() {
    FILES.with_borrow_mut(|files| drop(std::mem::replace(files, Files(Vec::new()))));
}

#[test]
fn the_key_files_of_a_test_are_removed_with_its_thread() {
    let thread = std::thread::spawn(|| {
        let file = file();
        KeyFile::at(&file).public_key().expect("the key is made");
        assert!(file.exists());
        file
    });
    let file = thread.join().expect("the thread ends");
    assert!(!file.exists(), "{} is left", file.display());
}

/// A host on this machine that allows one client, and the session of that client.
pub(crate) fn place(offer: impl FnOnce(HostBuilder) -> HostBuilder) -> (Host, Session) {
    let own = key();
    let host = host(&[&own], offer);
    let session = session(own, &[&host]);
    (host, session)
}

pub(crate) fn host(clients: &[&KeyFile], offer: impl FnOnce(HostBuilder) -> HostBuilder) -> Host {
    let allowed = clients.iter().map(|key| key.public_key().expect("a key"));
    let builder = Host::builder().key(key()).listen("127.0.0.1:0").allow(allowed);
    offer(builder).open().expect("a host")
}

pub(crate) fn session(own: KeyFile, hosts: &[&Host]) -> Session {
    open(Session::builder().key(own), hosts)
}

pub(crate) fn open(builder: SessionBuilder, hosts: &[&Host]) -> Session {
    let builder = hosts.iter().fold(builder, |builder, host| builder.host(host.ticket()));
    builder.open().expect("a session")
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

/// Waits until the worker has failed, and returns why.
#[track_caller]
pub(crate) fn failure(store: &ReactonStore, worker: &IsolateStore) -> String {
    let has_failed = |status: &_| matches!(status, IsolateStatus::Failed { .. });
    until(store, |store| store.with(worker.status(), has_failed));
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else {
        panic!("{:?}", store.get(worker.status()))
    };
    message
}
