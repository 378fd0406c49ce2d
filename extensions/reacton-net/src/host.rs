//! A host: offers workers to peers that it knows by key, and runs them.

mod guests;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use iroh::endpoint::{Connection, Incoming};
use iroh::{Endpoint, EndpointId};
use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, ReactonStore};
use reacton_isolate::process::Workers;
use reacton_isolate::reach::{self, Places, Terms};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use self::guests::{Guests, Offer, Settings};
use crate::admission::NOT_ALLOWED;
use crate::endpoint::{MAX_VALUE, PATIENCE, bind, parse_relay, runtime, wait_for};
use crate::error::NetError;
use crate::exchange;
use crate::key::KeyFile;
use crate::liveness::{self, Lines};
use crate::mdns::Mdns;
use crate::skew::Skew;
use crate::ticket::Ticket;

/// So many workers run at once by default.
const CAPACITY: usize = 16;

/// So many connections may be in their handshake. Above the second number, a peer has to show first that it receives at
/// its address.
const MAX_INCOMING: usize = 256;
const MAX_UNCHECKED: usize = 32;

/// How long a connection may be in its handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a host that ends waits for its workers.
const DRAINED_WITHIN: Duration = Duration::from_secs(10);

/// Offers workers to other programs, from [`open`](HostBuilder::open) until it is dropped or [stopped](Stopper::stop).
#[derive(Debug)]
pub struct Host {
    endpoint: Endpoint,
    ticket: Ticket,
    guests: Arc<Guests>,
    accepting: AbortHandle,
    stopped: watch::Sender<bool>,
}

/// Options of a [`Host`].
#[derive(Debug)]
#[must_use = "a host begins with `open`"]
pub struct HostBuilder {
    key: Option<KeyFile>,
    listen: String,
    allow: Vec<String>,
    offers: Vec<(String, Workers)>,
    capacity: usize,
    per_peer: Option<usize>,
    max_value: u64,
    skew: Skew,
    in_processes: bool,
    patience: Duration,
    relays: Vec<String>,
    mdns: Mdns,
}

impl Host {
    /// Returns the options of a host.
    pub fn builder() -> HostBuilder {
        HostBuilder {
            key: None,
            listen: String::from("0.0.0.0:0"),
            allow: Vec::new(),
            offers: Vec::new(),
            capacity: CAPACITY,
            per_peer: None,
            max_value: MAX_VALUE,
            skew: Skew::default(),
            in_processes: false,
            patience: PATIENCE,
            relays: Vec::new(),
            mdns: Mdns::Off,
        }
    }

    /// Returns what a client needs to reach this host: its key, and the addresses at which it listens.
    pub fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }

    /// Returns the number of workers that run here.
    pub fn running(&self) -> usize {
        self.guests.running()
    }

    /// Returns what ends [`run`](Self::run), from any thread.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stopped.clone())
    }

    /// Takes turns of `store` until the host is [stopped](Stopper::stop) or the store is disposed. Then each worker does
    /// what has arrived, and ends. Its client sees that the host is lost, and restarts it elsewhere if its policy says so.
    ///
    /// Workers run whether or not this is called: their stores are their own. `store` is that of the host program.
    pub fn run(&self, store: &ReactonStore) {
        let mut stopped = self.stopped.subscribe();
        // While this exists, something may arrive: otherwise a wait of a store without workers returns at once.
        let _open = Wiring::of(store).inbox().mailbox();
        let inbox = Wiring::of(store).inbox().weak_mailbox();
        if let Ok(runtime) = runtime() {
            // Wakes the store when the host is stopped.
            runtime.spawn(async move {
                let _ = stopped.wait_for(|stopped| *stopped).await;
                inbox.post(Awake);
            });
        }
        while !(*self.stopped.borrow() || store.is_disposed()) {
            store.wait(Duration::from_secs(1));
        }
        self.drain();
    }

    /// Refuses further workers, and lets those that run do what has arrived, and end.
    fn drain(&self) {
        self.guests.drain(DRAINED_WITHIN);
    }
}

/// An item that only wakes its store.
struct Awake;

impl Arrival for Awake {
    fn take_in(self: Box<Self>, _: &ReactonStore) -> usize {
        0
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.accepting.abort();
        self.guests.end();
        let endpoint = self.endpoint.clone();
        if let Ok(runtime) = runtime() {
            // Blocks until the peers have been told, which takes no longer than a few round trips.
            let _ = wait_for(runtime, async move {
                let _ = tokio::time::timeout(Duration::from_secs(3), endpoint.close()).await;
            });
        }
    }
}

/// Stops a host from any thread, for example in the handler of a signal.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Lets [`Host::run`] return.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl HostBuilder {
    /// The key of the host, by which clients know it.
    pub fn key(self, key: KeyFile) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The address to listen at, such as `0.0.0.0:7447`. By default any address, and a port that the system chooses.
    pub fn listen(self, address: impl Into<String>) -> Self {
        Self { listen: address.into(), ..self }
    }

    /// The public keys of the programs that may start workers here. Nobody by default. Each call adds to the list.
    pub fn allow<K: Into<String>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.allow.extend(keys.into_iter().map(Into::into));
        self
    }

    /// Offers workers under a name. A peer that is allowed may start each of them with any arguments.
    pub fn offer(mut self, name: impl Into<String>, workers: impl Into<Workers>) -> Self {
        self.offers.push((name.into(), workers.into()));
        self
    }

    /// How many workers run here at once, of all peers. 16 by default.
    pub fn capacity(self, capacity: usize) -> Self {
        Self { capacity, ..self }
    }

    /// How many workers of one peer run here at once. By default as many as of all peers.
    pub fn per_peer(self, per_peer: usize) -> Self {
        Self { per_peer: Some(per_peer), ..self }
    }

    /// The largest value that may cross, in bytes, in both directions. 256 MiB by default; the smaller one of both sides
    /// counts. A larger value stays in the store that wrote it, as one that does not encode, and `last_error` of the
    /// worker says so. A peer that sends one nevertheless loses the link.
    pub fn max_value(self, bytes: u64) -> Self {
        Self { max_value: bytes, ..self }
    }

    /// How much the build of a client may differ from this one. By default shared reactons have the same types.
    pub fn skew(self, skew: Skew) -> Self {
        Self { skew, ..self }
    }

    /// Runs each worker in a process of its own, so that a worker that aborts ends nothing else. The host program has to
    /// [`serve`](reacton_isolate::process::serve) the workers. If the host stops, such a worker ends at once.
    pub fn in_processes(self) -> Self {
        Self { in_processes: true, ..self }
    }

    /// How long a client may be silent before its workers end. 30 s by default. The shorter one of both sides counts.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Keeps a connection to the iroh relay at this URL, such as `https://relay.example.org`, so that clients which name
    /// the same relay reach this host behind a firewall. Both sides then try to find a direct way. The relay sees who
    /// talks to whom, and no content. By default there is none. Each call adds one.
    pub fn relay(mut self, url: impl Into<String>) -> Self {
        self.relays.push(url.into());
        self
    }

    /// Shows the addresses of this host on the local network, by multicast DNS. Sessions that ask for this find the host
    /// by its key alone: the part of its ticket before the `@`. Needs the feature `mdns`. By default nothing is sent.
    #[cfg(feature = "mdns")]
    pub fn mdns(self) -> Self {
        Self { mdns: Mdns::Shows, ..self }
    }

    /// Binds the address, and accepts workers from now on.
    ///
    /// # Errors
    /// If the key, an allowed key, an offer, the URL of a relay or the address cannot be used.
    pub fn open(self) -> Result<Host, NetError> {
        let key = self.key.ok_or(NetError::NoKey)?.load()?;
        let parse = |text: String| {
            text.trim().parse::<EndpointId>().map_err(|_| NetError::Peer { text: text.clone() })
        };
        let allowed = self.allow.into_iter().map(parse).collect::<Result<BTreeSet<_>, _>>()?;
        let address: SocketAddr =
            self.listen.parse().map_err(|_| NetError::Address { text: self.listen.clone() })?;
        let relays = self.relays.into_iter().map(parse_relay).collect::<Result<Vec<_>, _>>()?;
        let offers = offers(self.offers)?;
        if self.in_processes {
            let checked =
                offers.iter().try_for_each(|offer| reach::check_processes(&offer.workers));
            checked.map_err(|message| NetError::NotServed { message })?;
        }
        let runtime = runtime()?;
        let settings = Settings {
            places: Places {
                capacity: self.capacity,
                per_peer: self.per_peer.unwrap_or(self.capacity),
            },
            terms: Terms { max_value: self.max_value, types_differ: self.skew == Skew::Decodes },
            in_processes: self.in_processes,
        };
        let guests = Arc::new(Guests::new(offers, settings));
        let endpoint = wait_for(runtime, bind(key, address, self.patience, relays, self.mdns))??;
        let ticket = Ticket::new(endpoint.id(), addresses(&endpoint));
        let accepting = Accepting {
            endpoint: endpoint.clone(),
            allowed: Arc::new(allowed),
            guests: Arc::clone(&guests),
        };
        let accepting = runtime.spawn(accepting.run()).abort_handle();
        Ok(Host { endpoint, ticket, guests, accepting, stopped: watch::Sender::new(false) })
    }
}

fn offers(listed: Vec<(String, Workers)>) -> Result<Vec<Offer>, NetError> {
    let mut offers: Vec<Offer> = Vec::new();
    for (name, workers) in listed {
        let names = reach::names(&workers);
        let mut paths = BTreeSet::new();
        if let Some((path, _)) = names.iter().find(|(path, _)| !paths.insert(*path)) {
            return Err(NetError::Offered { name: (*path).to_owned() });
        }
        if offers.iter().any(|offer| offer.name == name) {
            return Err(NetError::Offered { name });
        }
        offers.push(Offer { name, workers, names });
    }
    Ok(offers)
}

/// The addresses at which a bound endpoint can be reached, those of this machine alone last.
fn addresses(endpoint: &Endpoint) -> Vec<SocketAddr> {
    let mut addresses: Vec<_> = endpoint.addr().ip_addrs().copied().collect();
    for socket in endpoint.bound_sockets() {
        if socket.ip().is_unspecified() {
            let local: std::net::IpAddr = match socket {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            addresses.push(SocketAddr::new(local, socket.port()));
        } else {
            addresses.push(socket);
        }
    }
    addresses.sort_by_key(|address| address.ip().is_loopback());
    addresses.dedup();
    addresses
}

/// The task that accepts connections.
struct Accepting {
    endpoint: Endpoint,
    allowed: Arc<BTreeSet<EndpointId>>,
    guests: Arc<Guests>,
}

impl Accepting {
    async fn run(self) {
        let pending = Arc::new(());
        while let Some(incoming) = self.endpoint.accept().await {
            let unfinished = Arc::strong_count(&pending);
            if unfinished > MAX_INCOMING {
                incoming.refuse();
                continue;
            }
            if unfinished > MAX_UNCHECKED && !incoming.remote_addr_validated() {
                // One that cannot be asked again is refused.
                let _ = incoming.retry();
                continue;
            }
            let (pending, allowed) = (Arc::clone(&pending), Arc::clone(&self.allowed));
            let guests = Arc::clone(&self.guests);
            tokio::spawn(async move {
                let connection = admit(incoming, &allowed).await;
                drop(pending);
                if let Some(connection) = connection {
                    serve(connection, guests).await;
                }
            });
        }
    }
}

/// Completes a handshake. An unknown peer is refused by its key, before a byte of it is decoded.
async fn admit(incoming: Incoming, allowed: &BTreeSet<EndpointId>) -> Option<Connection> {
    let from = incoming.remote_addr();
    let connection = tokio::time::timeout(HANDSHAKE, async { incoming.await }).await.ok()?.ok()?;
    if allowed.contains(&connection.remote_id()) {
        return Some(connection);
    }
    note_unknown(&connection.remote_id(), &from);
    connection.close(NOT_ALLOWED.into(), b"not allowed");
    None
}

/// Logs an unknown peer, once a minute.
fn note_unknown(key: &EndpointId, from: &dyn fmt::Debug) {
    use std::sync::Mutex;
    use std::time::Instant;
    static LOGGED: Mutex<Option<Instant>> = Mutex::new(None);
    let mut logged = LOGGED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if logged.is_none_or(|logged| logged.elapsed() > Duration::from_mins(1)) {
        *logged = Some(Instant::now());
        drop(logged);
        tracing::warn!(%key, ?from, "an unknown peer was refused; others are not logged for a minute");
    }
}

/// Serves a connection of an allowed peer until it ends.
async fn serve(connection: Connection, guests: Arc<Guests>) {
    let lines = Lines::default();
    let (telling, watching) = (connection.clone(), connection.clone());
    let (mut news, watched) = (guests.news(), lines.clone());
    let telling = tokio::spawn(async move {
        let Ok(mut stream) = telling.open_uni().await else { return };
        loop {
            let told = news.borrow_and_update().clone();
            let sent = exchange::send(&mut stream, &told).await;
            if sent.is_err() || news.changed().await.is_err() {
                return;
            }
        }
    });
    let watching = tokio::spawn(async move {
        liveness::watch(&watching, &watched, |_| ()).await;
    });
    while let Ok((send, recv)) = connection.accept_bi().await {
        tokio::spawn(Arc::clone(&guests).accept(connection.clone(), lines.clone(), send, recv));
    }
    telling.abort();
    watching.abort();
    // Those that do not notice by themselves because much waits for them.
    lines.each(crate::road::Line::end);
}
