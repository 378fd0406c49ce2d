//! One isolate of a round, from its first write to its values after the drain.

use std::sync::mpsc::Sender;
use std::time::Duration;

use reacton::prelude::*;

use crate::OPERATIONS;
use crate::checker::Checker;
use crate::state::{ANSWER, PHASE, State, WRITE, WRITERS};
use crate::writer::Writer;

/// The parameters of an isolate.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) number: usize,
    /// Unique in a round. An isolate that replaces another one takes over its number, but not this.
    pub(crate) incarnation: usize,
    pub(crate) seed: u64,
    pub(crate) shared: SharedSet,
    pub(crate) delivery: Delivery,
    pub(crate) exact: [bool; WRITERS],
    /// The isolate writes only when main starts all those that wait, at the same time.
    pub(crate) waits: bool,
    pub(crate) answers: bool,
    /// The isolate's function takes each turn by itself.
    pub(crate) waits_by_turns: bool,
    pub(crate) children: Vec<Plan>,
}

/// What an isolate held after its drain, and the faults that it found.
pub(crate) struct Report {
    pub(crate) incarnation: usize,
    pub(crate) state: State,
    pub(crate) faults: Vec<String>,
}

pub(crate) fn spawn(
    store: &ReactonStore,
    plan: Plan,
    tell: Sender<Report>,
) -> Result<IsolateStore, SpawnError> {
    let builder = IsolateStore::builder().shared(plan.shared.clone()).delivery(plan.delivery);
    builder.spawn(store, move |store| live(store, plan, &tell))
}

/// An isolate from beginning to end. Returns when it is drained or disposed, and reports what it held.
fn live(store: &ReactonStore, plan: Plan, tell: &Sender<Report>) {
    let checker = Checker::of(store, plan.exact);
    for child in plan.children {
        match spawn(store, child, tell.clone()) {
            Ok(child) => child.detach(),
            // The parent was disposed before it could spawn.
            Err(SpawnError::Disposed { .. }) => return,
            Err(error) => panic!("{error}"),
        }
    }
    let phase = |phase| store.run_until(Duration::MAX, |store| store.get(&PHASE) >= phase);
    let mut writer = Writer::new(plan.number, plan.seed);
    if !plan.waits || phase(WRITE).is_ok() {
        (0..OPERATIONS).for_each(|_| writer.write(store));
    }
    if plan.answers && phase(ANSWER).is_ok() {
        writer.count(store);
    }
    if plan.waits_by_turns {
        while !store.is_disposed() {
            store.wait(Duration::MAX);
        }
    } else {
        let ended = store.run_until(Duration::MAX, |_| false);
        assert_eq!(ended, Err(RunError::Disconnected));
    }
    let (state, faults) = checker.end(store);
    // Main has dropped its receiver if the round has failed.
    let _ = tell.send(Report { incarnation: plan.incarnation, state, faults });
}
