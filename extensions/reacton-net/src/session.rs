//! A session: what a client program knows of the hosts that it named, and how its workers get there.

mod dial;
mod hosts;

use std::fmt;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use iroh::{Endpoint, RelayUrl, SecretKey};
use reacton_core::{ReactonStore, ReadOnly};
use reacton_isolate::Refusal;
use reacton_isolate::reach::{Carrier, CarrierError, Departure, Place, Road, unparking};
use tokio::runtime::Handle;

use self::dial::Contact;
pub use self::hosts::{HostState, OfferState};
use crate::endpoint::{MAX_VALUE, PATIENCE, bind, parse_relay, runtime, wait_for};
use crate::error::NetError;
use crate::key::KeyFile;
use crate::mdns::Mdns;
use crate::ticket::Ticket;

/// The hosts of a client program: a place for [`at`](reacton_isolate::WorkerBuilder::at).
///
/// It connects to each host that it names, and again when a host was lost, until it is dropped. A clone is the same
/// session.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    public_key: String,
    contacts: Arc<hosts::Contacts>,
    /// `None` if it is one of the program, which may do other things with it.
    own_endpoint: Option<Endpoint>,
    max_value: u64,
    tasks: Vec<tokio::task::AbortHandle>,
}

/// Options of a [`Session`].
#[derive(Debug)]
#[must_use = "a session begins with `open`"]
pub struct SessionBuilder {
    endpoint: Option<Endpoint>,
    key: Option<KeyFile>,
    hosts: Vec<String>,
    relays: Vec<String>,
    mdns: Mdns,
    patience: Option<Duration>,
    max_value: u64,
}

impl Session {
    /// Returns the options of a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder {
            endpoint: None,
            key: None,
            hosts: Vec::new(),
            relays: Vec::new(),
            mdns: Mdns::Off,
            patience: None,
            max_value: MAX_VALUE,
        }
    }

    /// Returns the options of a session over an iroh endpoint of the program, with its key, its relays, its discovery
    /// and its timeouts. The session closes its own connections when it is dropped, and leaves the endpoint open. The
    /// runtime on which the endpoint was bound has to go on.
    pub fn over(endpoint: Endpoint) -> SessionBuilder {
        SessionBuilder { endpoint: Some(endpoint), ..Self::builder() }
    }

    /// Returns the public key of this program, which the hosts have to allow.
    #[must_use]
    pub fn public_key(&self) -> &str {
        &self.0.public_key
    }

    /// Returns a reacton of `store` with the state of each host, in the order in which they were named.
    pub fn hosts(&self, store: &ReactonStore) -> ReadOnly<Vec<HostState>> {
        self.0.contacts.reacton(store)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("public_key", &self.0.public_key).finish_non_exhaustive()
    }
}

impl SessionBuilder {
    /// The key of this program, by which hosts know it.
    pub fn key(self, key: KeyFile) -> Self {
        Self { key: Some(key), ..self }
    }

    /// Adds a host, by what its `ticket` prints.
    pub fn host(mut self, ticket: impl Into<String>) -> Self {
        self.hosts.push(ticket.into());
        self
    }

    /// How long a host may be silent before its workers are lost. 30 s by default. The shorter one of both sides counts.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// Reaches the hosts over the iroh relay at this URL, too, if they name the same one: see
    /// [`HostBuilder::relay`](crate::HostBuilder::relay). By default there is none. Each call adds one.
    pub fn relay(mut self, url: impl Into<String>) -> Self {
        self.relays.push(url.into());
        self
    }

    /// Asks on the local network for the addresses of the hosts, by multicast DNS, if they
    /// [show](crate::HostBuilder::mdns) them. So the key of a host is enough for a ticket: the part before the `@`. An
    /// address that was found is only proposed: the host there has to prove its key. Needs the feature `mdns`. By
    /// default nothing is sent.
    #[cfg(feature = "mdns")]
    pub fn mdns(self) -> Self {
        Self { mdns: Mdns::Asks, ..self }
    }

    /// The largest value that may cross, in bytes, in both directions. 256 MiB by default; the smaller one of both sides
    /// counts. A larger value stays in the store that wrote it, as one that does not encode, and `last_error` of the
    /// worker says so. If a host sends one nevertheless, its worker has failed.
    pub fn max_value(self, bytes: u64) -> Self {
        Self { max_value: bytes, ..self }
    }

    /// Opens the session, which begins to connect to its hosts. Does not wait for that: a host that cannot be reached is
    /// an error of a spawn.
    ///
    /// # Errors
    /// If the key, a ticket or the URL of a relay cannot be used, if there is no host, if the system refuses a socket,
    /// or if a session [over](Session::over) an endpoint has an option of its own.
    pub fn open(mut self) -> Result<Session, NetError> {
        let key = self.secret_key()?;
        let tickets =
            self.hosts.iter().map(|text| text.parse()).collect::<Result<Vec<Ticket>, _>>()?;
        if tickets.is_empty() {
            return Err(NetError::NoHost);
        }
        let relays = std::mem::take(&mut self.relays).into_iter().map(parse_relay);
        let relays: Arc<[RelayUrl]> = relays.collect::<Result<_, _>>()?;
        let looks_up = self.endpoint.is_some() || !relays.is_empty() || self.mdns != Mdns::Off;
        if let Some(ticket) = tickets.iter().find(|ticket| !ticket.has_addresses() && !looks_up) {
            return Err(NetError::NoAddress { text: ticket.to_string() });
        }
        let runtime = runtime()?;
        let public_key = key.public().to_string();
        let is_own = self.endpoint.is_none();
        let endpoint = if let Some(endpoint) = self.endpoint {
            endpoint
        } else {
            let any = SocketAddr::from(([0, 0, 0, 0], 0));
            let patience = self.patience.unwrap_or(PATIENCE);
            wait_for(runtime, bind(key, any, patience, relays.to_vec(), self.mdns))??
        };
        let contacts = Arc::new(hosts::Contacts::new(tickets));
        let tasks = contacts.each().iter().map(|contact| {
            let dialling = dial::keep_connected(
                endpoint.clone(),
                Arc::clone(&relays),
                Arc::clone(contact),
                Arc::clone(&contacts),
            );
            runtime.spawn(dialling).abort_handle()
        });
        let tasks = tasks.collect();
        let max_value = self.max_value;
        let own_endpoint = is_own.then_some(endpoint);
        Ok(Session(Arc::new(Inner { public_key, contacts, own_endpoint, max_value, tasks })))
    }

    /// The key of the endpoint, or else that of the file.
    fn secret_key(&mut self) -> Result<SecretKey, NetError> {
        let Some(endpoint) = &self.endpoint else {
            return self.key.take().ok_or(NetError::NoKey)?.load();
        };
        let given = [
            ("key", self.key.is_some()),
            ("relay", !self.relays.is_empty()),
            ("patience", self.patience.is_some()),
            ("mdns", self.mdns != Mdns::Off),
        ];
        match given.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(NetError::OverEndpoint { option }),
            None => Ok(endpoint.secret_key().clone()),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.contacts.end();
        let (endpoint, contacts) = (self.own_endpoint.take(), Arc::clone(&self.contacts));
        if let Ok(runtime) = runtime() {
            runtime.spawn(async move {
                contacts.each().iter().for_each(|contact| contact.close());
                if let Some(endpoint) = endpoint {
                    endpoint.close().await;
                }
            });
        }
    }
}

impl Place for Session {
    fn __carrier(&self, offer: &str) -> Arc<dyn Carrier> {
        Arc::new(ToHosts { session: self.clone(), offer: offer.to_owned() })
    }
}

/// Starts workers on the hosts of a session, on the one first that uses the least of its capacity.
#[derive(Debug)]
struct ToHosts {
    session: Session,
    offer: String,
}

/// How often a start looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(20);

impl Carrier for ToHosts {
    fn max_value(&self) -> u64 {
        self.session.0.max_value
    }

    fn is_other_program(&self) -> bool {
        true
    }

    fn set_out(&self, departure: &Departure<'_>) -> Result<Box<dyn Road>, CarrierError> {
        let runtime = runtime().map_err(|error| CarrierError::Failed(error.to_string()))?;
        // So much earlier than the deadline of the spawn that its error is the one that says why.
        let left = departure.until.saturating_duration_since(Instant::now());
        let within = left.saturating_sub((left / 10).min(Duration::from_millis(500)));
        let deadline = Instant::now() + within;
        let first = departure.first();
        // Looked after by this thread: timers of the runtime would wake the thread of iroh at each start.
        let waker = unparking();
        let mut starting = pin!(self.start(departure.path, first.as_deref(), runtime));
        loop {
            if let Poll::Ready(road) = starting.as_mut().poll(&mut Context::from_waker(&waker)) {
                return road;
            }
            if departure.is_cancelled() {
                return Err(CarrierError::Failed(String::from("it was given up")));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.session.0.contacts.unreachable());
            }
            thread::park_timeout(left.min(LOOK));
        }
    }
}

impl ToHosts {
    /// Starts the worker on the first host that accepts it. Waits for a host that is connected.
    async fn start(
        &self,
        path: &str,
        first: Option<&[u8]>,
        runtime: &Handle,
    ) -> Result<Box<dyn Road>, CarrierError> {
        let contacts = &self.session.0.contacts;
        loop {
            let mut changed = contacts.changed();
            let mut search = contacts.search();
            while let Some(number) = search.ask_next() {
                let contact = &contacts.each()[number];
                let asking = dial::Asking { offer: &self.offer, path, first };
                match contact.start(contacts, asking, runtime).await {
                    Ok(road) => return Ok(Box::new(road)),
                    Err(Some(why)) => search.refuse(number, why),
                    // It is lost, or not connected yet.
                    Err(None) => {}
                }
            }
            // A host that is still to be tried may accept it.
            if let Some((number, why)) = search.refused(contacts.is_trying()) {
                let host = contacts.each()[number].name();
                return Err(CarrierError::Refused { host, why });
            }
            let _ = changed.changed().await;
        }
    }
}

/// Whether `Contact::start` was refused; `None` if the host was not asked.
type NotStarted = Option<Refusal>;

impl Contact {
    fn name(&self) -> String {
        self.ticket().name()
    }

    async fn start(
        self: &Arc<Self>,
        contacts: &Arc<hosts::Contacts>,
        asking: dial::Asking<'_>,
        runtime: &Handle,
    ) -> Result<crate::road::QuicRoad, NotStarted> {
        if self.is_refused() {
            return Err(Some(Refusal::NotAllowed));
        }
        let connection = self.connection().ok_or(None)?;
        self.assign(1);
        let (assigned, all) = (Arc::clone(self), Arc::clone(contacts));
        let given_back = dial::OnDrop::new(move || {
            assigned.assign(-1);
            all.note_change();
        });
        match dial::start(&connection, &self.lines(), asking, self.name(), runtime).await {
            Ok(road) => Ok(road.holding(given_back)),
            Err(why) => Err(why),
        }
    }
}
