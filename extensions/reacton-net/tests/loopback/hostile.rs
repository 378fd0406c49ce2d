//! Peers that lie: an admitted client that sends garbage, and a host that answers with it.

use std::time::Duration;

use iroh::endpoint::{Connection, QuicTransportConfig, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode, SecretKey};
use reacton::Refusal;
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
    Full { running: usize, capacity: usize },
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
fn stage() -> (Host, Session, SecretKey) {
    let path = super::places::file();
    let file = KeyFile::at(&path);
    let secret = secret(&file, &path);
    let honest = key();
    let host = host(&[&honest, &file], |host| host.offer("tests", workers![echo]).per_peer(3));
    let session = session(honest, &[&host]);
    (host, session, secret)
}

#[test]
fn n4_an_admitted_client_that_sends_garbage_loses_its_stream_and_disturbs_nobody() {
    let (host, session, secret) = stage();
    let store = ReactonStore::new();
    let worker = echo::builder().at(&session, "tests").spawn(&store).expect("the worker starts");
    run(async {
        let liar = endpoint(secret).await;
        let connection = connect(&liar, &host).await;
        let spawn = message(&Request::Spawn { offer: "tests", path: "loopback::basics::echo" });
        let refused = message(&Request::Spawn { offer: "films", path: "loopback::basics::echo" });
        let claim = u32::MAX.to_le_bytes().to_vec();
        let lies = [
            vec![0xff; 1000],
            claim.clone(),
            message(&"no request"),
            [spawn.clone(), vec![0xff; 100_000]].concat(),
            [spawn.clone(), claim].concat(),
            // Far more than a host reads, or keeps, of what it refuses.
            [refused, vec![0xff; 8 << 20]].concat(),
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
    let (host, _session, secret) = stage();
    run(async {
        let liar = endpoint(secret).await;
        let connection = connect(&liar, &host).await;
        let spawn = message(&Request::Spawn { offer: "tests", path: "loopback::basics::echo" });
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
    let (host, session, secret) = stage();
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

/// A host that treats the first stream of its session as `answer` does, and what the spawn there returns.
fn spawn_on_liar<A, R>(
    args: impl FnOnce(&Session, &ReactonStore) -> Result<IsolateStore, SpawnError>,
    answer: A,
) -> SpawnError
where
    A: FnOnce(SendStream, RecvStream) -> R + Send + 'static,
    R: Future<Output = (SendStream, RecvStream)>,
{
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
            let (send, recv) = connection.accept_bi().await.expect("a spawn");
            let _streams = answer(send, recv).await;
            connection.closed().await;
        });
    });
    let ticket: String = ticket.recv().expect("the thread listens");
    let session = Session::builder().key(key()).host(ticket).open().expect("a session");
    let store = ReactonStore::new();
    let error = args(&session, &store).expect_err("the host does not start it");
    drop((store, session));
    lying.join().expect("the thread ends with the session");
    error
}

/// What a session sees of a host that answers a spawn with these bytes.
fn answered_with(answer: Vec<u8>) -> SpawnError {
    let spawn = |session: &Session, store: &ReactonStore| {
        let builder = echo::builder().handshake_timeout(Duration::from_secs(3));
        builder.at(session, "tests").spawn(store)
    };
    spawn_on_liar(spawn, async move |mut send: SendStream, recv| {
        send.write_all(&answer).await.expect("the stream is open");
        (send, recv)
    })
}

/// Reads the request of a client, which is a message.
async fn read_request(recv: &mut RecvStream) {
    let mut len = [0; 4];
    recv.read_exact(&mut len).await.expect("a request");
    let mut request = vec![0; u32::from_le_bytes(len) as usize];
    recv.read_exact(&mut request).await.expect("a request");
}

async fn refuse(send: &mut SendStream) {
    let full = message(&Reply::Full { running: 7, capacity: 7 });
    send.write_all(&full).await.expect("the stream is open");
    send.finish().expect("the stream is open");
}

#[track_caller]
fn assert_refused(error: &SpawnError) {
    let SpawnError::Refused { why: Refusal::Full { running: 7, capacity: 7, .. }, .. } = error
    else {
        panic!("{error:?}")
    };
}

#[test]
fn n1_the_first_frames_come_with_the_question_and_the_refusal_is_the_same() {
    let spawn =
        |session: &Session, store: &ReactonStore| echo::builder().at(session, "tests").spawn(store);
    let error = spawn_on_liar(spawn, async |mut send, mut recv| {
        read_request(&mut recv).await;
        // The heads of the two frames that describe the worker, before anything was answered.
        let mut first = [0; 100];
        recv.read_exact(&mut first).await.expect("frames");
        refuse(&mut send).await;
        (send, recv)
    });
    assert_refused(&error);
}

#[test]
fn n1_first_frames_that_are_long_wait_until_the_host_accepts() {
    let spawn = |session: &Session, store: &ReactonStore| {
        scaler::builder().at(session, "tests").spawn(store, 1, "x".repeat(20_000))
    };
    let error = spawn_on_liar(spawn, async |mut send, mut recv| {
        read_request(&mut recv).await;
        refuse(&mut send).await;
        let rest =
            recv.read_to_end(100_000).await.expect("the client resets or finishes the stream");
        assert_eq!(rest.len(), 0, "it was sent before the host could refuse");
        (send, recv)
    });
    assert_refused(&error);
}

#[test]
fn n4_a_host_that_lies_is_a_typed_error_of_the_spawn() {
    let accepted = message(&Reply::Accepted { in_process: false });
    let garbage = answered_with([accepted.clone(), vec![0xff; 1000]].concat());
    assert!(matches!(garbage, SpawnError::Died { .. }), "{garbage:?}");
    assert!(garbage.to_string().contains("malformed frame"), "{garbage}");
    let long = [12, 0, 0, 0, 0x93, 0, 1, 0xcf, 0x40, 0, 0, 0, 0, 0, 0, 0];
    let long = answered_with([&accepted[..], &long].concat());
    assert!(long.to_string().contains("longer than `max_value`"), "{long}");
    let silent = answered_with(accepted);
    assert!(matches!(silent, SpawnError::TimedOut { .. }), "{silent:?}");
    let wrong = answered_with(message(&"no reply"));
    assert!(matches!(wrong, SpawnError::Unreachable { .. }), "{wrong:?}");
}
