//! Whether the other side of a connection is heard: QUIC's own heartbeats show it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use iroh::endpoint::Connection;
use tokio::time::{Instant, interval};

use crate::road::Line;

/// A peer that is silent for this long is shown as disconnected.
const SILENT: Duration = Duration::from_secs(3);

/// How often this is looked at.
const LOOK: Duration = Duration::from_millis(250);

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
    let mut ticks = interval(LOOK);
    let (mut count, mut heard, mut silent) = (0, Instant::now(), false);
    let mut looked = Instant::now();
    while connection.close_reason().is_none() {
        ticks.tick().await;
        let now = Instant::now();
        let arrived = connection.stats().udp_rx.datagrams;
        // If this process did not run for a while, the silence may be its own.
        if arrived != count || now.duration_since(looked) > SILENT / 2 {
            (count, heard) = (arrived, now);
        }
        looked = now;
        let is_silent = now.duration_since(heard) >= SILENT;
        if is_silent != silent {
            silent = is_silent;
            changed(silent);
        }
        lines.each(|line| line.set_silent(silent));
    }
}
