//! C15 to C21 with a worker in a process: records cross as bytes, those of `zero_copy` collections too.

use std::time::Instant;

use reacton::prelude::*;
use reacton_support::{TIMEOUT, wait_until};
use serde::{Deserialize, Serialize};

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    name: String,
}

#[reacton]
static ROWS: ReactonMap<u64, Row> = ReactonMap::new();

#[reacton(zero_copy)]
static PICTURES: ReactonMap<u32, Vec<u8>> = ReactonMap::new();

#[reacton]
static TAGS: ReactonSet<String> = ReactonSet::new();

#[reacton]
static DONE: Counter = Counter::new();

/// Up to which key the worker is to have rows.
#[reacton]
static ORDER: u64 = 0;

/// A row, a tag, a picture and a count for each key.
#[worker(shared = [ROWS, PICTURES, TAGS, DONE, ORDER])]
pub(crate) fn keeper(store: &ReactonStore) {
    store.subscribe(&ORDER, |store, order| {
        for key in 0..*order {
            store.batch(|store| {
                let name = store.with(&ROWS, |rows| rows.len().to_string());
                store.update(&ROWS, |rows| rows.insert(key, Row { name: name.clone() }));
                store.update(&TAGS, |tags| tags.insert(name));
                store.update(&PICTURES, |all| {
                    drop(all.insert(u32::try_from(key).unwrap_or(0), vec![1; 3]));
                });
                store.update(&DONE, |done| done.add(1));
            });
        }
    });
}

#[worker(shared = [ROWS, DONE, ORDER], delivery = latest)]
pub(crate) fn late_keeper(store: &ReactonStore) {
    store.subscribe_changes(&ROWS, |store, changes| {
        let count = i64::try_from(changes.len()).unwrap_or(0);
        store.update(&DONE, |done| done.add(count));
        store.update(&ROWS, |rows| drop(rows.remove(&0)));
    });
}

#[test]
fn c15_a_process_begins_with_the_entries_and_both_sides_add_theirs() {
    let store = ReactonStore::new();
    // More than fit into one frame, if each were an entry of it.
    store.update(&ROWS, |rows| {
        rows.extend((100..3100).map(|key| (key, Row { name: "main".into() })));
        rows.remove(&100);
    });
    store.update(&PICTURES, |pictures| pictures.insert(900, vec![9; 100_000]));
    let worker = keeper::builder().process().spawn(&store).expect("the worker starts");
    store.update(&DONE, |done| done.add(5));
    store.set(&ORDER, 50);
    wait_until(&store, |store| store.get(&DONE).value() == 55);
    let first = store.get(&ROWS.at(0)).expect("the list has an item");
    assert_eq!(first.name, "2999", "the worker has not received main's rows");
    assert_eq!(store.with(&ROWS, ReactonMap::len), 3049);
    assert_eq!(
        (store.with(&TAGS, ReactonSet::len), store.with(&PICTURES, ReactonMap::len)),
        (50, 51)
    );
    worker.pause(&ROWS);
    store.set(&ORDER, 60);
    wait_until(&store, |store| store.get(&DONE).value() == 115);
    assert_eq!(store.with(&ROWS, ReactonMap::len), 3049);
    worker.resume(&ROWS);
    wait_until(&store, |store| store.with(&ROWS, ReactonMap::len) == 3059);
    reacton::testing::sweep(&store);
    store.update(&ROWS, ReactonMap::clear);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}

/// Each link has a form of its own, in which what is queued of it is read.
#[test]
fn c22_what_a_process_and_a_thread_have_sent_is_read_in_the_form_of_each() {
    for process_is_first in [true, false] {
        let store = ReactonStore::new();
        let in_process = || keeper::builder().process().spawn(&store).expect("the process starts");
        let in_thread = || {
            let worker = IsolateStore::spawn(&store, shared![PICTURES, ORDER], |store| {
                store.subscribe(&ORDER, |store, order| {
                    let key = 1000 + u32::try_from(*order).unwrap_or(0);
                    store.update(&PICTURES, |all| drop(all.insert(key, vec![2; 3])));
                });
            });
            worker.expect("the worker starts")
        };
        let workers = if process_is_first {
            [in_process(), in_thread()]
        } else {
            let worker = in_thread();
            [in_process(), worker]
        };
        store.set(&ORDER, 1);
        let has = |key| store.get(&PICTURES.at(key)).is_some();
        wait_until(&store, |_| has(0) && has(1001));
        store.set(&ORDER, 2);
        // Without a turn.
        let begin = Instant::now();
        while !(store.is_stale(&PICTURES.at(1)) && store.is_stale(&PICTURES.at(1002))) {
            assert!(begin.elapsed() < TIMEOUT, "both have written");
            std::thread::yield_now();
        }
        let incoming = store.incoming(&PICTURES).expect("two pictures are queued");
        assert_eq!(incoming.keys().copied().collect::<Vec<_>>(), [0, 1, 1001, 1002]);
        assert_eq!(store.incoming(&PICTURES.at(1)), Some(Some(vec![1; 3])));
        assert_eq!(store.incoming(&PICTURES.at(1002)), Some(Some(vec![2; 3])));
        assert!(!has(1) && !has(1002), "nothing is applied");
        for worker in workers {
            worker.shutdown(TIMEOUT).expect("the worker ends");
        }
    }
}

#[test]
fn c17_under_latest_a_process_gets_one_record_of_each_entry() {
    let store = ReactonStore::new();
    let worker = late_keeper::builder().process().spawn(&store).expect("the worker starts");
    for number in 0..5000_u64 {
        store.update(&ROWS, |rows| rows.insert(number % 7, Row { name: number.to_string() }));
    }
    wait_until(&store, |store| store.with(&ROWS, |rows| rows.get(&0).is_none() && rows.len() == 6));
    worker.shutdown(TIMEOUT).expect("the worker ends");
    assert!(store.get(&DONE).value() >= 7);
}

#[reacton]
static PAGE: Family<(u32, String), Row> = |(number, _)| Row { name: number.to_string() };

/// Answers each page of main by one, and removes the page.
#[worker(shared = [PAGE, in ORDER])]
pub(crate) fn reader(store: &ReactonStore) {
    store.subscribe(&ORDER, |store, order| {
        let pages = store.keys(&PAGE).into_iter().filter(|(_, kind)| kind == "question");
        for (number, kind) in pages.collect::<Vec<_>>() {
            store.batch(|store| {
                let name = store.with(&PAGE.of((number, kind.clone())), |page| page.name.clone());
                let answer = Row { name: format!("{name} {order}") };
                store.set(&PAGE.of((number, "answer".into())), answer);
                store.remove(&PAGE.of((number, kind)));
            });
        }
    });
}

#[test]
fn c21_a_process_shares_a_family_member_by_member() {
    let store = ReactonStore::new();
    let page = |number: u32, kind: &str| PAGE.of((number, kind.to_owned()));
    for number in 0..2000 {
        store.set(&page(number, "question"), Row { name: format!("page {number}") });
    }
    let worker = reader::builder().process().spawn(&store).expect("the worker starts");
    store.set(&page(7, "question"), Row { name: "seven".into() });
    store.set(&ORDER, 1);
    wait_until(&store, |store| store.keys(&PAGE).iter().all(|(_, kind)| kind == "answer"));
    assert_eq!(store.keys(&PAGE).len(), 2000);
    assert_eq!(store.get(&page(7, "answer")).name, "seven 1");
    assert_eq!(store.get(&page(7, "question")).name, "7");
    worker.pause(&PAGE);
    store.set(&page(9, "question"), Row { name: "nine".into() });
    store.set(&ORDER, 2);
    worker.resume(&PAGE);
    wait_until(&store, |store| store.get(&page(9, "answer")).name == "nine 2");
    reacton::testing::sweep(&store);
    worker.shutdown(TIMEOUT).expect("the worker ends");
}
