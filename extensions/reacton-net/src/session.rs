//! A session: what a client program knows of the hosts that it named, and how its workers get there.

mod dial;
mod hosts;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reacton_core::{ReactonStore, ReadOnly};
use reacton_isolate::Refusal;
use reacton_isolate::reach::{Carrier, CarrierError, Departure, Place, Road};

use self::dial::Contact;
pub use self::hosts::{HostState, OfferState};
use crate::endpoint::{PATIENCE, bind, runtime};
use crate::error::NetError;
use crate::key::KeyFile;
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
    endpoint: iroh::Endpoint,
    tasks: Vec<tokio::task::AbortHandle>,
}

/// Options of a [`Session`].
#[derive(Debug)]
#[must_use = "a session begins with `open`"]
pub struct SessionBuilder {
    key: Option<KeyFile>,
    hosts: Vec<String>,
    patience: Duration,
}

impl Session {
    /// Returns the options of a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder { key: None, hosts: Vec::new(), patience: PATIENCE }
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
        Self { patience, ..self }
    }

    /// Opens the session, which begins to connect to its hosts. Does not wait for that: a host that cannot be reached is
    /// an error of a spawn.
    ///
    /// # Errors
    /// If the key or a ticket cannot be used, if there is no host, or if the system refuses a socket.
    pub fn open(self) -> Result<Session, NetError> {
        let key = self.key.ok_or(NetError::NoKey)?.load()?;
        let tickets =
            self.hosts.iter().map(|text| text.parse()).collect::<Result<Vec<Ticket>, _>>()?;
        if tickets.is_empty() {
            return Err(NetError::NoHost);
        }
        let runtime = runtime()?;
        let public_key = key.public().to_string();
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let endpoint = runtime.block_on(bind(key, any, self.patience))?;
        let contacts = Arc::new(hosts::Contacts::new(tickets));
        let tasks = contacts.each().iter().map(|contact| {
            let dialling =
                dial::keep_connected(endpoint.clone(), Arc::clone(contact), Arc::clone(&contacts));
            runtime.spawn(dialling).abort_handle()
        });
        let tasks = tasks.collect();
        Ok(Session(Arc::new(Inner { public_key, contacts, endpoint, tasks })))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.contacts.end();
        let (endpoint, contacts) = (self.endpoint.clone(), Arc::clone(&self.contacts));
        if let Ok(runtime) = runtime() {
            runtime.spawn(async move {
                contacts.each().iter().for_each(|contact| contact.close());
                endpoint.close().await;
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
    fn set_out(&self, departure: &Departure<'_>) -> Result<Box<dyn Road>, CarrierError> {
        let runtime = runtime().map_err(|error| CarrierError::Failed(error.to_string()))?;
        // So much earlier than the deadline of the spawn that its error is the one that says why.
        let left = departure.until.saturating_duration_since(std::time::Instant::now());
        let within = left.saturating_sub((left / 10).min(Duration::from_millis(500)));
        runtime.block_on(async {
            let cancelled = async {
                while !departure.is_cancelled() {
                    tokio::time::sleep(LOOK).await;
                }
            };
            let contacts = &self.session.0.contacts;
            tokio::select! {
                road = self.start(departure.path) => road,
                () = cancelled => Err(CarrierError::Failed(String::from("it was given up"))),
                () = tokio::time::sleep(within) => Err(contacts.unreachable()),
            }
        })
    }
}

impl ToHosts {
    /// Starts the worker on the first host that accepts it. Waits for a host that is connected.
    async fn start(&self, path: &str) -> Result<Box<dyn Road>, CarrierError> {
        let contacts = &self.session.0.contacts;
        loop {
            let mut changed = contacts.changed();
            let mut search = contacts.search();
            while let Some(number) = search.ask_next() {
                let contact = &contacts.each()[number];
                match contact.start(contacts, &self.offer, path).await {
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
        offer: &str,
        path: &str,
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
        match dial::start(&connection, &self.lines(), offer, path, self.name()).await {
            Ok(road) => Ok(road.holding(given_back)),
            Err(why) => Err(why),
        }
    }
}
