//! What a store says of queued edits is what its next turn brings.
//!
//! Collections of `zero_copy` are left out, because of a known fault: if a store shares one with a process first and with
//! a thread then, `incoming` does not return what the thread has sent. Single items of a list are left out, because
//! `incoming` does not see each of their removals (seed 3327
//! of `machines::n2_in_every_schedule_of_lost_hosts_the_stores_hold_equal_collections`).

use reacton::prelude::*;

use super::edits::KEYS;
use super::{ARMED, MARK, QUEUE, ROWS, TAGS, TOTAL};

/// An entry or a value before a turn, and what was said of it.
struct Said {
    name: &'static str,
    before: String,
    incoming: Option<String>,
    is_stale: bool,
    now: Box<dyn Fn(&ReactonStore) -> String>,
}

impl Said {
    fn check(&self, store: &ReactonStore, node: usize) {
        let (now, name) = ((self.now)(store), &self.name);
        let expected = self.incoming.as_ref().unwrap_or(&self.before);
        assert_eq!(&now, expected, "{name} of node {node}, as it was said to be");
        assert!(now == self.before || self.is_stale, "{name} of node {node} was not stale");
    }
}

macro_rules! said {
    ($store:ident, $($reacton:expr),*) => {
        [$(Said {
            name: stringify!($reacton),
            before: format!("{:?}", $store.get(&$reacton)),
            incoming: $store.incoming(&$reacton).map(|value| format!("{value:?}")),
            is_stale: $store.is_stale(&$reacton),
            now: Box::new(move |store: &ReactonStore| format!("{:?}", store.get(&$reacton))),
        }),*]
    };
}

/// Lets a store take a turn.
pub(super) fn preview(store: &ReactonStore, node: usize) {
    let mut said = Vec::new();
    for key in 0..KEYS {
        said.extend(said!(store, ROWS.at(key), TAGS.at(key), MARK.of(key)));
    }
    said.extend(said!(store, ROWS, TAGS, QUEUE, TOTAL));
    // A panic of an observer has to happen in a worker.
    let armed = ARMED.take();
    store.pump();
    ARMED.set(armed);
    if !store.is_disposed() {
        for said in said {
            said.check(store, node);
        }
    }
}
