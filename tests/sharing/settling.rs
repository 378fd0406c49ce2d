//! I5: a write by an equality function during a commit belongs to the next transaction, even if it undoes the first.

use std::cell::RefCell;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;
use serde::{Deserialize, Serialize};

#[reacton]
static NUMBER: u8 = 0;

#[reacton]
static TEXT: String = String::new();

/// Private to main. Its comparison writes shared reactons.
#[reacton]
static FIRST: Talkative = Talkative(1, 0);

#[reacton]
static SECOND: Talkative = Talkative(2, 0);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Talkative(u8, u8);

thread_local! {
    /// What the comparison of a value with this first field writes, once.
    static WRITES: RefCell<Vec<(u8, u8)>> = const { RefCell::new(Vec::new()) };
    static MAIN: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
}

impl PartialEq for Talkative {
    fn eq(&self, other: &Self) -> bool {
        let write = WRITES.with_borrow_mut(|writes| {
            let at = writes.iter().position(|(who, _)| *who == self.0)?;
            Some(writes.remove(at).1)
        });
        if let (Some(value), Some(main)) = (write, MAIN.with_borrow(Clone::clone)) {
            write_both(&main, value);
        }
        self.1 == other.1
    }
}

fn write_both(store: &ReactonStore, value: u8) {
    store.set(&NUMBER, value);
    store.set(&TEXT, if value == 0 { String::new() } else { value.to_string() });
}

#[test]
fn i5_what_a_comparison_undoes_and_repeats_while_a_transaction_is_settled_is_sent()
-> Result<(), Box<dyn std::error::Error>> {
    for (during, last) in [([0, 1], 1), ([1, 0], 0), ([0, 2], 2), ([2, 1], 1), ([2, 0], 0)] {
        let simulation = Simulation::new(7);
        let main = ReactonStore::new();
        MAIN.replace(Some(main.clone()));
        let worker = IsolateStore::spawn(&main, shared![NUMBER, TEXT], |_: &ReactonStore| ())?;
        simulation.settle();
        main.batch(|store| {
            store.set(&FIRST, Talkative(1, 1));
            write_both(store, 1);
            store.set(&SECOND, Talkative(2, 1));
            WRITES.set(vec![(1, during[0]), (2, during[1])]);
        });
        assert_eq!(WRITES.take(), [], "a comparison was not called");
        simulation.settle();
        let there = simulation.workers().pop().ok_or("the worker lives")?;
        let state = |store: &ReactonStore| (store.get(&NUMBER), store.get(&TEXT));
        assert_eq!(main.get(&NUMBER), last, "{during:?}");
        assert_eq!(state(&there), state(&main), "{during:?}");
        worker.shutdown(Duration::from_secs(9))?;
        drop(MAIN.take());
    }
    Ok(())
}
