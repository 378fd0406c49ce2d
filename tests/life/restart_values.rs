//! L3: user code that runs while main's values are encoded for a restarted worker.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, panic_of, wait_for_threads, wait_until};
use serde::{Deserialize, Serialize, Serializer};

use crate::restarts::{at_most, fragile, is_failed, log};
use crate::{INPUT, OUTPUT};

thread_local! {
    /// Called when the next `Watched` is encoded.
    static WHEN_PACKED: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A value whose `Serialize` calls code of the program.
#[derive(Clone, PartialEq, Debug, Deserialize)]
struct Watched;

impl Serialize for Watched {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let call = WHEN_PACKED.take();
        if let Some(call) = call {
            call();
        }
        serializer.serialize_unit_struct("Watched")
    }
}

#[reacton]
static WATCHED: Watched = Watched;

/// Not shared.
#[reacton]
static NOTE: u32 = 0;

fn when_packed(store: &ReactonStore, f: impl Fn(&ReactonStore) + 'static) {
    let store = store.clone();
    WHEN_PACKED.set(Some(Box::new(move || f(&store))));
}

fn spawn(store: &ReactonStore) -> Result<IsolateStore, SpawnError> {
    let shared = shared![INPUT, OUTPUT, WATCHED];
    let builder = IsolateStore::builder().name("packed").shared(shared).restart(at_most(9));
    builder.spawn(store, fragile)
}

#[test]
fn l3_an_observer_of_main_that_panics_while_a_worker_is_started_again_does_not_end_the_restarts() {
    let store = ReactonStore::new();
    let worker = spawn(&store).expect("the worker starts");
    let told = log(&store, &worker);
    store.subscribe(&NOTE, |_, _| panic!("an observer of main"));
    when_packed(&store, |store| store.set(&NOTE, 1));
    store.set(&INPUT, 3);
    let message = panic_of(|| store.run_until(TIMEOUT, |_| false));
    assert_eq!(message, "an observer of main");
    wait_until(&store, |_| told.borrow().len() > 1);
    assert_eq!(*told.borrow(), [IsolateStatus::Restarting { attempt: 1 }, IsolateStatus::Running]);
    store.set(&INPUT, 4);
    wait_until(&store, |store| store.get(&OUTPUT) == 4);
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l6_an_observer_of_main_that_panics_while_a_worker_is_spawned_leaves_no_thread() {
    let store = ReactonStore::new();
    store.subscribe(&NOTE, |_, _| panic!("an observer of main"));
    when_packed(&store, |store| store.set(&NOTE, 1));
    assert_eq!(panic_of(|| spawn(&store)), "an observer of main");
    wait_for_threads("packed", 0);
    let worker = spawn(&store).expect("the worker starts");
    assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
}

#[test]
fn l1_a_worker_that_an_observer_disposes_while_it_is_started_again_never_begins() {
    let store = ReactonStore::new();
    let worker = Rc::new(spawn(&store).expect("the worker starts"));
    let disposed = Rc::clone(&worker);
    store.subscribe(&NOTE, move |_, _| disposed.dispose());
    when_packed(&store, |store| store.set(&NOTE, 1));
    store.set(&INPUT, 3);
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    wait_for_threads("packed", 0);
}

#[test]
fn l3_a_value_that_panics_while_a_worker_is_started_again_is_named_with_its_panic() {
    let store = ReactonStore::new();
    let worker = spawn(&store).expect("the worker starts");
    when_packed(&store, |_| panic!("a broken value"));
    store.set(&INPUT, 3);
    wait_until(&store, |store| store.with(worker.status(), is_failed));
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else { unreachable!() };
    for words in ["WATCHED", "a broken value", "spawn the worker again"] {
        assert!(message.contains(words), "{words}: {message}");
    }
    let error = store.get(worker.last_error());
    assert!(matches!(error, Some(LinkError::Encode { .. })), "{error:?}");
}
