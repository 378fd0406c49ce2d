//! The workers that run on a host: how many there may be, and what each needs.

use std::collections::BTreeMap;
use std::fmt;
use std::io::IoSlice;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use iroh::EndpointId;
use iroh::endpoint::{Connection, RecvStream, SendStream};
use reacton_isolate::process::Workers;
use reacton_isolate::reach::{self, Places, Terms};
use tokio::sync::watch;

use crate::admission::{self, News, Reply, Request};
use crate::exchange;
use crate::liveness::Lines;
use crate::road::{Line, Outward, QuicRoad, receive_reports};

/// How long a client may take for the first message of a stream, and for the first frames of a link.
const BEGUN_WITHIN: Duration = Duration::from_secs(10);

/// Workers that are offered under a name.
pub(super) struct Offer {
    pub(super) name: String,
    pub(super) workers: Workers,
    /// The path and the name of each.
    pub(super) names: Vec<(&'static str, &'static str)>,
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Limits of a host.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) places: Places,
    pub(super) terms: Terms,
    /// Each worker runs in a process of its own.
    pub(super) in_processes: bool,
}

/// The workers that run on a host.
#[derive(Debug)]
pub(super) struct Guests {
    offers: Vec<Offer>,
    settings: Settings,
    state: Mutex<State>,
    /// A worker has ended.
    changed: Condvar,
    news: watch::Sender<News>,
}

#[derive(Debug, Default)]
struct State {
    /// The links of each peer, by the number of their stream.
    /// `None` while the client has not been told that it is accepted.
    running: BTreeMap<Key, Option<Arc<Guest>>>,
    /// No more workers are started.
    ending: bool,
}

/// The peer of a worker, its connection, and the number of its stream there.
type Key = (EndpointId, usize, u64);

/// A worker that runs here.
#[derive(Debug)]
struct Guest {
    line: Arc<Line>,
    sender: Arc<Outward>,
}

/// The place of a worker, which is free again when this is dropped.
struct Place {
    guests: Arc<Guests>,
    key: Key,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.state().running.remove(&self.key);
        self.guests.changed.notify_all();
        self.guests.tell();
    }
}

impl Guests {
    pub(super) fn new(offers: Vec<Offer>, settings: Settings) -> Self {
        let named = |offer: &Offer| {
            let names = offer.names.iter().map(|(_, name)| (*name).to_owned()).collect();
            (offer.name.clone(), names)
        };
        let news = News {
            offers: offers.iter().map(named).collect(),
            running: 0,
            capacity: settings.places.capacity,
        };
        Self {
            offers,
            settings,
            state: Mutex::default(),
            changed: Condvar::new(),
            news: watch::Sender::new(news),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn running(&self) -> usize {
        self.state().running.len()
    }

    pub(super) fn news(&self) -> watch::Receiver<News> {
        self.news.subscribe()
    }

    fn tell(&self) {
        let running = self.running();
        self.news.send_modify(|news| news.running = running);
    }

    /// Lets all workers do what has arrived, and end; waits for that.
    pub(super) fn drain(&self, timeout: Duration) {
        let mut state = self.state();
        state.ending = true;
        for guest in state.running.values().flatten() {
            guest.line.leave();
        }
        let run = |state: &mut State| !state.running.is_empty();
        let waited = self.changed.wait_timeout_while(state, timeout, run);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Ends all workers at once.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ending = true;
        let guests: Vec<_> = state.running.values().flatten().cloned().collect();
        drop(state);
        for guest in guests {
            reach::RoadSender::end(&*guest.sender);
        }
    }

    /// Handles a stream of an allowed peer.
    pub(super) async fn accept(
        self: Arc<Self>,
        connection: Connection,
        lines: Lines,
        send: SendStream,
        mut recv: RecvStream,
    ) {
        let first = tokio::time::timeout(BEGUN_WITHIN, exchange::receive(&mut recv)).await;
        match first {
            Ok(Ok(Request::Spawn { offer, path })) => {
                self.spawn(connection, lines, (send, recv), &offer, &path).await;
            }
            Ok(Ok(Request::Acknowledge { link })) => {
                let key = (connection.remote_id(), connection.stable_id(), link);
                let guest = self.state().running.get(&key).cloned().flatten();
                if let Some(guest) = guest {
                    guest.sender.report_over(send);
                    receive_reports(&guest.line, recv).await;
                }
            }
            // Both streams are reset when they are dropped.
            Ok(Err(_)) | Err(_) => {}
        }
    }

    async fn spawn(
        self: Arc<Self>,
        connection: Connection,
        lines: Lines,
        (mut send, recv): (SendStream, RecvStream),
        offer: &str,
        path: &str,
    ) {
        let number = u64::from(send.id());
        let peer = connection.remote_id();
        let Some(workers) = self.find(offer, path) else {
            let named = |offer: &Offer| {
                let names: Vec<_> = offer.names.iter().map(|(_, name)| *name).collect();
                format!("{}: {}", offer.name, names.join(", "))
            };
            let offered = self.offers.iter().map(named).collect();
            return refuse(&mut send, Reply::NotOffered { offered }).await;
        };
        let key = (peer, connection.stable_id(), number);
        let line = Arc::<Line>::default();
        let place = match self.reserve(key) {
            Ok(place) => place,
            Err(reply) => return refuse(&mut send, reply).await,
        };
        let stopped = send.stopped();
        let sender = Arc::new(Outward::new(Arc::clone(&line), send));
        let guest = Arc::new(Guest { line: Arc::clone(&line), sender: Arc::clone(&sender) });
        self.state().running.insert(key, Some(guest));
        lines.add(&line);
        // A fresh stream has room for it. Nothing else writes to it before the thread below.
        let Settings { terms, in_processes, .. } = self.settings;
        let reply = Reply::Accepted { in_process: in_processes, max_value: terms.max_value };
        let accepted = admission::encode(&reply).unwrap_or_default();
        let written = reach::RoadSender::try_send(&*sender, &[IoSlice::new(&accepted)]);
        if !written.is_ok_and(|written| written == accepted.len()) {
            return;
        }
        let road = QuicRoad::new(
            Arc::clone(&line),
            sender,
            recv,
            format!("the client {}", peer.fmt_short()),
        );
        let path = path.to_owned();
        let thread = thread::Builder::new().name(String::from("reacton guest")).spawn(move || {
            let _place = place;
            if !in_processes {
                return reach::run_one(&workers, Box::new(road), terms, BEGUN_WITHIN);
            }
            if let Err(error) = reach::run_one_in_process(&workers, &path, Box::new(road), terms) {
                tracing::error!(path, %error, "the process of a worker was not started");
            }
        });
        drop(thread);
        // The client has given up, or is lost: the worker ends, even if much waits for it.
        if !matches!(stopped.await, Ok(None)) {
            line.end();
        }
    }

    /// Reserves a place, if there is one.
    fn reserve(self: &Arc<Self>, key: Key) -> Result<Place, Reply> {
        let mut state = self.state();
        let of_peer = state.running.keys().filter(|(peer, ..)| *peer == key.0).count();
        let checked = self.settings.places.check(state.running.len(), of_peer, state.ending);
        checked.map_err(Reply::from)?;
        state.running.insert(key, None);
        drop(state);
        self.tell();
        Ok(Place { guests: Arc::clone(self), key })
    }

    fn find(&self, offer: &str, path: &str) -> Option<Workers> {
        let offer = self.offers.iter().find(|offered| offered.name == offer)?;
        let is_there = offer.names.iter().any(|(offered, _)| *offered == path);
        is_there.then(|| offer.workers.clone())
    }
}

async fn refuse(send: &mut SendStream, reply: Reply) {
    if exchange::send(send, &reply).await.is_ok() {
        let _ = send.finish();
    }
}
