//! Checks each state that observers of a store see: pairs stay together, nothing arrives twice or out of order.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;

use crate::state::{COUNTS, State, WRITERS, half};

#[derive(Default)]
struct Seen {
    state: State,
    faults: Vec<String>,
}

pub(crate) struct Checker(Rc<RefCell<Seen>>);

impl Checker {
    /// Begins to watch. The observers must receive every count of the writers that are `exact`. Of the other writers
    /// they must receive none twice and none late.
    pub(crate) fn of(store: &ReactonStore, exact: [bool; WRITERS]) -> Self {
        let seen = Rc::<RefCell<Seen>>::default();
        for (count, exact) in COUNTS.into_iter().zip(exact) {
            let seen = Rc::clone(&seen);
            let mut last = store.get(count);
            store.subscribe(count, move |_, now| {
                if *now <= last || (exact && *now > last + 1) {
                    let fault = format!("{} was {now} after {last}", count.name());
                    seen.borrow_mut().faults.push(fault);
                }
                last = *now;
            });
        }
        let last = Rc::clone(&seen);
        store.effect(move |cx| {
            let state = State::read(cx);
            let mut seen = last.borrow_mut();
            let (key, other) = state.pair;
            if other != half(key) {
                seen.faults.push(format!("a pair that nobody wrote: {key} and {other}"));
            }
            seen.state = state;
        });
        Self(seen)
    }

    /// Returns the values of the store, and the faults that were found.
    pub(crate) fn end(&self, store: &ReactonStore) -> (State, Vec<String>) {
        let state = State::of(store);
        let mut seen = self.0.borrow_mut();
        if seen.state.clone().told() != state.clone().told() {
            let fault = format!("held {state:?} in the end, but observers saw {:?}", seen.state);
            seen.faults.push(fault);
        }
        (state, std::mem::take(&mut seen.faults))
    }
}
