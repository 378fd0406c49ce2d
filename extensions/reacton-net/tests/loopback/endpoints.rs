//! What a program asks for by name: a relay, and an endpoint of its own.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use iroh::SecretKey;
use reacton::prelude::*;
use reacton_net::{Host, NetError, Session};

use super::hostile::{endpoint, run};
use super::places::{SOON, host, key, open, until};
use super::workers::*;

/// A server at whose URL a relay could be, and the first lines of what it is asked. It answers nothing.
fn no_relay() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (sender, lines) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut line = String::new();
            let read = BufReader::new(stream).read_line(&mut line);
            if read.is_err() || sender.send(line).is_err() {
                return;
            }
        }
    });
    (url, lines)
}

#[track_caller]
fn assert_dialled(lines: &Receiver<String>) {
    while let Ok(line) = lines.recv_timeout(SOON) {
        if line.starts_with("GET /relay ") {
            return;
        }
    }
    panic!("nobody asks for the relay");
}

#[test]
fn n1_a_host_and_a_session_dial_the_relay_that_they_name_and_work_without_it() {
    let own = key();
    let (url, lines) = no_relay();
    let at_relay = host(&[&own], |host| host.offer("tests", workers![echo]).relay(&url));
    assert_dialled(&lines);
    let (url, lines) = no_relay();
    let session = open(Session::builder().key(own).relay(&url), &[&at_relay]);
    assert_dialled(&lines);
    assert!(!at_relay.ticket().to_string().contains("http"), "a ticket names no relay");
    let store = ReactonStore::new();
    let _worker = echo::builder().at(&session, "tests").spawn(&store).expect("it starts");
    store.set(&INPUT, 4);
    until(&store, |store| store.get(&OUTPUT) == 4);
}

#[test]
fn n1_what_is_no_url_of_a_relay_is_an_error() {
    let host = Host::builder().key(key()).relay("a relay").open();
    assert!(matches!(host, Err(NetError::Relay { .. })), "{host:?}");
    let own = key();
    let ticket = super::places::host(&[&own], |host| host).ticket();
    let session = Session::builder().key(own).host(ticket).relay("").open();
    assert!(matches!(session, Err(NetError::Relay { .. })), "{session:?}");
}

#[test]
fn a_session_over_an_endpoint_of_the_program_leaves_it_open() {
    run(async {
        let secret = SecretKey::generate();
        let builder = Host::builder().key(key()).listen("127.0.0.1:0");
        let builder = builder.allow([secret.public().to_string()]);
        let host = builder.offer("tests", workers![echo]).open().expect("a host");
        let endpoint = endpoint(secret).await;
        for number in 1..=2 {
            let session = Session::over(endpoint.clone()).host(host.ticket()).open();
            let session = session.expect("a session");
            assert_eq!(session.public_key(), endpoint.id().to_string());
            let store = ReactonStore::new();
            let worker = echo::builder().at(&session, "tests").spawn(&store).expect("it starts");
            store.set(&INPUT, number);
            until(&store, |store| store.get(&OUTPUT) == number);
            drop((worker, session));
            until(&store, |_| host.running() == 0);
            assert!(!endpoint.is_closed());
        }
    });
}

#[test]
fn a_session_over_an_endpoint_has_no_options_that_the_endpoint_has() {
    run(async {
        let endpoint = endpoint(SecretKey::generate()).await;
        let host = Host::builder().key(key()).listen("127.0.0.1:0").open().expect("a host");
        let over = || Session::over(endpoint.clone()).host(host.ticket());
        for (option, builder) in [
            ("key", over().key(key())),
            ("relay", over().relay("https://relay.example.org")),
            ("patience", over().patience(Duration::from_secs(9))),
        ] {
            let Err(NetError::OverEndpoint { option: named, .. }) = builder.open() else {
                panic!("{option} is taken")
            };
            assert_eq!(named, option);
        }
    });
}
