//! The shared reactons, and the checks of every store for each state that it sees.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use reacton::prelude::*;

use crate::fallible::Small;
use crate::reentrant::Reentrant;

/// Has a small domain, so that equal values are written often. Some stores correct it.
#[reacton]
pub(crate) static SMALL: Small = Small(0);

/// Written together with `RIGHT`. Has a small domain.
#[reacton]
pub(crate) static LEFT: u8 = 0;

/// Contains the `LEFT` that it was written with. Its code runs in the middle of steps: see `in_value_code`.
#[reacton]
pub(crate) static RIGHT: Reentrant = Reentrant(0);

/// Handed over by reference count.
#[reacton(zero_copy)]
pub(crate) static COUNTED: Vec<u8> = Vec::new();

/// Touched, and set back.
#[reacton]
pub(crate) static TOUCHED: u8 = 0;

/// Written only by the main store, which counts up by one.
#[reacton]
pub(crate) static CAUSE: Reentrant = Reentrant(0);

/// The first worker that receives `CAUSE` answers with it.
#[reacton]
pub(crate) static EFFECT: u64 = 0;

/// Written only by the main store. In the end it is always zero.
#[reacton]
pub(crate) static PULSE: u8 = 0;

/// The reactons in the order of their bits in a set.
pub(crate) const ALL: usize = 8;

pub(crate) const SMALLS: u8 = 0b000_0001;
pub(crate) const TOUCHES: u8 = 0b001_0000;
pub(crate) const PAIR: u8 = 0b000_0110;
pub(crate) const CAUSAL: u8 = 0b110_0000;
pub(crate) const PULSES: u8 = 0b1000_0000;

pub(crate) fn set_of(bits: u8) -> SharedSet {
    let mut sets = vec![];
    let all: [SharedSet; ALL] = [
        shared![SMALL],
        shared![LEFT],
        shared![RIGHT],
        shared![COUNTED],
        shared![TOUCHED],
        shared![CAUSE],
        shared![EFFECT],
        shared![PULSE],
    ];
    for (bit, set) in all.into_iter().enumerate() {
        if bits & (1 << bit) != 0 {
            sets.push(set);
        }
    }
    sets.into_iter().collect()
}

/// What a store checks and answers.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a duty of its own")]
pub(crate) struct Duties {
    pub(crate) shares: u8,
    /// All links between this store and main use `Every`, and nothing is ever paused.
    pub(crate) lossless: bool,
    /// Causes are written in this store. One round may contain two of them, if the second is written while the first is
    /// sent.
    pub(crate) counts: bool,
    pub(crate) corrects: bool,
    pub(crate) answers: bool,
}

/// What a store has seen, where the tree can read it: the worker's function has to be `Send`, as for a thread.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<(AtomicU64, AtomicBool, AtomicU64)>);

impl Seen {
    /// Returns how often observers of `PULSE` were called.
    pub(crate) fn pulses(&self) -> u64 {
        self.0.0.load(Ordering::Relaxed)
    }

    /// Returns whether the last work on `SMALL` was dropped because it was stale, and its observer was not called
    /// again.
    pub(crate) fn has_dropped_work(&self) -> bool {
        self.0.1.load(Ordering::Relaxed)
    }

    /// Returns how often work was dropped.
    pub(crate) fn drops(&self) -> u64 {
        self.0.2.load(Ordering::Relaxed)
    }

    pub(crate) fn forget_work(&self) {
        self.0.1.store(false, Ordering::Relaxed);
    }

    fn pulse(&self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Begins work on `SMALL`, and drops it if it is stale.
    fn work(&self, store: &ReactonStore) {
        let stale = store.is_stale(&SMALL);
        self.0.1.store(stale, Ordering::Relaxed);
        self.0.2.fetch_add(u64::from(stale), Ordering::Relaxed);
    }
}

/// Makes a worker panic in the middle of a round of observers.
#[derive(Clone, Default)]
pub(crate) struct PlannedPanic(Arc<PanicState>);

#[derive(Default)]
struct PanicState {
    armed: AtomicBool,
    /// How many of the following workers panic, too.
    again: AtomicU32,
    count: AtomicU32,
}

/// The payload of the panics that the schedules contain.
pub(crate) const PLANNED: &str = "a planned panic";

impl PlannedPanic {
    /// The worker panics in the next observer that is called, and so do `again` of the workers that are started after
    /// it.
    pub(crate) fn arm(&self, again: u32) {
        self.0.armed.store(true, Ordering::Relaxed);
        self.0.again.store(again, Ordering::Relaxed);
    }

    /// Called when a worker begins.
    fn begin(&self) {
        let again = self.0.again.load(Ordering::Relaxed);
        if again > 0 && self.count() > 0 {
            self.arm(again - 1);
        }
    }

    /// Returns how many workers have panicked.
    pub(crate) fn count(&self) -> u32 {
        self.0.count.load(Ordering::Relaxed)
    }

    fn panic_if_armed(&self) {
        if STEPPING.get() && self.0.armed.swap(false, Ordering::Relaxed) {
            self.0.count.fetch_add(1, Ordering::Relaxed);
            std::panic::panic_any(PLANNED);
        }
    }
}

thread_local! {
    /// Set while a worker takes a step by itself, not the test in its place. Only then it may panic.
    static STEPPING: Cell<bool> = const { Cell::new(false) };

    /// The stores of the workers that have begun, by their nodes. A restarted worker replaces the one before.
    static STARTED: RefCell<BTreeMap<usize, ReactonStore>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `f`, in which workers take steps by themselves.
pub(crate) fn stepping<U>(f: impl FnOnce() -> U) -> U {
    allow_panics(true, f)
}

/// Runs code of a value. No worker panics in it, because the library may take its panic for one of the value.
pub(crate) fn in_value_code<U>(f: impl FnOnce() -> U) -> U {
    allow_panics(false, f)
}

fn allow_panics<U>(meets: bool, f: impl FnOnce() -> U) -> U {
    let before = STEPPING.replace(meets);
    let result = f();
    STEPPING.set(before);
    result
}

/// Called for a new tree: no worker has begun.
pub(crate) fn forget_all() {
    let lives = STARTED.take();
    drop(lives);
}

/// Returns the store of the worker at `node`, if it has begun.
pub(crate) fn started_store(node: usize) -> Option<ReactonStore> {
    STARTED.with_borrow(|lives| lives.get(&node).cloned())
}

/// The first actions of the worker at `node`.
pub(crate) fn begin(
    store: &ReactonStore,
    node: usize,
    duties: Duties,
    seen: Seen,
    planned: PlannedPanic,
) {
    let before = STARTED.with_borrow_mut(|lives| lives.insert(node, store.clone()));
    drop(before);
    planned.begin();
    let panics = planned.clone();
    store.subscribe(&SMALL, move |_, _| panics.panic_if_armed());
    let panics = planned.clone();
    store.subscribe(&LEFT, move |_, _| panics.panic_if_armed());
    store.subscribe(&CAUSE, move |_, _| planned.panic_if_armed());
    seen.forget_work();
    watch(store, duties, seen);
}

/// Watches `store` from now on, and panics if it sees a state that it should not see.
pub(crate) fn watch(store: &ReactonStore, duties: Duties, seen: Seen) {
    let pulsed = seen.clone();
    store.subscribe(&PULSE, move |_, _| pulsed.pulse());
    store.subscribe(&SMALL, move |store, _| seen.work(store));
    if duties.shares & PAIR == PAIR {
        store.effect(|cx| {
            let (left, right) = (cx.get(&LEFT), cx.get(&RIGHT).0);
            assert_eq!(u64::from(left), right % 4, "nobody wrote the pair {left}, {right}");
        });
    }
    if duties.corrects {
        store.watch(&SMALL, |store, small| {
            if small.0 > 2 {
                store.set(&SMALL, Small(2));
            }
        });
    }
    let last = Rc::new(Cell::new(store.get(&CAUSE).0));
    store.subscribe(&CAUSE, move |store, Reentrant(cause)| {
        let before = last.replace(*cause);
        if duties.lossless && !duties.counts {
            assert_eq!(
                *cause,
                before + 1,
                "under Every, each transaction arrives once and in order"
            );
        } else {
            assert!(*cause > before, "the cause went back from {before} to {cause}");
        }
        if duties.answers {
            store.set(&EFFECT, *cause);
        }
    });
    if duties.shares & CAUSAL == CAUSAL && duties.lossless {
        store.watch(&EFFECT, |store, effect| {
            let cause = store.get(&CAUSE).0;
            assert!(
                cause >= *effect,
                "the effect {effect} arrived before its cause; the last cause is {cause}"
            );
        });
    }
}

/// Returns the values of the reactons in `bits` in a store, with their versions.
pub(crate) fn state(store: &ReactonStore, bits: u8) -> Vec<(String, reacton::Version)> {
    macro_rules! look {
        ($($reacton:ident)*) => {
            [$((format!("{:?}", store.get(&$reacton)), reacton::testing::version(store, &$reacton))),*]
        };
    }
    let all: [_; ALL] = look!(SMALL LEFT RIGHT COUNTED TOUCHED CAUSE EFFECT PULSE);
    let held = all.into_iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
    held.map(|(_, state)| state).collect()
}

/// Holds a value for a while, as a snapshot or a drawing does.
pub(crate) fn hold(store: &ReactonStore) -> Arc<Vec<u8>> {
    Arc::new(store.get(&COUNTED))
}
