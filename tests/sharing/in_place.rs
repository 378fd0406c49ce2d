//! I5: a shared value that changes without a write. Other stores cannot know of the change, so debug builds report it.
#![cfg(debug_assertions)]

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::wait_until;
use serde::{Deserialize, Serialize};

use crate::{ASK, end};

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Visits {
    count: Cell<u32>,
    names: RefCell<Vec<String>>,
}

#[reacton]
static VISITS: Visits = Visits { count: Cell::new(0), names: RefCell::new(Vec::new()) };

#[reacton]
static TAGS: HashMap<String, HashSet<u32>> = HashMap::new();

#[reacton]
static READING: (f64, Vec<f64>) = (0.0, Vec::new());

fn words(store: &ReactonStore, worker: &IsolateStore) -> String {
    store.get(worker.last_error()).map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn i5_a_value_that_is_changed_through_a_cell_is_reported_at_the_next_turn() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![VISITS], |_| {}).expect("the worker starts");
    store.pump();
    assert_eq!(store.get(worker.last_error()), None);
    store.with(&VISITS, |visits| visits.count.set(5));
    assert_eq!(store.pump(), 0);
    let said = words(&store, &worker);
    assert!(said.contains("VISITS") && said.contains("`update`"), "{said}");
    assert!(matches!(store.get(worker.last_error()), Some(LinkError::ChangedInPlace { .. })));
    end(worker);
}

#[test]
fn i5_an_update_if_that_changes_the_value_and_returns_false_is_reported() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![VISITS], |_| {}).expect("the worker starts");
    store.update(&VISITS, |visits| visits.names.get_mut().push("Ada".into()));
    assert_eq!(store.run_until(Duration::ZERO, |_| false), Err(RunError::TimedOut));
    assert_eq!(store.get(worker.last_error()), None);
    store.update_if(&VISITS, |visits| {
        visits.names.get_mut().push("Grace".into());
        false
    });
    assert_eq!(store.run_until(Duration::ZERO, |_| false), Err(RunError::TimedOut));
    assert!(words(&store, &worker).contains("`true` from an `update_if`"));
    end(worker);
}

#[test]
fn i5_a_value_that_a_worker_changes_through_a_cell_is_reported_to_main() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![VISITS, ASK], |store| {
        store.subscribe(&ASK, |store, _| {
            store.with(&VISITS, |visits| visits.names.borrow_mut().push("Ada".into()));
        });
    })
    .expect("the worker starts");
    store.update(&ASK, |asked| *asked += 1);
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    assert!(words(&store, &worker).contains("VISITS"));
    assert_eq!(store.with(&VISITS, |visits| visits.names.borrow().len()), 0);
    end(worker);
}

#[test]
fn i5_what_is_only_encoded_in_another_order_or_does_not_equal_itself_is_not_reported() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![TAGS, READING, VISITS], |store| {
        store.update(&TAGS, |tags| {
            tags.extend((0..20).map(|n| (n.to_string(), (0..n).collect())));
        });
        store.set(&READING, (f64::NAN, vec![1.0, f64::NAN]));
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.with(&TAGS, HashMap::len) == 20);
    store.batch(|store| {
        store.update(&VISITS, |visits| visits.count.set(1));
        store.update(&VISITS, |visits| visits.count.set(2));
    });
    wait_until(&store, |store| store.with(&READING, |reading| reading.0.is_nan()));
    store.update(&READING, |reading| reading.1.push(2.0));
    store.pump();
    assert_eq!(store.get(worker.last_error()), None);
    end(worker);
}

#[test]
fn s2_a_value_with_a_nan_that_two_stores_answer_each_other_with_is_reported_with_the_remedy() {
    #[reacton]
    static ECHO: (f64, Vec<f64>) = (0.0, Vec::new());
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![READING, ECHO], |store| {
        store.subscribe(&READING, |store, reading| store.set(&ECHO, reading.clone()));
    })
    .expect("the worker starts");
    store.subscribe(&ECHO, |store, echo| store.set(&READING, echo.clone()));
    store.set(&READING, (1.0, vec![2.0]));
    let echoed = (1.0, vec![2.0]);
    wait_until(&store, |store| store.get(&ECHO) == echoed && worker.stats().waiting == 0);
    assert_eq!(store.get(worker.last_error()), None, "an equal value was sent again and again");
    // Each store takes the other's write for a change, and answers.
    store.set(&READING, (f64::NAN, vec![]));
    wait_until(&store, |store| store.get(worker.last_error()).is_some());
    let said = words(&store, &worker);
    assert!(said.contains("eq = my_function"), "{said}");
    assert!(worker.stats().changes_received < 1000, "{:?}", worker.stats());
    drop(worker);
}

#[test]
fn i5_a_condition_on_the_report_holds_as_soon_as_it_is_reported() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![VISITS], |_| {}).expect("the worker starts");
    store.pump();
    store.with(&VISITS, |visits| visits.count.set(5));
    // Nothing arrives.
    let mut looks = 0;
    let reported = store.run_until(Duration::MAX, |store| {
        looks += 1;
        store.get(worker.last_error()).is_some()
    });
    assert_eq!((reported, looks), (Ok(()), 1));
    end(worker);
}
