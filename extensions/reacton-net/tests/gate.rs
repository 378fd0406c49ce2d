//! The gate: bare iroh streams in bad conditions, with nothing of ours on top. What stands on them is built only after
//! this passes, and a new version of iroh has to pass it again.
//!
//! `REACTON_GATE=1` runs the slow tests as well: those that need processes and network namespaces. They need root and
//! the command `ip`. Each test prints the row of the table in README.md that it measures.

#[path = "gate/cuts.rs"]
mod cuts;
#[path = "gate/flow.rs"]
mod flow;
#[path = "gate/network.rs"]
mod network;
#[path = "gate/peer.rs"]
mod peer;

use std::env;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use iroh::SecretKey;
use iroh::endpoint::ConnectionError;

use self::flow::Flow;
use self::network::{Network, is_possible};
use self::peer::{ALPN, Peer, REFUSED, address_of, connect, endpoint, run, serve};

/// The body of every process that a test starts: does nothing in an ordinary run.
#[test]
fn gate_peer() {
    peer::run_as_peer();
}

/// Held by each test: the memory and the time of one are not those of another.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether to run the slow tests.
fn is_heavy() -> bool {
    let asked = env::var_os("REACTON_GATE").is_some();
    if !asked {
        println!("not run: set REACTON_GATE=1 for the tests with processes and namespaces");
    }
    asked
}

#[test]
fn an_unknown_peer_is_refused_before_it_opens_a_stream() {
    let _alone = alone();
    run(async {
        let host = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let friend = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let unknown = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let address = address_of(&host);
        tokio::spawn(serve(host, vec![friend.id()]));
        let begun = Instant::now();
        for _ in 0..50 {
            // An unknown peer's `connect` succeeds: the host sees its key only when the handshake is complete.
            let connection =
                unknown.connect(address.clone(), ALPN).await.expect("the endpoint connects");
            match connection.closed().await {
                ConnectionError::ApplicationClosed(closed) => {
                    assert_eq!(closed.error_code, REFUSED.into());
                }
                other => panic!("{other}"),
            }
        }
        println!(
            "| an unknown peer, refused 50 times | {:?} an attempt, both ends |",
            begun.elapsed() / 50
        );
        let connection = connect(&friend, &address).await;
        let flowed =
            Flow::new(Duration::from_millis(1), 100).run(&connection).await.expect("messages flow");
        assert_eq!(flowed.echoed, 100);
    });
}

#[test]
fn a_reader_that_never_reads_stops_only_its_own_stream() {
    let _alone = alone();
    run(async {
        let host = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let client = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let address = address_of(&host);
        tokio::spawn(serve(host, vec![client.id()]));
        let connection = connect(&client, &address).await;
        let (mut send, _recv) = connection.open_bi().await.expect("a stream");
        send.write_all(&[peer::NEVER]).await.expect("the stream is open");
        let block = vec![7; 64 * 1024];
        let mut written = 0_usize;
        // No error and no end: the write waits as soon as the window of the stream is full.
        while let Ok(result) =
            tokio::time::timeout(Duration::from_secs(1), send.write_all(&block)).await
        {
            result.expect("the stream is open");
            written += block.len();
            assert!(written < 64 << 20, "nothing limits it");
        }
        let flowed =
            Flow::new(Duration::from_millis(1), 500).run(&connection).await.expect("messages flow");
        println!(
            "| a reader that never reads | {} KiB taken, then the writer waits; worst round trip beside it {:?} |",
            written >> 10,
            flowed.worst
        );
        assert_eq!(flowed.echoed, 500);
    });
}

#[test]
fn a_hundred_clients_come_and_go() {
    let _alone = alone();
    run(async {
        let host = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let keys: Vec<_> = (0..100).map(|_| SecretKey::generate()).collect();
        let address = address_of(&host);
        tokio::spawn(serve(host, keys.iter().map(SecretKey::public).collect()));
        let before = memory();
        let begun = Instant::now();
        let mut clients = tokio::task::JoinSet::new();
        for key in keys {
            let address = address.clone();
            clients.spawn(async move {
                for _ in 0..3 {
                    let client = endpoint(key.clone(), "127.0.0.1:0").await;
                    let connection = connect(&client, &address).await;
                    let flow = Flow::new(Duration::from_millis(1), 20);
                    let flowed = flow.run(&connection).await.expect("messages flow");
                    assert_eq!(flowed.echoed, 20);
                    client.close().await;
                }
            });
        }
        while let Some(client) = clients.join_next().await {
            client.expect("a client fails");
        }
        let grown = memory().saturating_sub(before) >> 20;
        println!("| 100 clients, three times each | {:?}, memory + {grown} MiB |", begun.elapsed());
        assert!(grown < 400, "{grown} MiB");
    });
}

#[test]
fn a_soak_keeps_memory_flat() {
    let _alone = alone();
    let bytes = env::var("REACTON_GATE_BYTES").ok().and_then(|text| text.parse().ok());
    let bytes: u64 = bytes.unwrap_or(200 << 20);
    run(async move {
        let host = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let client = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let address = address_of(&host);
        tokio::spawn(serve(host, vec![client.id()]));
        let connection = connect(&client, &address).await;
        let (mut send, mut recv) = connection.open_bi().await.expect("a stream");
        send.write_all(&[peer::SINK]).await.expect("the stream is open");
        let block = vec![7; 64 * 1024];
        let begun = Instant::now();
        let (mut total, mut least, mut most) = (0_u64, u64::MAX, 0);
        while total < bytes {
            send.write_all(&block).await.expect("the stream is open");
            total += block.len() as u64;
            if total > bytes / 10 && total.is_multiple_of(8 << 20) {
                (least, most) = (least.min(memory()), most.max(memory()));
            }
        }
        send.finish().expect("the stream is open");
        let count = recv.read_to_end(8).await.expect("the count");
        assert_eq!(count, total.to_le_bytes());
        #[expect(clippy::cast_precision_loss, reason = "for people")]
        let rate = total as f64 / begun.elapsed().as_secs_f64() / 1e6;
        println!(
            "| a soak of {} MB | {rate:.0} MB/s, memory between {} and {} MiB after the first tenth |",
            total / 1_000_000,
            least >> 20,
            most >> 20
        );
        assert!(most - least < 64 << 20, "{least} to {most}");
    });
}

#[test]
fn a_cut_that_is_shorter_than_the_timeout_loses_nothing_and_a_longer_one_is_noticed() {
    let _alone = alone();
    if !is_heavy() {
        return;
    }
    assert!(
        is_possible(),
        "REACTON_GATE needs root and `ip netns`: run it as root, or unset REACTON_GATE"
    );
    let cuts = [1000, 2500, 8000, 20_000, 40_000].map(Duration::from_millis);
    let network = Network::new(cuts.len());
    let threads: Vec<_> = cuts
        .into_iter()
        .enumerate()
        .map(|(number, cut)| {
            let network = network.clone();
            std::thread::spawn(move || cuts::try_cut(&network, number, cut))
        })
        .collect();
    for (thread, cut) in threads.into_iter().zip(cuts) {
        let report = thread.join().expect("a pair fails");
        println!("{report}");
        if cut < Duration::from_secs(30) {
            assert!(report.is_whole(), "{report}");
        } else {
            assert!(report.was_lost_and_found(), "{report}");
        }
    }
}

#[test]
fn a_frozen_client_delays_no_other() {
    let _alone = alone();
    if !is_heavy() {
        return;
    }
    run(async {
        let host = endpoint(SecretKey::generate(), "127.0.0.1:0").await;
        let keys: Vec<_> = (0..3).map(|_| SecretKey::generate()).collect();
        let address = address_of(&host);
        tokio::spawn(serve(host, keys.iter().map(SecretKey::public).collect()));
        let mut frozen = Peer::client(&keys[0], &address, Duration::from_millis(5), 3000);
        frozen.wait_for("flowing").await;
        frozen.freeze();
        let mut worst = Duration::ZERO;
        for key in &keys[1..] {
            let client = endpoint(key.clone(), "127.0.0.1:0").await;
            let connection = connect(&client, &address).await;
            let flow = Flow::new(Duration::from_millis(5), 1000);
            let flowed = flow.run(&connection).await.expect("messages flow");
            assert_eq!(flowed.echoed, 1000);
            worst = worst.max(flowed.worst);
        }
        frozen.thaw();
        let end = frozen.wait_for("echoed").await;
        println!(
            "| one of three clients frozen for 10 s | worst round trip of the others {worst:?}; it then {end} |"
        );
        assert!(end.contains("3000 of 3000"), "{end}");
    });
}

#[test]
fn a_killed_host_is_noticed_and_one_on_the_same_port_and_key_is_reached() {
    let _alone = alone();
    if !is_heavy() {
        return;
    }
    run(async {
        let (key, client_key) = (SecretKey::generate(), SecretKey::generate());
        let client = endpoint(client_key.clone(), "127.0.0.1:0").await;
        let mut host = Peer::host(&key, "127.0.0.1:0", &client_key);
        let port = host.wait_for("listening").await;
        let address = peer::address(key.public(), &port);
        let connection = connect(&client, &address).await;
        let (mut send, mut recv) = connection.open_bi().await.expect("a stream");
        send.write_all(&[peer::NEVER]).await.expect("the stream is open");
        let killed = Instant::now();
        host.kill();
        let successor = {
            let mut successor = Peer::host(&key, &format!("127.0.0.1:{port}"), &client_key);
            successor.wait_for("listening").await;
            successor
        };
        let mut byte = [0];
        let error = recv.read_exact(&mut byte).await.expect_err("the host is gone");
        let noticed = killed.elapsed();
        let begun = Instant::now();
        let connection = connect(&client, &address).await;
        let flowed =
            Flow::new(Duration::from_millis(1), 100).run(&connection).await.expect("messages flow");
        assert_eq!(flowed.echoed, 100);
        println!(
            "| host killed and started again on its port | noticed after {noticed:?} ({error}), connected again in {:?} |",
            begun.elapsed()
        );
        assert!(noticed < Duration::from_secs(45), "{noticed:?}");
        drop(successor);
    });
}

/// Bytes of memory that this process holds.
fn memory() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = text.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number");
    pages * 4096
}
