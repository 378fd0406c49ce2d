//! Peers that lie: an admitted client that sends garbage, and a host that answers with it.

use std::time::Duration;

use iroh::endpoint::{Connection, QuicTransportConfig, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode, SecretKey};
use reacton::prelude::*;
use reacton_net::{Host, KeyFile, Session};
use serde::Serialize;

use super::places::{SOON, host, key, session, until};
use super::workers::*;

const ALPN: &[u8] = b"reacton-net/1";

/// The messages of the extension, as a peer could build them.
#[derive(Serialize)]
enum Request<'r> {
    Spawn { offer: &'r str, path: &'r str },
}

#[derive(Serialize)]
enum Reply {
    Accepted { in_process: bool },
}

#[derive(Serialize)]
struct News {
    offers: Vec<(String, Vec<String>)>,
    running: usize,
    capacity: usize,
}

fn message(message: &impl Serialize) -> Vec<u8> {
    let bytes = rmp_serde::to_vec_named(message).expect("the value encodes");
    [&u32::try_from(bytes.len()).expect("the number is small").to_le_bytes()[..], &bytes].concat()
}

pub(crate) fn run<F: Future>(test: F) -> F::Output {
    // With a thread of its own, so that a test may block.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(test)
}

fn secret(file: &KeyFile, path: &std::path::Path) -> SecretKey {
    file.public_key().expect("the key is made");
    let text = std::fs::read_to_string(path).expect("the file is there");
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex");
    SecretKey::from_bytes(&std::array::from_fn(byte))
}

pub(crate) async fn endpoint(key: SecretKey) -> Endpoint {
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_address_lookup()
        .clear_ip_transports()
        .bind_addr("127.0.0.1:0")
        .expect("an address")
        .secret_key(key)
        .alpns(vec![ALPN.to_vec()])
        .transport_config(QuicTransportConfig::builder().build())
        .bind()
        .await
        .expect("the endpoint binds")
}

async fn connect(endpoint: &Endpoint, host: &Host) -> Connection {
    let ticket = host.ticket().to_string();
    let (id, addresses) = ticket.split_once('@').expect("the text is a ticket");
    let address = EndpointAddr::new(id.parse().expect("a key"))
        .with_ip_addr(addresses.split(',').next_back().expect("one").parse().expect("an address"));
    endpoint.connect(address, ALPN).await.expect("the endpoint connects")
}

/// A host that allows an honest client and one that lies, and the endpoint of the latter.
fn stage(liar: &str) -> (Host, Session, SecretKey) {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{liar}-{}.key", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let file = KeyFile::at(&path);
    let secret = secret(&file, &path);
    let honest = key();
    let host = host(&[&honest, &file], |host| host.offer("tests", workers![echo]).per_peer(3));
    let session = session(honest, &[&host]);
    (host, session, secret)
}

#[test]
fn n4_an_admitted_client_that_sends_garbage_loses_its_stream_and_disturbs_nobody() {
    let (host, session, secret) = stage("garbage");
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    run(async {
        let liar = endpoint(secret).await;
        let connection = connect(&liar, &host).await;
        let spawn = message(&Request::Spawn { offer: "tests", path: "loopback::workers::echo" });
        let claim = u32::MAX.to_le_bytes().to_vec();
        let lies = [
            vec![0xff; 1000],
            claim.clone(),
            message(&"no request"),
            [spawn.clone(), vec![0xff; 100_000]].concat(),
            [spawn.clone(), claim].concat(),
            // A frame whose payload is said to have 2^62 bytes.
            [spawn, vec![12, 0, 0, 0, 0x93, 0, 1, 0xcf, 0x40, 0, 0, 0, 0, 0, 0, 0]].concat(),
        ];
        for lie in lies {
            let (mut send, mut recv) = connection.open_bi().await.expect("a stream");
            // The host may have stopped reading in the middle of it.
            let _ = send.write_all(&lie).await;
            let _ = send.finish();
            let _ =
                tokio::time::timeout(SOON, recv.read_to_end(1000)).await.expect("the stream ends");
        }
        until(&store, |_| host.running() == 1);
        store.set(&INPUT, 6);
        until(&store, |store| store.get(&OUTPUT) == 6);
    });
    drop(worker);
}

#[test]
fn n4_a_client_that_says_nothing_holds_a_place_for_a_short_time() {
    let (host, _session, secret) = stage("silence");
    run(async {
        let liar = endpoint(secret).await;
        let connection = connect(&liar, &host).await;
        let spawn = message(&Request::Spawn { offer: "tests", path: "loopback::workers::echo" });
        let mut held = Vec::new();
        for _ in 0..3 {
            let (mut send, recv) = connection.open_bi().await.expect("a stream");
            send.write_all(&spawn).await.expect("the stream is open");
            held.push((send, recv));
        }
        let store = ReactonStore::new();
        until(&store, |_| host.running() == 3);
        until(&store, |_| host.running() == 0);
        drop(held);
    });
}

#[test]
fn n4_a_client_that_opens_more_streams_than_it_may_waits() {
    let (host, session, secret) = stage("streams");
    run(async {
        let liar = endpoint(secret).await;
        let connection = connect(&liar, &host).await;
        let mut held = Vec::new();
        let flood = async {
            loop {
                let (mut send, recv) = connection.open_bi().await.expect("a stream");
                send.write_all(&[0]).await.expect("the stream is open");
                held.push((send, recv));
            }
        };
        let _: Result<(), _> = tokio::time::timeout(Duration::from_secs(2), flood).await;
        let store = ReactonStore::new();
        let _worker =
            echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
        store.set(&INPUT, 9);
        until(&store, |store| store.get(&OUTPUT) == 9);
    });
}

/// A host that answers each spawn with these bytes, and what its session sees.
fn spawn_on_liar(answer: Vec<u8>) -> SpawnError {
    let (told, ticket) = std::sync::mpsc::channel();
    let lying = std::thread::spawn(move || {
        run(async {
            let liar = endpoint(SecretKey::generate()).await;
            let address = liar.bound_sockets()[0];
            told.send(format!("{}@{address}", liar.id())).expect("the test waits");
            let connection =
                liar.accept().await.expect("the stream is open").await.expect("a client");
            let mut news = connection.open_uni().await.expect("a stream");
            let offers = vec![(String::from("tests"), vec![String::from("echo")])];
            let first = message(&News { offers, running: 0, capacity: 9 });
            news.write_all(&first).await.expect("the stream is open");
            let (mut send, _recv) = connection.accept_bi().await.expect("a spawn");
            send.write_all(&answer).await.expect("the stream is open");
            connection.closed().await;
        });
    });
    let ticket: String = ticket.recv().expect("the thread listens");
    let session = Session::builder().key(key()).host(ticket).open().expect("a session");
    let store = ReactonStore::new();
    let builder = echo::builder().handshake_timeout(Duration::from_secs(3)).at(&session, "tests");
    let error = builder.spawn(&store).expect_err("the host lies");
    drop((store, session));
    lying.join().expect("the thread ends with the session");
    error
}

#[test]
fn n4_a_host_that_lies_is_a_typed_error_of_the_spawn() {
    let accepted = message(&Reply::Accepted { in_process: false });
    let garbage = spawn_on_liar([accepted.clone(), vec![0xff; 1000]].concat());
    assert!(matches!(garbage, SpawnError::Died { .. }), "{garbage:?}");
    assert!(garbage.to_string().contains("malformed frame"), "{garbage}");
    let long = [12, 0, 0, 0, 0x93, 0, 1, 0xcf, 0x40, 0, 0, 0, 0, 0, 0, 0];
    let long = spawn_on_liar([&accepted[..], &long].concat());
    assert!(long.to_string().contains("longer than `max_value`"), "{long}");
    let silent = spawn_on_liar(accepted);
    assert!(matches!(silent, SpawnError::TimedOut { .. }), "{silent:?}");
    let wrong = spawn_on_liar(message(&"no reply"));
    assert!(matches!(wrong, SpawnError::Unreachable { .. }), "{wrong:?}");
}
