//! Machines on a wire that can be cut: network namespaces, joined by a bridge.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use iroh::{EndpointAddr, SecretKey};

use super::peer::{Peer, client_role, host_role, run};

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
                &format!("10.77.{pair}.{}/24", side + 1),
                "dev",
                "eth0",
            ]);
            ip(&["-n", &namespace, "link", "set", "eth0", "up"]);
            ip(&["-n", &namespace, "link", "set", "lo", "up"]);
        }
    }

    fn command(&self, pair: usize, side: usize) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.0.namespace(pair, side)]);
        command.arg(std::env::current_exe().expect("the path of the test is known"));
        command
    }

    /// Lets a client send for a while, cuts its wire in the middle, and joins it again.
    pub(crate) fn cut(&self, pair: usize, cut: Duration) -> Report {
        let mut report = Report { cut, ..Report::default() };
        run(async {
            let (host_key, client_key) = (SecretKey::generate(), SecretKey::generate());
            let listen = format!("10.77.{pair}.1:7447");
            let mut host =
                Peer::start(self.command(pair, 0), &host_role(&host_key, &listen, &client_key));
            host.wait_for("listening").await;
            let to = EndpointAddr::new(host_key.public())
                .with_ip_addr(listen.parse().expect("an address"));
            let period = Duration::from_millis(10);
            // For the cut, and for ten seconds more.
            let count =
                u64::try_from((cut + Duration::from_secs(10)).as_millis() / 10).unwrap_or(u64::MAX);
            let role = client_role(&client_key, &to, &format!("10.77.{pair}.2:0"), period, count);
            let mut client = Peer::start(self.command(pair, 1), &role);
            client.wait_for("flowing").await;
            let port = self.0.port(pair, 1);
            ip(&["link", "set", &port, "nomaster"]);
            // The length of the cut is what is tried here.
            tokio::time::sleep(cut).await;
            ip(&["link", "set", &port, "master", &self.0.bridge(pair)]);
            if cut < Duration::from_secs(30) {
                let gap = client.wait_for("gap").await.parse().expect("a number");
                report.gap = Duration::from_millis(gap);
                report.end = client.wait_for("echoed").await;
                report.count = count;
            } else {
                report.lost = client.wait_for("lost").await;
                report.end = client.wait_for("found").await;
            }
        });
        report
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

/// What a client saw of a cut.
#[derive(Debug, Default, Clone)]
pub(crate) struct Report {
    cut: Duration,
    gap: Duration,
    count: u64,
    lost: String,
    end: String,
}

impl Report {
    /// Everything came back, once and in order, soon after the wire was joined.
    pub(crate) fn is_whole(&self) -> bool {
        self.end == format!("{} of {}", self.count, self.count)
            && self.gap < self.cut + Duration::from_secs(10)
    }

    /// The connection was lost, and another one was made.
    pub(crate) fn was_lost_and_found(&self) -> bool {
        !self.lost.is_empty() && self.end.ends_with(" 100")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cut, gap, count, lost, end } = self;
        if lost.is_empty() {
            let after = gap.saturating_sub(*cut);
            return write!(
                f,
                "| a cut of {cut:?} | {end} came back ({count} sent), flowed {after:?} after the heal |"
            );
        }
        let (silence, error) = lost.split_once(' ').unwrap_or((lost, ""));
        write!(f, "| a cut of {cut:?} | lost after {silence} ms ({error}), connected again |")
    }
}
