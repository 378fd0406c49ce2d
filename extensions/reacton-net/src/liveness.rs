//! Whether the other side of a connection is heard: QUIC's own heartbeats show it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Instant;

use iroh::endpoint::Connection;
use reacton_isolate::reach::Hearing;
use tokio::time::interval;

use crate::road::Line;

/// The lines of one connection.
#[derive(Debug, Default, Clone)]
pub(crate) struct Lines(Arc<Mutex<Vec<Weak<Line>>>>);

impl Lines {
    pub(crate) fn add(&self, line: &Arc<Line>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(line));
    }

    pub(crate) fn each(&self, f: impl Fn(&Line)) {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        lines.iter().filter_map(Weak::upgrade).for_each(|line| f(&line));
    }
}

/// Shows on the lines of a connection whether its peer is heard, until the connection is closed. Calls `changed` after
/// each change.
pub(crate) async fn watch(connection: &Connection, lines: &Lines, changed: impl Fn(bool)) {
    let mut ticks = interval(Hearing::EACH);
    let (mut hearing, mut silent) = (Hearing::new(Instant::now()), false);
    while connection.close_reason().is_none() {
        ticks.tick().await;
        let is_silent = hearing.look(Instant::now(), connection.stats().udp_rx.datagrams);
        if is_silent != silent {
            silent = is_silent;
            changed(silent);
        }
        lines.each(|line| line.set_silent(silent));
    }
}
