//! What a host refuses, and what a client is told.

use std::time::Duration;

use reacton::Refusal;
use reacton::prelude::*;
use reacton_net::{Host, KeyFile, NetError, Session, Ticket};

use super::places::{host, key, place, session, until};
use super::workers::*;

#[test]
fn n1_an_unknown_peer_is_refused_by_its_key() {
    let (friend, unknown) = (key(), key());
    let host = host(&[&friend], |host| host.offer("tests", workers![echo]));
    let session = session(unknown, &[&host]);
    let store = ReactonStore::new();
    let refused = echo::builder().at(&session, "tests").spawn(&store);
    let Err(SpawnError::Refused { why: Refusal::NotAllowed, host: named, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(named.contains("127.0.0.1"), "{named}");
    assert_eq!(host.running(), 0);
}

#[test]
fn n1_a_worker_that_is_not_offered_is_refused_with_a_list() {
    let (_host, session) = place(|host| host.offer("tests", workers![echo, brittle]));
    let store = ReactonStore::new();
    for refused in [
        other::builder().at(&session, "tests").spawn(&store),
        echo::builder().at(&session, "films").spawn(&store),
    ] {
        let Err(SpawnError::Refused { why: Refusal::NotOffered { offered, .. }, .. }) = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(offered, ["tests: echo, brittle"]);
    }
}

#[test]
fn n1_a_full_host_refuses_until_a_worker_ends() {
    let (host, session) = place(|host| host.offer("tests", workers![echo]).capacity(2));
    let store = ReactonStore::new();
    let spawn = || echo::builder().at(&session, "tests").spawn(&store);
    let (one, _two) = (spawn().expect("the worker starts"), spawn().expect("the worker starts"));
    let refused = spawn();
    let Err(SpawnError::Refused { why: Refusal::Full { running, capacity, .. }, .. }) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!((running, capacity), (2, 2));
    one.dispose();
    until(&store, |_| host.running() == 1);
    let _worker = spawn().expect("the worker starts");
}

#[test]
fn n1_a_peer_has_a_limit_of_its_own() {
    let (one, two) = (key(), key());
    let host =
        host(&[&one, &two], |host| host.offer("tests", workers![echo]).capacity(3).per_peer(1));
    let sessions = [one, two].map(|key| session(key, &[&host]));
    let store = ReactonStore::new();
    let spawn = |at: usize| echo::builder().at(&sessions[at], "tests").spawn(&store);
    let _one = spawn(0).expect("the worker starts");
    let refused = spawn(0);
    let Err(SpawnError::Refused { why: Refusal::Full { running: 1, capacity: 1, .. }, .. }) =
        refused
    else {
        panic!("{refused:?}")
    };
    let _worker = spawn(1).expect("the worker starts");
}

#[test]
fn n1_a_host_that_is_not_there_is_unreachable() {
    let own = key();
    let ticket = host(&[&own], |host| host).ticket();
    let session = Session::builder().key(own).host(ticket).open().expect("a session");
    let store = ReactonStore::new();
    let builder = echo::builder().handshake_timeout(Duration::from_secs(2)).at(&session, "tests");
    let error = builder.spawn(&store).expect_err("nobody is there");
    assert!(matches!(error, SpawnError::Unreachable { .. }), "{error:?}");
}

#[test]
fn what_is_no_key_no_ticket_and_no_address_is_an_error_that_says_so() {
    let open = |ticket: &str| Session::builder().key(key()).host(ticket).open();
    assert!(matches!(open("hello"), Err(NetError::Ticket { .. })));
    assert!(matches!(open("hello@127.0.0.1:1"), Err(NetError::Ticket { .. })));
    assert!(matches!(Session::builder().key(key()).open(), Err(NetError::NoHost)));
    assert!(matches!(Host::builder().open(), Err(NetError::NoKey)));
    let host = || Host::builder().key(key());
    assert!(matches!(host().allow(["k51q"]).open(), Err(NetError::Peer { .. })));
    assert!(matches!(host().listen("here").open(), Err(NetError::Address { .. })));
    let twice = host().offer("a", workers![echo]).offer("a", workers![other]).open();
    assert!(matches!(twice, Err(NetError::Offered { .. })));
    let taken = host().listen("127.0.0.1:0").open().expect("a host");
    let text = taken.ticket().to_string();
    let ticket: Ticket = text.parse().expect("the text is a ticket");
    assert_eq!(ticket, taken.ticket());
    let (key, _) = text.split_once('@').expect("there is an address");
    let alone: Ticket = key.parse().expect("a key is a ticket");
    assert_eq!(alone.to_string(), key);
    assert!(matches!(open(key), Err(NetError::NoAddress { .. })), "{:?}", open(key));
    let address = text.split_once('@').expect("there is an address").1.to_owned();
    assert!(matches!(host().listen(address).open(), Err(NetError::Bind { .. })));
}

#[test]
fn n1_a_key_file_is_made_once_and_is_not_for_others() {
    use std::os::unix::fs::PermissionsExt;
    let path = super::places::file();
    let file = KeyFile::at(&path);
    let first = file.public_key().expect("the key is made");
    assert_eq!(file.public_key().expect("the key is read"), first);
    let mode = std::fs::metadata(&path).expect("the file is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644))
        .expect("the file is ours");
    assert!(matches!(file.public_key(), Err(NetError::KeyIsOpen { .. })));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .expect("the file is ours");
    std::fs::write(&path, "no key").expect("the file is ours");
    assert!(matches!(file.public_key(), Err(NetError::KeyFile { .. })));
}
