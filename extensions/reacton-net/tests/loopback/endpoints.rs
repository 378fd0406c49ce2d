//! What a program asks for by name: a relay, and an endpoint of its own.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use iroh::SecretKey;
use reacton::prelude::*;
use reacton_net::{Host, NetError, Session};

use super::basics::assert_echoes;
use super::hostile::{endpoint, run};
use super::places::{SOON, host, key, open, until};
use super::workers::*;

/// A server that answers like a relay when it is asked whether it is there, and the first lines of all that it is asked.
fn no_relay() -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}", listener.local_addr().expect("the socket is bound"));
    let (sender, lines) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            if stream.read_line(&mut line).is_err() {
                continue;
            }
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.get_mut().write_all(answer);
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    (url, lines)
}

#[track_caller]
fn assert_dialled(lines: &Receiver<String>) {
    let (begun, mut asked) = (Instant::now(), Vec::new());
    while let Ok(line) = lines.recv_timeout(SOON.saturating_sub(begun.elapsed())) {
        if line.starts_with("GET /relay") {
            return;
        }
        asked.push(line);
    }
    panic!("nobody asks for the relay, but {asked:?}");
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
    assert_echoes(&session);
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
        for _ in 0..2 {
            let session = Session::over(endpoint.clone()).host(host.ticket()).open();
            let session = session.expect("a session");
            assert_eq!(session.public_key(), endpoint.id().to_string());
            assert_echoes(&session);
            drop(session);
            until(&ReactonStore::new(), |_| host.running() == 0);
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

#[test]
fn n3_a_host_that_waits_sleeps() {
    let (told, task) = channel();
    let host = Host::builder().key(key()).listen("127.0.0.1:0").open().expect("a host");
    let stopper = host.stopper();
    let running = thread::spawn(move || {
        let thread = std::fs::read_link("/proc/thread-self").expect("Linux has the link");
        told.send(thread).expect("the test waits");
        host.run(&ReactonStore::new());
    });
    let task = task.recv().expect("the thread begins");
    let store = ReactonStore::new();
    until(&store, |_| {
        let stat = std::fs::read_to_string(std::path::Path::new("/proc").join(&task).join("stat"));
        stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" S")))
    });
    stopper.stop();
    running.join().expect("the host stops");
}
