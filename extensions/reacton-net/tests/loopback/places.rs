//! What the tests have in common: hosts and sessions on this machine.

use reacton::prelude::*;
use reacton_net::{Host, HostBuilder, KeyFile, Session, SessionBuilder};

pub(crate) use super::basics::{SOON, file, key, until};

/// Removes the files of this thread, in a process that will be killed.
pub(crate) fn remove_files() {
    drop(super::basics::FILES.take());
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
