//! Pools: several workers of one function, and jobs that go to any free member.
//!
//! Nothing sleeps: threads meet at barriers, channels and turns.

#[path = "pool/deaths.rs"]
mod deaths;
#[path = "pool/ending.rs"]
mod ending;
#[path = "pool/interruptions.rs"]
mod interruptions;
#[path = "pool/leaving.rs"]
mod leaving;
#[path = "pool/observers.rs"]
mod observers;
#[path = "pool/progress.rs"]
mod progress;
#[path = "pool/schedules.rs"]
mod schedules;
#[path = "pool/values.rs"]
mod values;
#[path = "pool/work.rs"]
mod work;

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;

#[reacton]
static JOB: u32 = 0;

/// Written together with `JOB`.
#[reacton]
static PART: u32 = 0;

#[reacton]
static SETTING: u32 = 0;

/// The job, and its result.
#[reacton]
static RESULT: (u32, u32) = (0, 0);

#[worker(shared = [JOB, PART, SETTING, RESULT])]
fn square(store: &ReactonStore) {
    store.subscribe(&JOB, |store, n| store.set(&RESULT, (*n, n * n)));
}

/// Returns the log of all values of `RESULT` that an observer of `store` receives.
fn results(store: &ReactonStore) -> Rc<RefCell<Vec<(u32, u32)>>> {
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&RESULT, move |_, result| log.borrow_mut().push(*result));
    heard
}
