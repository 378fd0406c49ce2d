//! A value whose own code does something in the middle of steps.
//!
//! While it is encoded, decoded, compared, cloned or dropped, by the seed it writes to the store that takes the step,
//! or lets other stores take a step.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::thread;

use reacton::prelude::*;
use reacton::testing::{Simulation, is_same};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::fallible::Small;
use crate::observers::{CAUSE, EFFECT, LEFT, RIGHT, SMALL, TOUCHED, in_value_code};

/// A number.
#[derive(Debug)]
pub(crate) struct Reentrant(pub(crate) u64);

impl Clone for Reentrant {
    fn clone(&self) -> Self {
        run_value_code(false);
        Self(self.0)
    }
}

impl PartialEq for Reentrant {
    fn eq(&self, other: &Self) -> bool {
        run_value_code(false);
        self.0 == other.0
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        if !thread::panicking() {
            run_value_code(false);
        }
    }
}

impl Serialize for Reentrant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        run_value_code(true);
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Reentrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        run_value_code(false);
        Ok(Self(number))
    }
}

/// What the values of a tree do in their code.
pub(crate) struct ValueCode {
    simulation: Weak<Simulation>,
    /// The main store, which alone writes causes.
    main: WeakStore,
    /// The store for which the test acts at present.
    own: RefCell<Option<ReactonStore>>,
    /// How many more times the values do something.
    left: Cell<u32>,
    /// The values may still write a cause. Only one, because two causes that are written while one transaction is sent
    /// become one transaction.
    causes: Cell<bool>,
    pub(crate) done: Cell<u64>,
    /// Counts the pairs, so that each is different.
    pairs: Cell<u64>,
    /// A batch that writes a pair is open. If another pair were written in it, the test itself would mix the two.
    in_pair: Cell<bool>,
    /// A value that a value's code read when only half of a pair was written.
    torn: Cell<Option<(u8, u64)>>,
    /// Set while the code of a value does something.
    is_running: Cell<bool>,
}

thread_local! {
    static VALUE_CODE: RefCell<Option<Rc<ValueCode>>> = const { RefCell::new(None) };
}

/// `encoding` says that a value is being encoded, so the store has committed the transaction.
fn run_value_code(encoding: bool) {
    let Ok(Some(value_code)) = VALUE_CODE.try_with(|value_code| value_code.borrow().clone()) else {
        return;
    };
    let left = value_code.left.get();
    let Some(simulation) = value_code.simulation.upgrade().filter(|_| left > 0) else { return };
    if simulation.pick(2) == 0 {
        return;
    }
    let own = value_code.own.borrow().clone();
    let Some(store) = simulation.acting().or(own).filter(|store| !store.is_disposed()) else {
        return;
    };
    let (pair_left, pair_right) = (store.get(&LEFT), store.with(&RIGHT, |right| right.0));
    if !value_code.in_pair.get() && u64::from(pair_left) != pair_right % 4 {
        value_code.torn.set(Some((pair_left, pair_right)));
    }
    value_code.left.set(left - 1);
    value_code.done.set(value_code.done.get() + 1);
    let small = u8::try_from(simulation.pick(4)).expect("the number fits");
    let is_main = value_code.main.upgrade().is_some_and(|main| is_same(&main, &store));
    // Inside of the code of another value, the main store may have read the last cause to compute the next one.
    let writes_causes = encoding && is_main && !value_code.is_running.get();
    let was_running = value_code.is_running.replace(true);
    in_value_code(|| match simulation.pick(8) {
        0 => store.set(&SMALL, Small(small)),
        1 | 2 if !value_code.in_pair.get() => value_code.write_pair(&store, small),
        // A single write, not a batch: the value that is encoded then is the transaction itself.
        3 if writes_causes && value_code.causes.replace(false) => next_cause(&store),
        4 if encoding && is_main => store.set(&EFFECT, store.get(&CAUSE).0),
        5 => store.touch(&TOUCHED),
        _ => _ = simulation.interleaved(|| simulation.step()),
    });
    value_code.is_running.set(was_running);
}

/// Writes the next cause. Only the main store does so, and it counts up by one.
pub(crate) fn next_cause(main: &ReactonStore) {
    main.set(&CAUSE, Reentrant(main.get(&CAUSE).0 + 1));
}

impl ValueCode {
    /// Returns the code of the values in the tree of `simulation`. Values of other trees do nothing from now on.
    pub(crate) fn begin(simulation: &Rc<Simulation>, main: &ReactonStore) -> Rc<Self> {
        let value_code = Rc::new(Self {
            simulation: Rc::downgrade(simulation),
            main: main.downgrade(),
            own: RefCell::default(),
            left: Cell::new(0),
            causes: Cell::new(false),
            done: Cell::new(0),
            pairs: Cell::new(0),
            in_pair: Cell::new(false),
            torn: Cell::new(None),
            is_running: Cell::new(false),
        });
        let before = VALUE_CODE.replace(Some(Rc::clone(&value_code)));
        drop(before);
        value_code
    }

    /// From now on, values do something in the next `times` runs of their code.
    pub(crate) fn arm(&self, times: u32) {
        self.left.set(times);
        self.causes.set(true);
    }

    /// Panics if the code of a value has read half of a pair.
    pub(crate) fn refuse_torn_pairs(&self) {
        let torn = self.torn.get();
        assert!(
            torn.is_none(),
            "a comparison or serializer has read a pair that nobody wrote: {torn:?}"
        );
    }

    /// Runs `f`, which acts for `store`.
    pub(crate) fn acting_for<U>(&self, store: &ReactonStore, f: impl FnOnce() -> U) -> U {
        let before = self.own.replace(Some(store.clone()));
        let result = f();
        let own = self.own.replace(before);
        drop(own);
        result
    }

    /// Returns the number of a new pair with this `LEFT`.
    pub(crate) fn next_pair(&self, left: u8) -> u64 {
        self.pairs.set(self.pairs.get() + 1);
        self.pairs.get() * 4 + u64::from(left)
    }

    fn write_pair(&self, store: &ReactonStore, left: u8) {
        let right = self.next_pair(left);
        self.batch(store, |store| {
            store.set(&LEFT, left);
            store.set(&RIGHT, Reentrant(right));
        });
    }

    /// Runs a batch that writes a pair. Until it ends, no other pair is written.
    pub(crate) fn batch<U>(&self, store: &ReactonStore, f: impl FnOnce(&ReactonStore) -> U) -> U {
        store.batch(|store| {
            let before = self.in_pair.replace(true);
            let result = f(store);
            self.in_pair.set(before);
            result
        })
    }
}
