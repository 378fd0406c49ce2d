//! The contract of one store, S1 to S10, and the behaviours behind it. Each name begins with the promise it tests.

#[path = "stores/aborts.rs"]
mod aborts;
#[path = "stores/batches.rs"]
mod batches;
#[path = "support/child.rs"]
mod child;
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
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;

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

/// What observers said, in order.
struct Log<T>(Rc<RefCell<Vec<T>>>);

impl<T> Log<T> {
    fn new() -> Self {
        Self(Rc::default())
    }

    fn say(&self, words: T) {
        self.0.borrow_mut().push(words);
    }

    /// What was said since the last time.
    fn take(&self) -> Vec<T> {
        self.0.take()
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// A computed that says its name at the end of each run.
fn said<T: PartialEq + 'static>(
    store: &ReactonStore,
    log: &Log<&'static str>,
    name: &'static str,
    f: impl Fn(&Reader<'_>) -> T + 'static,
) -> LocalComputed<T> {
    let log = log.clone();
    store.computed(move |cx| {
        let value = f(cx);
        log.say(name);
        value
    })
}

/// The words of the panic that `f` ends in.
#[track_caller]
fn panic_of<U>(f: impl FnOnce() -> U) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("this was to panic"),
        Err(payload) => match payload.downcast::<String>() {
            Ok(words) => *words,
            Err(payload) => (*payload.downcast::<&str>().expect("a panic with words")).to_owned(),
        },
    }
}

/// A place for a subscription that its own closure reaches.
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
