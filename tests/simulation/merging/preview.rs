//! What a store says of queued edits is what its next turn brings.

use reacton::prelude::*;

use super::edits::KEYS;
use super::{ARMED, LINE, MARK, QUEUE, ROWS, TAGS, TOTAL};

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
    for id in store.with(&QUEUE, |queue| queue.ids().take(3).collect::<Vec<_>>()) {
        said.extend(said!(store, QUEUE.at(id)));
    }
    said.extend(said!(store, ROWS, TAGS, QUEUE, LINE, TOTAL));
    // A panic of an observer has to happen in a worker.
    let armed = ARMED.take();
    store.pump();
    ARMED.set(armed);
    // After a turn of its own a worker looks whether it has to end. This turn was taken for it: an item wakes it.
    drop(store.handle().post(|_| ()));
    if !store.is_disposed() {
        for said in said {
            said.check(store, node);
        }
    }
}
