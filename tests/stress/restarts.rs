//! Isolates that panic at random and are restarted until all their work is done.

use std::panic::panic_any;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{Random, TIMEOUT, hide_panics_with};

use crate::OPERATIONS;
use crate::checker::Checker;
use crate::isolate::Report;
use crate::state::{COUNTS, State, WRITERS, everything};
use crate::writer::{Writer, limit};

/// The payload of the panics that are part of the test.
const PLANNED: &str = "a planned panic";

#[derive(Clone)]
struct Restarted {
    number: usize,
    seed: u64,
    exact: [bool; WRITERS],
    tell: Sender<Report>,
}

impl Restarted {
    /// The worker: continues where the last one ended. The last worker reports what it held.
    fn run(self, store: &ReactonStore) {
        let checker = Checker::of(store, self.exact);
        let count = COUNTS[self.number];
        // Each worker makes other random choices.
        let seed = self.seed ^ (store.get(count) << 32);
        let (mut writer, mut rng) = (Writer::new(self.number, seed), Random::new(!seed));
        while store.get(count) < OPERATIONS {
            writer.write(store);
            if rng.chance(6) {
                panic_any(PLANNED);
            }
        }
        let ended = store.run_until(Duration::MAX, |_| false);
        assert_eq!(ended, Err(RunError::Disconnected));
        let (state, faults) = checker.end(store);
        let _ = self.tell.send(Report { incarnation: self.number, state, faults });
    }
}

/// Main and isolates that panic: all agree when the last workers have ended.
pub(crate) fn play(mut rng: Random) {
    hide_panics_with(PLANNED);
    let store = ReactonStore::new();
    let mut deliveries = [Delivery::Every; WRITERS];
    deliveries.fill_with(|| if rng.chance(2) { Delivery::Latest } else { Delivery::Every });
    let mut exact = deliveries.map(|delivery| delivery == Delivery::Every);
    exact[0] = true;
    let checker = Checker::of(&store, exact);
    limit(&store);
    let always = Restart::OnPanic { max: u32::MAX, within: TIMEOUT, backoff: Duration::ZERO };
    let (tell, told) = channel();
    let isolates: Vec<_> = (1..WRITERS)
        .map(|number| {
            let exact = std::array::from_fn(|writes| writes == number);
            let restarted = Restarted { number, seed: rng.next(), exact, tell: tell.clone() };
            let builder = IsolateStore::builder().shared(everything());
            let builder = builder.delivery(deliveries[number]).restart(always);
            builder.spawn(&store, move |store| restarted.run(store)).expect("the worker starts")
        })
        .collect();
    drop(tell);
    let mut writer = Writer::new(0, rng.next());
    (0..OPERATIONS).for_each(|_| writer.write(&store));
    let done = |store: &ReactonStore| COUNTS.iter().all(|count| store.get(*count) == OPERATIONS);
    assert_eq!(store.run_until(TIMEOUT, done), Ok(()), "{:?}", State::of(&store).counts);
    let deaths: u32 = isolates.iter().map(|isolate| isolate.stats().restarts).sum();
    assert!(deaths > 0, "no isolate has panicked");
    for isolate in isolates {
        isolate.shutdown(TIMEOUT).expect("the worker ends");
    }
    let (held, faults) = checker.end(&store);
    assert!(faults.is_empty(), "main: {faults:?}");
    let mut agreed = 0;
    for Report { incarnation, state, faults } in told {
        assert!(faults.is_empty(), "isolate {incarnation}: {faults:?}");
        assert_eq!(state, held, "isolate {incarnation} and main have different values");
        agreed += 1;
    }
    assert_eq!(agreed, WRITERS - 1);
}
