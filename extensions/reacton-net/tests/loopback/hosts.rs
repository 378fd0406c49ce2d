//! What a session shows of its hosts, and a host in a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use reacton::prelude::*;
use reacton_net::{Host, KeyFile};
use rustix::process::{Pid, Signal, kill_process};

use super::places::{host, key, place, session, until};
use super::workers::*;

#[test]
fn n5_a_session_shows_what_its_hosts_offer_and_how_much_of_it_is_free() {
    let (_host, session) = place(|host| host.offer("tests", workers![echo, other]).capacity(3));
    let store = ReactonStore::new();
    let hosts = session.hosts(&store);
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].connected));
    let state = store.get(&hosts).remove(0);
    assert_eq!((state.offers[0].name.as_str(), state.free()), ("tests", 3));
    assert_eq!(state.offers[0].workers, ["echo", "other"]);
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].free() == 2));
    worker.dispose();
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].free() == 3));
}

#[test]
fn n5_a_session_shows_a_host_that_ends_and_one_that_comes_back_on_its_address_and_key() {
    let (own, host_key) = (key(), key());
    let allowed = own.public_key().expect("a key");
    let begin = |listen: &str| {
        let builder = Host::builder().key(host_key.clone()).listen(listen);
        builder.allow([allowed.clone()]).offer("tests", workers![echo]).open().expect("a host")
    };
    let first = begin("127.0.0.1:0");
    let ticket = first.ticket().to_string();
    let session = session(own, &[&first]);
    let store = ReactonStore::new();
    let hosts = session.hosts(&store);
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].connected));
    drop(first);
    until(&store, |store| store.with(&hosts, |hosts| !hosts[0].connected));
    let _again = begin(ticket.split_once('@').expect("an address").1);
    until(&store, |store| store.with(&hosts, |hosts| hosts[0].connected));
    let _worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
}

#[test]
fn n5_a_spawn_prefers_the_host_that_uses_the_least_of_its_capacity() {
    let own = key();
    let small = host(&[&own], |host| host.offer("tests", workers![echo]).capacity(2));
    let large = host(&[&own], |host| host.offer("tests", workers![echo]).capacity(20));
    let session = session(own, &[&small, &large]);
    let store = ReactonStore::new();
    let hosts = session.hosts(&store);
    until(&store, |store| store.with(&hosts, |hosts| hosts.iter().all(|host| host.connected)));
    let spawn = || echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    let _workers: Vec<_> = (0..4).map(|_| spawn()).collect();
    assert_eq!((small.running(), large.running()), (1, 3));
}

/// The variable with the public key of the client, in the process of a host.
const VARIABLE: &str = "REACTON_NET_HOST";

/// The body of the process of a host: does nothing in an ordinary run.
#[test]
fn host_process() {
    let Ok(client) = std::env::var(VARIABLE) else { return };
    let builder = Host::builder().key(key()).listen("127.0.0.1:0").allow([client]);
    let host = builder.offer("tests", workers![echo, witness]).open().expect("a host");
    super::places::remove_files();
    println!("\nticket {}", host.ticket());
    host.run(&ReactonStore::new());
}

/// A host in a process of its own, which can be stopped and continued. It is killed when this is dropped.
pub(crate) struct Frozen {
    child: Child,
    ticket: String,
}

impl Frozen {
    pub(crate) fn start(client: &KeyFile) -> Self {
        let mut command =
            Command::new(std::env::current_exe().expect("the path of the test is known"));
        command.args(["hosts::host_process", "--exact", "--nocapture", "--test-threads=1", "-q"]);
        command.env(VARIABLE, client.public_key().expect("a key")).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut lines = out.lines().map_while(Result::ok);
        let ticket = lines.find_map(|line| Some(line.strip_prefix("ticket ")?.to_owned()));
        Self { child, ticket: ticket.expect("the host prints its ticket") }
    }

    pub(crate) fn ticket(&self) -> &str {
        &self.ticket
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process lives");
    }

    pub(crate) fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
