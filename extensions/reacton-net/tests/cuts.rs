//! A worker on a host behind a wire that is cut: what a program sees of it, and that nothing is lost. Host and client are
//! processes in network namespaces of their own, as those of the gate.
//!
//! The short cuts run wherever the test may make namespaces, which needs root and the command `ip`. `REACTON_GATE=1` runs
//! those of 40 s, too, and fails where there are no namespaces. Each cut prints its row of the table in README.md.

#[path = "cuts/sides.rs"]
mod sides;
// The gate uses more of it.
#[path = "gate/network.rs"]
mod network;

use std::env;
use std::thread;
use std::time::Duration;

use self::network::{CLIENT, HOST, Network, is_possible};
use self::sides::{Ended, Side};

/// The body of every process that the test starts: does nothing in an ordinary run.
#[test]
fn side_of_a_wire() {
    sides::run();
}

/// A cut, and whether the worker is restarted when it is lost.
#[derive(Debug, Clone, Copy)]
struct Cut {
    length: Duration,
    restarts: bool,
}

#[test]
fn n2_a_cut_that_is_shorter_than_the_patience_loses_nothing_and_a_longer_one_is_a_death() {
    let is_asked = env::var_os("REACTON_GATE").is_some();
    if !is_possible() {
        assert!(!is_asked, "REACTON_GATE needs root and `ip netns`");
        println!("not run: it needs root and `ip netns`");
        return;
    }
    let cut = |millis, restarts| Cut { length: Duration::from_millis(millis), restarts };
    let mut cuts = vec![cut(2500, true), cut(8000, true)];
    if is_asked {
        cuts.extend([cut(40_000, true), cut(40_000, false)]);
    }
    let network = Network::new(cuts.len());
    let tried = cuts.iter().copied().enumerate().map(|(pair, cut)| {
        let network = network.clone();
        thread::spawn(move || try_cut(&network, pair, cut))
    });
    // All at once.
    let tried: Vec<_> = tried.collect();
    for (thread, cut) in tried.into_iter().zip(cuts) {
        let ended = thread.join().expect("a pair fails");
        println!("| a cut of {:?} | {ended} |", cut.length);
        check(cut, &ended);
    }
}

/// Lets a client write a hundred numbers a second, and cuts its wire in the middle.
fn try_cut(network: &Network, pair: usize, cut: Cut) -> Ended {
    let key = sides::key(&format!("client-{pair}"));
    let public = key.public_key().expect("the key is made");
    let listen = format!("{}:7447", Network::address(pair, HOST));
    let mut host = Side::host(network.command(pair, HOST), &listen, &public);
    let ticket = host.wait_for("ticket");
    let writes = cut.length + Duration::from_secs(10);
    let mut client =
        Side::client(network.command(pair, CLIENT), pair, &ticket, writes, cut.restarts);
    client.wait_for("flowing");
    network.cut(pair, cut.length);
    client.ended()
}

fn check(cut: Cut, ended: &Ended) {
    let Ended { statuses, written, begun, counted, gaps, restarts } = ended;
    let has_seen = |status: &str| statuses.iter().any(|seen| seen.starts_with(status));
    assert_eq!(*gaps, 0, "{ended:?}");
    if cut.length < Duration::from_secs(30) {
        assert_eq!((*begun, counted, *restarts), (0, written, 0), "{ended:?}");
        // In a shorter one it depends on when the first packet comes after the heal.
        assert!(has_seen("Disconnected") || cut.length < Duration::from_secs(4), "{ended:?}");
        assert!(statuses.last().is_none_or(|last| last == "Running"), "{ended:?}");
        return;
    }
    assert!(has_seen("Disconnected"), "{ended:?}");
    if cut.restarts {
        assert!(*restarts > 0 && has_seen("Restarting"), "{ended:?}");
        assert_eq!(statuses.last().map(String::as_str), Some("Running"), "{ended:?}");
        // The next worker has begun with what was written in the cut, and has seen each number after it.
        assert!(*begun > 2000, "{ended:?}");
        assert_eq!(begun + counted, *written, "{ended:?}");
    } else {
        assert_eq!(statuses.last().map(String::as_str), Some("Lost"), "{ended:?}");
        assert!(*begun == 0 && *counted >= 100, "{ended:?}");
    }
}
