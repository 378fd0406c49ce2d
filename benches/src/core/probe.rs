//! Counts what ran. The closures of all libraries pay the same nanosecond for this, also while they are timed.

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use super::peer::{Peer, Value};

thread_local! {
    static COMPUTEDS: Cell<u64> = const { Cell::new(0) };
    static EFFECTS: Cell<u64> = const { Cell::new(0) };
}

/// How often computeds and effects have run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Runs {
    pub(super) computeds: u64,
    pub(super) effects: u64,
}

impl Runs {
    pub(super) fn of(computeds: u64, effects: u64) -> Self {
        Self { computeds, effects }
    }
}

/// Returns how often they ran since the last call.
pub(super) fn take_runs() -> Runs {
    Runs { computeds: COMPUTEDS.take(), effects: EFFECTS.take() }
}

pub(super) fn computed_ran() {
    COMPUTEDS.set(COMPUTEDS.get() + 1);
}

pub(super) fn effect_ran() {
    EFFECTS.set(EFFECTS.get() + 1);
}

/// The last value that each effect of a workload has seen.
#[derive(Clone)]
pub(super) struct Sinks(Rc<[Cell<i64>]>);

impl Sinks {
    pub(super) fn new(effects: usize) -> Self {
        Self((0..effects).map(|_| Cell::new(i64::MIN)).collect())
    }

    pub(super) fn put(&self, effect: usize, value: i64) {
        effect_ran();
        self.0[effect].set(black_box(value));
    }

    pub(super) fn seen(&self) -> Vec<i64> {
        self.0.iter().map(Cell::get).collect()
    }
}

/// A computed whose runs are counted.
pub(super) fn derive<P: Peer, T: Value>(
    world: &P,
    f: impl Fn(&P::Reader<'_>) -> T + 'static,
) -> P::Computed<T> {
    world.computed(move |reader| {
        computed_ran();
        f(reader)
    })
}

/// An effect whose runs are counted, and which stores what it saw.
pub(super) fn watch<P: Peer>(
    world: &P,
    sinks: &Sinks,
    effect: usize,
    f: impl Fn(&P::Reader<'_>) -> i64 + 'static,
) {
    let sinks = sinks.clone();
    world.effect(move |reader| sinks.put(effect, f(reader)));
}
