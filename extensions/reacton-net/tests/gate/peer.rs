//! One side of the gate: an endpoint with the settings of the product, in this process or in one of its own.

use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, io};

use iroh::endpoint::{Connection, QuicTransportConfig, RecvStream, SendStream, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, RelayMode, SecretKey};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::mpsc;

use super::flow::Flow;

pub(crate) const ALPN: &[u8] = b"reacton-gate/1";

/// With this code the host closes the connection of an unknown peer.
pub(crate) const REFUSED: u32 = 1;

/// The first byte of a stream says what the host does with the rest: send it back, ..
pub(crate) const ECHO: u8 = b'e';
/// .. count it and send back the count, ..
pub(crate) const SINK: u8 = b's';
/// .. or never read it.
pub(crate) const NEVER: u8 = b'n';

/// The variable with the role of a process that a test starts.
const VARIABLE: &str = "REACTON_GATE_PEER";

/// Runs a test on one thread, as the product does.
pub(crate) fn run<F: Future<Output = ()>>(test: F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(test);
}

fn transport() -> QuicTransportConfig {
    let idle = Duration::from_secs(30).try_into().expect("the number is small");
    QuicTransportConfig::builder()
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Duration::from_secs(1))
        .default_path_keep_alive_interval(Duration::from_secs(1))
        .stream_receive_window((1_u32 << 20).into())
        .build()
}

pub(crate) async fn endpoint(key: SecretKey, address: &str) -> Endpoint {
    let address: SocketAddr = address.parse().expect("an address");
    Endpoint::builder(presets::Minimal)
        .relay_mode(RelayMode::Disabled)
        .clear_address_lookup()
        .clear_ip_transports()
        .bind_addr(address)
        .expect("the text is an address")
        .secret_key(key)
        .alpns(vec![ALPN.to_vec()])
        .transport_config(transport())
        .bind()
        .await
        .expect("the endpoint binds")
}

pub(crate) fn address_of(endpoint: &Endpoint) -> EndpointAddr {
    let socket = endpoint.bound_sockets().into_iter().next().expect("the endpoint is bound");
    EndpointAddr::new(endpoint.id()).with_ip_addr(socket)
}

/// The address of a host on this machine.
pub(crate) fn address(id: EndpointId, port: &str) -> EndpointAddr {
    EndpointAddr::new(id).with_ip_addr(format!("127.0.0.1:{port}").parse().expect("an address"))
}

pub(crate) async fn connect(endpoint: &Endpoint, address: &EndpointAddr) -> Connection {
    let within = Duration::from_mins(1);
    let begun = tokio::time::Instant::now();
    loop {
        match endpoint.connect(address.clone(), ALPN).await {
            Ok(connection) => return connection,
            Err(error) => assert!(begun.elapsed() < within, "no connection: {error:?}"),
        }
    }
}

/// Accepts these peers until the endpoint is closed.
pub(crate) async fn serve(endpoint: Endpoint, allowed: Vec<EndpointId>) {
    while let Some(incoming) = endpoint.accept().await {
        let allowed = allowed.clone();
        tokio::spawn(async move {
            let Ok(connection) = incoming.await else { return };
            if !allowed.contains(&connection.remote_id()) {
                connection.close(REFUSED.into(), b"not allowed");
                return;
            }
            while let Ok((send, recv)) = connection.accept_bi().await {
                tokio::spawn(answer(connection.clone(), send, recv));
            }
        });
    }
}

async fn answer(connection: Connection, mut send: SendStream, mut recv: RecvStream) {
    let mut mode = [0];
    if recv.read_exact(&mut mode).await.is_err() {
        return;
    }
    match mode[0] {
        ECHO => {
            while let Ok(Some(bytes)) = recv.read_chunk(64 * 1024).await {
                if send.write_chunk(bytes).await.is_err() {
                    return;
                }
            }
            let _ = send.finish();
        }
        SINK => {
            let mut count = 0_u64;
            while let Ok(Some(bytes)) = recv.read_chunk(64 * 1024).await {
                count += bytes.len() as u64;
            }
            let _ = send.write_all(&count.to_le_bytes()).await;
            let _ = send.finish();
        }
        _ => {
            connection.closed().await;
        }
    }
}

/// An endpoint in a process of its own. It is killed when this is dropped.
pub(crate) struct Peer {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
}

impl Peer {
    /// A client that sends numbered messages.
    pub(crate) fn client(
        key: &SecretKey,
        host: &EndpointAddr,
        period: Duration,
        count: u64,
    ) -> Self {
        let role = client_role(key, host, "127.0.0.1:0", period, count);
        Self::start(Command::new(env::current_exe().expect("the path of the test is known")), &role)
    }

    /// A host that accepts one client.
    pub(crate) fn host(key: &SecretKey, address: &str, client: &SecretKey) -> Self {
        let role = host_role(key, address, client);
        Self::start(Command::new(env::current_exe().expect("the path of the test is known")), &role)
    }

    pub(crate) fn start(mut command: Command, role: &str) -> Self {
        command.args(["gate_peer", "--exact", "--nocapture", "--test-threads=1", "-q"]);
        command.env(VARIABLE, role).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process");
        let out = child.stdout.take().expect("the output is piped");
        let (sender, lines) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            for line in io::BufRead::lines(io::BufReader::new(out)).map_while(Result::ok) {
                // The test runner may have begun the line.
                if let Some((_, told)) = line.split_once("gate: ") {
                    let _ = sender.send(told.to_owned());
                }
            }
        });
        Self { child, lines }
    }

    /// Waits for a line that begins with `word`, and returns the rest of it.
    pub(crate) async fn wait_for(&mut self, word: &str) -> String {
        let line = tokio::time::timeout(Duration::from_mins(2), async {
            loop {
                let line =
                    self.lines.recv().await.unwrap_or_else(|| panic!("ended before `{word}`"));
                if let Some(rest) = line.strip_prefix(word) {
                    return rest.trim().to_owned();
                }
            }
        });
        line.await.unwrap_or_else(|_| panic!("no `{word}`"))
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process lives");
    }

    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(key: &SecretKey) -> String {
    let mut text = String::new();
    for byte in key.to_bytes() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn key(text: &str) -> SecretKey {
    let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex");
    SecretKey::from_bytes(&std::array::from_fn(byte))
}

pub(crate) fn host_role(own: &SecretKey, address: &str, client: &SecretKey) -> String {
    format!("host {} {address} {}", hex(own), client.public())
}

pub(crate) fn client_role(
    own: &SecretKey,
    host: &EndpointAddr,
    address: &str,
    period: Duration,
    count: u64,
) -> String {
    let to = host.ip_addrs().next().expect("there is an address");
    format!("client {} {address} {} {to} {} {count}", hex(own), host.id, period.as_micros())
}

/// The body of a process.
pub(crate) fn run_as_peer() {
    let Ok(role) = env::var(VARIABLE) else { return };
    let words: Vec<_> = role.split(' ').collect();
    match words[..] {
        ["host", own, address, client] => run(async {
            let endpoint = endpoint(key(own), address).await;
            let port = endpoint.bound_sockets()[0].port();
            println!("gate: listening {port}");
            serve(endpoint, vec![client.parse().expect("a key")]).await;
        }),
        ["client", own, address, id, to, period, count] => run(async {
            let period = Duration::from_micros(period.parse().expect("a number"));
            let flow = Flow::new(period, count.parse().expect("a number")).telling();
            let to = EndpointAddr::new(id.parse().expect("a key"))
                .with_ip_addr(to.parse().expect("an address"));
            be_client(endpoint(key(own), address).await, to, flow, count).await;
        }),
        _ => panic!("no such role: {role}"),
    }
}

async fn be_client(endpoint: Endpoint, to: EndpointAddr, flow: Flow, count: &str) {
    let connection = connect(&endpoint, &to).await;
    match flow.run(&connection).await {
        Ok(flowed) => {
            println!("gate: gap {}", flowed.gap.as_millis());
            println!("gate: echoed {} of {count}", flowed.echoed);
        }
        Err(broken) => {
            println!("gate: lost {} {}", broken.silence.as_millis(), broken.error);
            let connection = connect(&endpoint, &to).await;
            match Flow::new(Duration::from_millis(1), 100).run(&connection).await {
                Ok(flowed) => println!("gate: found {} {}", broken.echoed, flowed.echoed),
                Err(broken) => println!("gate: found nothing {}", broken.error),
            }
        }
    }
    endpoint.close().await;
}
