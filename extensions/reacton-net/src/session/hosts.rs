//! The hosts of a session, and the reactons that show them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, Mailbox, ReactonStore, ReadOnly};
use reacton_isolate::reach::{CarrierError, Search};
use tokio::sync::watch;

use super::dial::Contact;
use crate::ticket::Ticket;

/// What a session knows of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HostState {
    /// Its ticket, as the program gave it.
    pub ticket: Ticket,
    /// Whether it is connected, and was heard in the last 3 s.
    pub connected: bool,
    /// What it offers.
    pub offers: Vec<OfferState>,
    /// How many workers run there, of all its clients.
    pub running: usize,
    /// How many workers may run there.
    pub capacity: usize,
    /// Why it is not connected, if an attempt has failed.
    pub failure: Option<String>,
}

impl HostState {
    /// How many more workers may run there.
    #[must_use]
    pub fn free(&self) -> usize {
        self.capacity.saturating_sub(self.running)
    }
}

/// Workers that a host offers under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OfferState {
    /// The name of the offer.
    pub name: String,
    /// The names of the workers.
    pub workers: Vec<String>,
}

/// All hosts of a session.
#[derive(Debug)]
pub(super) struct Contacts {
    /// The number of the session in this process.
    number: u64,
    each: Vec<Arc<Contact>>,
    changes: watch::Sender<()>,
    /// The inboxes of the stores that show the hosts.
    shown: Mutex<Vec<Mailbox>>,
}

thread_local! {
    /// The reactons of the stores of this thread, by session and store.
    static REACTONS: RefCell<BTreeMap<(u64, u64), Shown>> = const { RefCell::new(BTreeMap::new()) };
}

struct Shown {
    reacton: ReadOnly<Vec<HostState>>,
    contacts: Arc<Contacts>,
}

/// The item of a store's inbox that says that something has changed.
struct Changed {
    session: u64,
}

impl Arrival for Changed {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let wiring = Wiring::of(store);
        let shown = REACTONS.with_borrow(|reactons| {
            let shown = reactons.get(&(self.session, wiring.number()));
            shown.map(|shown| (shown.reacton, Arc::clone(&shown.contacts)))
        });
        if let Some((reacton, contacts)) = shown {
            wiring.write(reacton, contacts.states());
        }
        0
    }
}

impl Contacts {
    pub(super) fn new(tickets: Vec<Ticket>) -> Self {
        static SESSIONS: AtomicU64 = AtomicU64::new(0);
        Self {
            number: SESSIONS.fetch_add(1, Ordering::Relaxed),
            each: tickets.into_iter().map(|ticket| Arc::new(Contact::new(ticket))).collect(),
            changes: watch::Sender::new(()),
            shown: Mutex::default(),
        }
    }

    pub(super) fn each(&self) -> &[Arc<Contact>] {
        &self.each
    }

    /// Begins to look for a host that starts a worker.
    pub(super) fn search(&self) -> Search {
        Search::new(self.each.iter().map(|contact| contact.load()))
    }

    /// Whether the first attempt to connect to one of them goes on.
    pub(super) fn is_trying(&self) -> bool {
        self.each.iter().any(|contact| contact.is_trying())
    }

    /// Waits for the next change.
    pub(super) fn changed(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Called when the session has ended: nothing changes any more.
    pub(super) fn end(&self) {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(super) fn note_change(&self) {
        self.changes.send_replace(());
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        for mailbox in &*shown {
            mailbox.post(Changed { session: self.number });
        }
    }

    /// The error of a worker that finds no host.
    pub(super) fn unreachable(&self) -> CarrierError {
        let hosts: Vec<_> = self.each.iter().map(|contact| contact.ticket().name()).collect();
        let reasons = self.each.iter().map(|contact| {
            contact.failure().unwrap_or_else(|| String::from("it has not answered yet"))
        });
        let reason = reasons.collect::<Vec<_>>().join("; ");
        CarrierError::Unreachable { host: hosts.join(", "), reason }
    }

    fn states(&self) -> Vec<HostState> {
        let state = |contact: &Arc<Contact>| {
            let news = contact.news();
            let connected = contact.is_heard();
            let offer = |(name, workers)| OfferState { name, workers };
            HostState {
                ticket: contact.ticket().clone(),
                connected,
                offers: news.offers.into_iter().map(offer).collect(),
                running: news.running,
                capacity: news.capacity,
                failure: contact.failure(),
            }
        };
        self.each.iter().map(state).collect()
    }

    /// The reacton of `store` that shows the hosts.
    pub(super) fn reacton(self: &Arc<Self>, store: &ReactonStore) -> ReadOnly<Vec<HostState>> {
        let wiring = Wiring::of(store);
        let key = (self.number, wiring.number());
        let known = REACTONS.with_borrow(|reactons| reactons.get(&key).map(|shown| shown.reacton));
        known.unwrap_or_else(|| {
            let reacton = wiring.read_only(self.states(), Vec::new);
            let shown = Shown { reacton, contacts: Arc::clone(self) };
            REACTONS.with_borrow_mut(|reactons| reactons.insert(key, shown));
            // While the session is there, something may still arrive, so that the store's waits go on.
            let mailbox = wiring.inbox().mailbox();
            self.shown.lock().unwrap_or_else(PoisonError::into_inner).push(mailbox);
            // Something may have changed in between.
            self.note_change();
            reacton
        })
    }
}
