//! Hosts that are found by their keys, by multicast on a network of this test: it runs itself once more in a network
//! namespace with one interface and no way out. This needs root and `unshare`; without them, nothing is tested here.

#[path = "loopback/basics.rs"]
mod basics;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use reacton::prelude::*;
use reacton_net::{Host, NetError, Session};

use self::basics::{assert_echoes, echo, key};

/// Set in the process that runs in the namespace.
const INSIDE: &str = "REACTON_MDNS_INSIDE";

/// Makes the network, and runs what follows.
const NETWORK: &str = "ip link set lo up && ip link add wire type veth peer name end && \
                       ip address add 10.99.0.1/24 dev wire && ip link set end up && ip link set wire up && \
                       ip route add default dev wire && exec \"$0\" \"$@\"";

/// Where everybody sends that uses multicast DNS.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const PORT: u16 = 5353;

/// Returns whether this process is the one in the namespace. The other one runs that.
fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let probe = Command::new("unshare").args(["--net", "true"]).stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("not tested: no namespace can be made, which needs root and `unshare`");
        return false;
    }
    let exe = std::env::current_exe().expect("the test has a path");
    let mut inside = Command::new("unshare");
    inside.args(["--net", "sh", "-c", NETWORK]).arg(exe).args([test, "--exact", "--nocapture"]);
    let status = inside.env(INSIDE, "1").status().expect("`unshare` was just there");
    assert!(status.success(), "the test has failed in its namespace");
    false
}

#[test]
fn n1_a_host_is_found_by_its_key_alone_if_both_sides_ask_for_that() {
    if !is_inside("n1_a_host_is_found_by_its_key_alone_if_both_sides_ask_for_that") {
        return;
    }
    let client = key();
    let allowed = client.public_key().expect("the key is made");
    let builder =
        || Host::builder().key(key()).allow([allowed.clone()]).offer("tests", workers![echo]);
    // Nothing is sent without the call, though something is dialled.
    let listener = UdpSocket::bind((GROUP, PORT)).expect("nobody else listens");
    listener.join_multicast_v4(&GROUP, &Ipv4Addr::new(10, 99, 0, 1)).expect("a member");
    let silent = builder().open().expect("a host");
    let session = Session::builder().key(client.clone()).host(silent.ticket());
    assert_echoes(&session.open().expect("a session"));
    listener.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
    let heard = listener.recv(&mut [0; 2000]).map_err(|error| error.kind());
    assert_eq!(heard, Err(ErrorKind::WouldBlock), "something was sent to the group");
    drop(listener);

    let hosts = [(), ()].map(|()| builder().mdns().open().expect("a host"));
    let ticket = hosts[1].ticket().to_string();
    let (alone, _) = ticket.split_once('@').expect("a ticket has addresses");
    let without = Session::builder().key(client.clone()).host(alone).open();
    assert!(matches!(without, Err(NetError::NoAddress { .. })), "{without:?}");
    let session = Session::builder().key(client).host(alone).mdns().open().expect("a session");
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the host is found");
    assert_eq!(hosts.each_ref().map(Host::running), [0, 1], "the key decides");
    drop(worker);
    assert_echoes(&session);
}
