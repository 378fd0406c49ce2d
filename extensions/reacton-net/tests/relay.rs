//! A host and a client that know of each other a key and a relay, and no address: what they send goes over the relay,
//! which runs in this process.

#[path = "loopback/basics.rs"]
mod basics;

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use iroh_relay::server::{RelayConfig, Server, ServerConfig};
use reacton::prelude::*;
use reacton_net::{Host, Session};
use tokio::sync::oneshot;

use self::basics::{SOON, assert_echoes, echo, key};

/// A relay on a thread of its own, without encryption to it: what it relays is encrypted between the two ends.
struct Relay {
    url: String,
    end: oneshot::Sender<()>,
    /// Returns how many packets it has relayed.
    thread: JoinHandle<u64>,
}

impl Relay {
    fn start() -> Self {
        let (told, is_told) = mpsc::channel();
        let (end, ends) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let mut config = ServerConfig::default();
                config.relay = Some(RelayConfig::new((Ipv4Addr::LOCALHOST, 0)));
                let server = Server::spawn(config).await.expect("the relay starts");
                let address = server.http_addr().expect("the relay listens");
                told.send(format!("http://{address}")).expect("the test waits for this");
                // Also if the test has failed.
                let _ = ends.await;
                let relayed = server.metrics().server.send_packets_sent.get();
                server.shutdown().await.expect("the relay ends");
                relayed
            })
        });
        let url = is_told.recv_timeout(SOON).expect("the relay has started");
        Self { url, end, thread }
    }

    fn end(self) -> u64 {
        self.end.send(()).expect("the relay runs");
        self.thread.join().expect("the relay does not panic")
    }
}

#[test]
fn n1_a_client_that_knows_the_relay_and_the_key_of_a_host_reaches_it() {
    let relay = Relay::start();
    let client = key();
    let host = Host::builder()
        .key(key())
        .listen("127.0.0.1:0")
        .allow([client.public_key().expect("the key is made")])
        .offer("tests", workers![echo])
        .relay(&relay.url)
        .open()
        .expect("a host");
    let ticket = host.ticket().to_string();
    let (alone, _) = ticket.split_once('@').expect("a ticket has addresses");
    let session = Session::builder().key(client).host(alone).relay(&relay.url).open();
    let session = session.expect("a session");
    assert_echoes(&session);
    drop(session);
    drop(host);
    let relayed = relay.end();
    // Of the handshake alone, both sides send several. The two find a direct way as soon as they can.
    assert!(relayed > 4, "{relayed} packets went over the relay");
}
