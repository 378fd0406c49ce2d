//! The contract of one store, S1 to S10, and the behaviours behind it. Each name begins with the promise it tests.

#[path = "stores/aborts.rs"]
mod aborts;
#[path = "stores/batches.rs"]
mod batches;
#[path = "stores/callback_aborts.rs"]
mod callback_aborts;
#[path = "stores/cleanups.rs"]
mod cleanups;
#[path = "stores/columns.rs"]
mod columns;
#[path = "stores/cycles.rs"]
mod cycles;
#[path = "stores/dependencies.rs"]
mod dependencies;
#[path = "stores/depth.rs"]
mod depth;
#[path = "stores/disposed.rs"]
mod disposed;
#[path = "stores/edits.rs"]
mod edits;
#[path = "stores/endings.rs"]
mod endings;
#[path = "stores/held_values.rs"]
mod held_values;
#[path = "stores/limits.rs"]
mod limits;
#[path = "stores/lints.rs"]
mod lints;
#[path = "stores/observers.rs"]
mod observers;
#[path = "stores/ownership.rs"]
mod ownership;
#[path = "stores/panics.rs"]
mod panics;
#[path = "stores/propagation.rs"]
mod propagation;
#[path = "stores/snapshots.rs"]
mod snapshots;
#[path = "stores/updates.rs"]
mod updates;
#[path = "stores/user_code.rs"]
mod user_code;
#[path = "stores/values.rs"]
mod values;

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::Log;

#[reacton]
static A: u32 = 1;

#[reacton]
static B: u32 = 10;

#[reacton]
static LIST: Vec<u32> = vec![1];

#[computed]
static DOUBLE: u32 = |cx| cx.get(&A) * 2;

#[computed]
static LENGTH: usize = |cx| cx.with(&LIST, Vec::len);

/// A computed that adds its name to the log at the end of each run.
fn said<T: PartialEq + 'static>(
    store: &ReactonStore,
    log: &Log<&'static str>,
    name: &'static str,
    f: impl Fn(&Reader<'_>) -> T + 'static,
) -> LocalComputed<T> {
    let log = log.clone();
    store.computed(move |cx| {
        let value = f(cx);
        log.push(name);
        value
    })
}

/// A place for a subscription that its own closure can end.
type Slot = Rc<RefCell<Option<Subscription>>>;

fn end(slot: &Slot) {
    if let Some(subscription) = slot.take() {
        subscription.unsubscribe();
    }
}

/// Runs `f` when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
