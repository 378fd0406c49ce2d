//! How a session connects to a host, and starts workers there.

use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh::endpoint::{Connection, ConnectionError};
use iroh::{Endpoint, RelayUrl};
use reacton_isolate::Refusal;
use reacton_isolate::reach::Load;
use tokio::runtime::Handle;

use super::hosts::Contacts;
use crate::admission::{ALPN, NOT_ALLOWED, News, Reply, Request, encode};
use crate::exchange;
use crate::liveness::{self, Lines};
use crate::road::{Agreed, Line, Outward, QuicRoad, receive_reports};
use crate::ticket::Ticket;

/// How long an attempt to connect may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How long to wait between two attempts, at first and at most.
const PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// What a session knows of one host.
#[derive(Debug)]
pub(super) struct Contact {
    ticket: Ticket,
    state: Mutex<State>,
    /// How many workers of this session are there, or on their way.
    assigned: AtomicIsize,
}

#[derive(Debug, Default)]
struct State {
    connection: Option<(Connection, Lines)>,
    silent: bool,
    news: News,
    /// The host does not allow the key of this program.
    refused: bool,
    /// Why the last attempt failed; `None` before the end of the first one.
    failure: Option<String>,
}

impl Contact {
    pub(super) fn new(ticket: Ticket) -> Self {
        Self { ticket, state: Mutex::default(), assigned: AtomicIsize::new(0) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ticket(&self) -> &Ticket {
        &self.ticket
    }

    pub(super) fn connection(&self) -> Option<Connection> {
        self.state().connection.as_ref().map(|(connection, _)| connection.clone())
    }

    pub(super) fn lines(&self) -> Lines {
        self.state().connection.as_ref().map(|(_, lines)| lines.clone()).unwrap_or_default()
    }

    pub(super) fn is_refused(&self) -> bool {
        self.state().refused
    }

    /// Whether the first attempt to connect goes on.
    pub(super) fn is_trying(&self) -> bool {
        let state = self.state();
        state.connection.is_none() && state.failure.is_none()
    }

    pub(super) fn is_heard(&self) -> bool {
        let state = self.state();
        state.connection.is_some() && !state.silent
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }

    pub(super) fn news(&self) -> News {
        self.state().news.clone()
    }

    pub(super) fn assign(&self, by: isize) {
        self.assigned.fetch_add(by, Ordering::SeqCst);
    }

    /// What this session knows of its use.
    pub(super) fn load(&self) -> Load {
        let News { running, capacity, .. } = self.news();
        let assigned = usize::try_from(self.assigned.load(Ordering::SeqCst)).unwrap_or(0);
        Load { heard: self.is_heard(), running: assigned.max(running), capacity }
    }

    pub(super) fn close(&self) {
        if let Some((connection, _)) = self.state().connection.take() {
            connection.close(0_u32.into(), b"the session has ended");
        }
    }
}

/// Connects to a host, and again whenever the connection is lost.
pub(super) async fn keep_connected(
    endpoint: Endpoint,
    relays: Arc<[RelayUrl]>,
    contact: Arc<Contact>,
    contacts: Arc<Contacts>,
) {
    let mut pause = PAUSE;
    loop {
        let connecting = endpoint.connect(contact.ticket().address(&relays), ALPN);
        let failure = match tokio::time::timeout(ATTEMPT, connecting).await {
            Ok(Ok(connection)) => {
                let begun = tokio::time::Instant::now();
                let lost = follow(&connection, &contact, &contacts).await;
                if begun.elapsed() > ATTEMPT {
                    pause = PAUSE;
                }
                lost
            }
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("it does not answer within {ATTEMPT:?}"),
        };
        tracing::debug!(host = contact.ticket().name(), failure, "a host is not connected");
        contact.state().failure = Some(failure);
        contacts.note_change();
        tokio::time::sleep(pause).await;
        pause = (2 * pause).min(MAX_PAUSE);
    }
}

/// Shows what a connected host says, until the connection is lost. Returns why it was lost.
async fn follow(
    connection: &Connection,
    contact: &Arc<Contact>,
    contacts: &Arc<Contacts>,
) -> String {
    let lines = Lines::default();
    // The first news come at once. Until then, the host may still refuse the key of this program.
    let mut news = match connection.accept_uni().await {
        Ok(news) => news,
        Err(error) => return lost(contact, &error),
    };
    match exchange::receive::<News>(&mut news).await {
        Ok(first) => contact.state().news = first,
        Err(_) => return lost(contact, &connection.closed().await),
    }
    {
        let mut state = contact.state();
        state.connection = Some((connection.clone(), lines.clone()));
        (state.silent, state.refused, state.failure) = (false, false, None);
    }
    contacts.note_change();
    let silence = liveness::watch(connection, &lines, |silent| {
        contact.state().silent = silent;
        contacts.note_change();
    });
    let telling = async {
        while let Ok(next) = exchange::receive::<News>(&mut news).await {
            contact.state().news = next;
            contacts.note_change();
        }
        std::future::pending::<()>().await;
    };
    let error = tokio::select! {
        error = connection.closed() => error,
        () = telling => unreachable!("it never ends"),
        () = silence => connection.closed().await,
    };
    contact.state().connection = None;
    lost(contact, &error)
}

fn lost(contact: &Contact, error: &ConnectionError) -> String {
    if let ConnectionError::ApplicationClosed(closed) = error
        && closed.error_code == NOT_ALLOWED.into()
    {
        contact.state().refused = true;
    }
    error.to_string()
}

/// What a host is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) offer: &'a str,
    pub(super) path: &'a str,
    /// The first bytes of the link, which go along with the question. `None` if they follow when the host has accepted.
    pub(super) first: Option<&'a [u8]>,
}

impl Asking<'_> {
    fn encode(&self) -> Result<Vec<u8>, String> {
        let Self { offer, path, first } = *self;
        let mut bytes = encode(&Request::Spawn { offer: offer.to_owned(), path: path.to_owned() })?;
        bytes.extend_from_slice(first.unwrap_or_default());
        Ok(bytes)
    }
}

/// Starts a worker over a connection. The error is the host's refusal; `None` if the connection is lost.
pub(super) async fn start(
    connection: &Connection,
    lines: &Lines,
    wanted: Asking<'_>,
    host: String,
    runtime: &Handle,
) -> Result<QuicRoad, Option<Refusal>> {
    let asking = async {
        let (mut send, mut recv) = connection.open_bi().await.map_err(|error| error.to_string())?;
        // A host that refuses does not read all of it, and says why before it stops the stream.
        let _ = send.write_all(&wanted.encode()?).await;
        let reply: Reply = exchange::receive(&mut recv).await?;
        Ok::<_, String>((send, recv, reply))
    };
    let (send, recv, reply) = asking.await.map_err(|_| None)?;
    let Reply::Accepted { in_process, max_value } = reply else {
        return Err(reply.refusal());
    };
    let line = Arc::<Line>::default();
    let number = u64::from(send.id());
    let sender = Arc::new(Outward::new(Arc::clone(&line), send));
    lines.add(&line);
    // Without it, acknowledgements are among the frames.
    if let Ok((mut reports, reported)) = connection.open_bi().await
        && exchange::send(&mut reports, &Request::Acknowledge { link: number }).await.is_ok()
    {
        if !in_process {
            sender.report_over(reports);
        }
        let line = Arc::clone(&line);
        runtime.spawn(async move { receive_reports(&line, reported).await });
    }
    let agreed = Agreed { max_value, in_process, begun: wanted.first.is_some() };
    Ok(QuicRoad::new(line, sender, recv, host).accepted(agreed))
}

/// Calls a function when it is dropped.
pub(super) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(super) fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}
