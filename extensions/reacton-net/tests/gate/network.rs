//! Machines on a wire that can be cut: network namespaces, joined by a bridge.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// The two machines of a pair.
pub(crate) const HOST: usize = 0;
pub(crate) const CLIENT: usize = 1;

/// Whether this process may make namespaces.
pub(crate) fn is_possible() -> bool {
    let name = format!("reacton-probe-{}", std::process::id());
    let is_made = try_ip(&["netns", "add", &name]);
    is_made && try_ip(&["netns", "del", &name])
}

fn try_ip(arguments: &[&str]) -> bool {
    let status = Command::new("ip").args(arguments).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn ip(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("`ip` is there");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

/// Pairs of machines, a host and a client each. All are removed with the last clone.
#[derive(Clone)]
pub(crate) struct Network(Arc<Pairs>);

struct Pairs {
    count: usize,
    /// Distinguishes the names of two runs.
    id: u32,
}

impl Pairs {
    fn bridge(&self, pair: usize) -> String {
        format!("rb{}p{pair}", self.id)
    }

    fn namespace(&self, pair: usize, side: usize) -> String {
        format!("rn{}p{pair}s{side}", self.id)
    }

    /// The end of a machine's wire at the bridge.
    fn port(&self, pair: usize, side: usize) -> String {
        format!("rv{}p{pair}s{side}", self.id)
    }
}

impl Network {
    pub(crate) fn new(count: usize) -> Self {
        let network = Self(Arc::new(Pairs { count, id: std::process::id() % 10_000 }));
        for pair in 0..count {
            network.make(pair);
        }
        network
    }

    fn make(&self, pair: usize) {
        let bridge = self.0.bridge(pair);
        ip(&["link", "add", &bridge, "type", "bridge"]);
        ip(&["link", "set", &bridge, "up"]);
        for side in 0..2 {
            let (namespace, port) = (self.0.namespace(pair, side), self.0.port(pair, side));
            ip(&["netns", "add", &namespace]);
            ip(&[
                "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &namespace,
            ]);
            ip(&["link", "set", &port, "master", &bridge]);
            ip(&["link", "set", &port, "up"]);
            ip(&[
                "-n",
                &namespace,
                "addr",
                "add",
                &format!("{}/24", Self::address(pair, side)),
                "dev",
                "eth0",
            ]);
            ip(&["-n", &namespace, "link", "set", "eth0", "up"]);
            ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        }
    }

    /// Starts this test program again, on one of the machines.
    pub(crate) fn command(&self, pair: usize, side: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0.namespace(pair, side)]);
        command.arg(std::env::current_exe().expect("the path of the test is known"));
        command
    }

    /// The address of a machine.
    pub(crate) fn address(pair: usize, side: usize) -> String {
        format!("10.77.{pair}.{}", side + 1)
    }

    /// Cuts the wire of the client for so long.
    pub(crate) fn cut(&self, pair: usize, cut: Duration) {
        let port = self.0.port(pair, CLIENT);
        ip(&["link", "set", &port, "nomaster"]);
        // The length of the cut is what is tried here.
        std::thread::sleep(cut);
        ip(&["link", "set", &port, "master", &self.0.bridge(pair)]);
    }
}

impl Drop for Pairs {
    fn drop(&mut self) {
        for pair in 0..self.count {
            for side in 0..2 {
                try_ip(&["link", "del", &self.port(pair, side)]);
                try_ip(&["netns", "del", &self.namespace(pair, side)]);
            }
            try_ip(&["link", "del", &self.bridge(pair)]);
        }
    }
}
