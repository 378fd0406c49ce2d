//! S10, measured by the allocator: repeated operations on a store leave no byte allocated.
//!
//! A separate program with one test, because the allocator counts for all threads.

use std::alloc::System;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reacton::prelude::*;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[reacton]
static NAME: String = "Ada".into();

#[reacton]
static COUNT: u64 = 0;

#[reacton]
static ITEM: Family<u64, Vec<u64>> = |id| vec![*id];

#[reacton]
static ROWS: ReactonMap<u64, String> = ReactonMap::new();

#[computed]
static GREETING: String = |cx| format!("{} {}", cx.get(&NAME), cx.get(&COUNT));

fn live() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated - stats.bytes_deallocated
}

/// Makes views of views and a fold, observes them, and ends them.
fn views(store: &ReactonStore) {
    let sorted = store
        .view(&ROWS)
        .filter_by(&COUNT, |count, key, _| count % 2 == key % 2)
        .sort_by_key(|_, row| row.clone());
    let first = store.view(&sorted).map(|_, row| row.len()).head(3);
    let count = store.fold(&sorted, 0, |count, _| count + 1);
    let observer = store.subscribe_changes(&first, |_, _| ());
    let effect = store.effect(move |cx| {
        cx.with(&first, |_| ());
        cx.with(&sorted, |_| ());
    });
    for key in 0..40 {
        store.update(&ROWS, |rows| rows.insert(key % 8, format!("row {key}")));
        store.update(&COUNT, |count| *count += 1 + key % 3);
        store.get(&count);
    }
    effect.unsubscribe();
    observer.unsubscribe();
    store.remove(&count);
    store.update(&ROWS, ReactonMap::clear);
}

/// Makes one of everything in a store, and ends all of it except for the store.
fn work(store: &ReactonStore) {
    let texts: Vec<_> = (0..8).map(|n| store.reacton(n.to_string())).collect();
    let read = texts.clone();
    let joined = store
        .computed(move |cx| read.iter().map(|text| cx.get(text)).collect::<Vec<_>>().join(", "));
    let outer = store.effect(move |cx| {
        let length = cx.with(&joined, String::len);
        let inner = cx.store().reacton(vec![length]);
        cx.store().effect(move |cx| drop((cx.get(&inner), cx.get(&GREETING))));
        cx.on_cleanup(move || drop(vec![length]));
    });
    let heard = store.subscribe(&GREETING, |_, _| ());
    let member = ITEM.of(7);
    for round in 0..10 {
        store.set(&texts[round % 8], format!("round {round}"));
        store.batch(|store| {
            store.update(&COUNT, |count| *count += 1);
            store.set(&NAME, format!("Grace {round}"));
            store.get(&joined);
        });
        store.update(&member, |items| items.push(1));
    }
    let before = store.snapshot();
    store.set(&NAME, "Mary".into());
    store.restore(&before);
    let frail = store.computed(|cx| assert!(cx.with(&NAME, String::is_empty), "not empty"));
    assert!(catch_unwind(AssertUnwindSafe(|| store.get(&frail))).is_err());
    views(store);
    let handle = store.handle();
    let (watched, changes) = (handle.watch(&NAME), handle.changes(&NAME));
    let replies = (handle.get(&NAME), handle.update(&NAME, |name| name.push('!')));
    store.pump();
    drop((watched, changes, replies, handle));
    store.handle().post(|store| store.set(&COUNT, 0));
    store.pump();
    outer.unsubscribe();
    heard.unsubscribe();
    store.remove(&frail);
    store.remove(&joined);
    for text in &texts {
        store.remove(text);
    }
    store.remove(&member);
    store.set(&NAME, "Ada".into());
    assert_eq!(store.get(&GREETING), "Ada 0");
}

/// Returns whether a hundred rounds leave no byte allocated. Repeated, because the thread of the test harness may
/// allocate or free memory during the first hundred rounds. A leak shows in each hundred.
fn leaves_nothing(round: impl Fn()) -> bool {
    (0..3).any(|_| {
        let before = live();
        (0..100).for_each(|_| round());
        live() == before
    })
}

#[test]
fn s10_what_a_store_does_leaves_no_byte_behind() {
    // Expected panics print nothing, because the test harness would keep their messages, which count too.
    std::panic::set_hook(Box::new(|_| ()));
    let in_new_stores = || {
        let store = ReactonStore::new();
        work(&store);
    };
    in_new_stores();
    assert!(leaves_nothing(in_new_stores), "stores that ended have left bytes");

    // A slab may keep the capacity of the first rounds.
    let store = ReactonStore::new();
    (0..3).for_each(|_| work(&store));
    assert!(leaves_nothing(|| work(&store)), "a store that runs for long grows");
}
