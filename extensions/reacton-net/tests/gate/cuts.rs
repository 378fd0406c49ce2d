//! A client that sends for a while, on a wire that is cut in the middle.

use std::fmt;
use std::time::Duration;

use iroh::{EndpointAddr, SecretKey};

use super::network::{CLIENT, HOST, Network};
use super::peer::{Peer, client_role, host_role, run};

/// Lets a client send for a while, cuts its wire in the middle, and joins it again.
pub(crate) fn try_cut(network: &Network, pair: usize, cut: Duration) -> Report {
    let mut report = Report { cut, ..Report::default() };
    run(async {
        let (host_key, client_key) = (SecretKey::generate(), SecretKey::generate());
        let listen = format!("{}:7447", Network::address(pair, HOST));
        let role = host_role(&host_key, &listen, &client_key);
        let mut host = Peer::start(network.command(pair, HOST), &role);
        host.wait_for("listening").await;
        let to =
            EndpointAddr::new(host_key.public()).with_ip_addr(listen.parse().expect("an address"));
        let period = Duration::from_millis(10);
        // For the cut, and for ten seconds more.
        let count =
            u64::try_from((cut + Duration::from_secs(10)).as_millis() / 10).unwrap_or(u64::MAX);
        let own = format!("{}:0", Network::address(pair, CLIENT));
        let role = client_role(&client_key, &to, &own, period, count);
        let mut client = Peer::start(network.command(pair, CLIENT), &role);
        client.wait_for("flowing").await;
        network.cut(pair, cut);
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
