//! A value whose own code comes between: while it is encoded, decoded, compared, cloned or dropped, by the seed it writes to the
//! store that is in the middle of that, or lets other stores take a step.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::thread;

use reacton::prelude::*;
use reacton::testing::Simulation;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fallible::Small;
use crate::observers::{CAUSE, EFFECT, LEFT, RIGHT, SMALL, TOUCHED, meddling};

/// A number.
#[derive(Debug)]
pub(crate) struct Meddling(pub(crate) u64);

impl Clone for Meddling {
    fn clone(&self) -> Self {
        meddle(false);
        Self(self.0)
    }
}

impl PartialEq for Meddling {
    fn eq(&self, other: &Self) -> bool {
        meddle(false);
        self.0 == other.0
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        if !thread::panicking() {
            meddle(false);
        }
    }
}

impl Serialize for Meddling {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        meddle(true);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Meddling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        meddle(false);
        Ok(Self(number))
    }
}

/// What the values of a world do.
pub(crate) struct Meddler {
    simulation: Weak<Simulation>,
    /// The name of the main store: it alone writes causes.
    main: String,
    /// The store for which the test acts, while it does.
    own: RefCell<Option<ReactonStore>>,
    /// How often they still do something.
    left: Cell<u32>,
    /// They may still write a cause: two that are written while one transaction is sent are one transaction.
    causes: Cell<bool>,
    pub(crate) done: Cell<u64>,
    /// So that each pair is another.
    pairs: Cell<u64>,
    /// A batch that writes a pair is open: a pair that is written in it would be mixed with it by the test.
    in_pair: Cell<bool>,
    /// What the code of a value has read of a pair of which one half was written.
    torn: Cell<Option<(u8, u64)>>,
    /// The code of a value is doing something.
    is_running: Cell<bool>,
}

thread_local! {
    static MEDDLER: RefCell<Option<Rc<Meddler>>> = const { RefCell::new(None) };
}

/// `encoding`: a value is being encoded, so the store has committed what it is in the middle of.
fn meddle(encoding: bool) {
    let Ok(Some(meddler)) = MEDDLER.try_with(|meddler| meddler.borrow().clone()) else { return };
    let left = meddler.left.get();
    let Some(simulation) = meddler.simulation.upgrade().filter(|_| left > 0) else { return };
    if simulation.pick(2) == 0 {
        return;
    }
    let own = meddler.own.borrow().clone();
    let Some(store) = simulation.acting().or(own).filter(|store| !store.is_disposed()) else {
        return;
    };
    let (pair_left, pair_right) = (store.get(&LEFT), store.with(&RIGHT, |right| right.0));
    if !meddler.in_pair.get() && u64::from(pair_left) != pair_right % 4 {
        meddler.torn.set(Some((pair_left, pair_right)));
    }
    meddler.left.set(left - 1);
    meddler.done.set(meddler.done.get() + 1);
    let small = u8::try_from(simulation.pick(4)).expect("below four");
    let is_main = format!("{store:?}") == meddler.main;
    // Below the code of another value, the main store may have read the last cause in order to write the next one.
    let writes_causes = encoding && is_main && !meddler.is_running.get();
    let was_running = meddler.is_running.replace(true);
    meddling(|| match simulation.pick(8) {
        0 => store.set(&SMALL, Small(small)),
        1 | 2 if !meddler.in_pair.get() => meddler.write_pair(&store, small),
        // A single write, not a batch: what is encoded then is the transaction itself.
        3 if writes_causes && meddler.causes.replace(false) => next_cause(&store),
        4 if encoding && is_main => store.set(&EFFECT, store.get(&CAUSE).0),
        5 => store.touch(&TOUCHED),
        _ => _ = simulation.interleaved(|| simulation.step()),
    });
    meddler.is_running.set(was_running);
}

/// Only the main store counts, one by one.
pub(crate) fn next_cause(main: &ReactonStore) {
    main.set(&CAUSE, Meddling(main.get(&CAUSE).0 + 1));
}

impl Meddler {
    /// The values of the world of `simulation`; none of another world does anything any more.
    pub(crate) fn begin(simulation: &Rc<Simulation>, main: &ReactonStore) -> Rc<Self> {
        let meddler = Rc::new(Self {
            simulation: Rc::downgrade(simulation),
            main: format!("{main:?}"),
            own: RefCell::default(),
            left: Cell::new(0),
            causes: Cell::new(false),
            done: Cell::new(0),
            pairs: Cell::new(0),
            in_pair: Cell::new(false),
            torn: Cell::new(None),
            is_running: Cell::new(false),
        });
        let before = MEDDLER.replace(Some(Rc::clone(&meddler)));
        drop(before);
        meddler
    }

    /// So many of the next times that a value's code runs, it does something.
    pub(crate) fn arm(&self, times: u32) {
        self.left.set(times);
        self.causes.set(true);
    }

    /// Fails if the code of a value has read half of a pair.
    pub(crate) fn refuse_torn_pairs(&self) {
        let torn = self.torn.get();
        assert!(torn.is_none(), "the code of a value has read a pair that nobody wrote: {torn:?}");
    }

    /// Runs `f`, which acts for `store`.
    pub(crate) fn acting_for<U>(&self, store: &ReactonStore, f: impl FnOnce() -> U) -> U {
        let before = self.own.replace(Some(store.clone()));
        let result = f();
        let own = self.own.replace(before);
        drop(own);
        result
    }

    /// The number of a pair with this `LEFT`.
    pub(crate) fn next_pair(&self, left: u8) -> u64 {
        self.pairs.set(self.pairs.get() + 1);
        self.pairs.get() * 4 + u64::from(left)
    }

    fn write_pair(&self, store: &ReactonStore, left: u8) {
        let right = self.next_pair(left);
        self.batch(store, |store| {
            store.set(&LEFT, left);
            store.set(&RIGHT, Meddling(right));
        });
    }

    /// A batch that writes a pair: until it ends, no other one is written.
    pub(crate) fn batch<U>(&self, store: &ReactonStore, f: impl FnOnce(&ReactonStore) -> U) -> U {
        store.batch(|store| {
            let before = self.in_pair.replace(true);
            let result = f(store);
            self.in_pair.set(before);
            result
        })
    }
}
