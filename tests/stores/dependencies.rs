//! S5: what a computed or an effect depends on is what it read in its last run.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::Log;

use crate::said;

#[reacton]
static SOURCE: u32 = 1;

#[reacton]
static OTHER: u32 = 100;

#[reacton]
static SWITCH: bool = true;

#[computed]
static LEFT: u32 = |cx| cx.get(&SOURCE) + 1;

#[test]
fn s5_an_inactive_branch_does_not_trigger_and_a_switch_swaps_dependencies() {
    let store = ReactonStore::new();
    let log = Log::new();
    let chosen =
        said(
            &store,
            &log,
            "run",
            |cx| {
                if cx.get(&SWITCH) { cx.get(&SOURCE) } else { cx.get(&OTHER) }
            },
        );
    let seen = Log::new();
    let saw = seen.clone();
    store.effect(move |cx| saw.push(cx.get(&chosen)));
    log.take();
    store.set(&OTHER, 200);
    assert!(log.take().is_empty());
    store.set(&SWITCH, false);
    store.set(&SOURCE, 2);
    assert_eq!(log.take().len(), 1);
    store.set(&OTHER, 300);
    store.set(&SWITCH, true);
    assert_eq!(
        seen.take(),
        [1, 200, 300, 2],
        "the value of a dependency that was added again is current"
    );
}

#[test]
fn s5_a_computed_that_became_unreachable_is_not_run() {
    let store = ReactonStore::new();
    let log = Log::new();
    let dead = said(&store, &log, "dead", |cx| cx.get(&SOURCE));
    let chosen = store.computed(move |cx| if cx.get(&SWITCH) { cx.get(&dead) } else { 0 });
    store.effect(move |cx| {
        cx.get(&chosen);
    });
    log.take();
    store.set(&SWITCH, false);
    store.set(&SOURCE, 2);
    store.set(&SOURCE, 3);
    assert!(log.take().is_empty());
}

#[test]
fn s5_a_dependency_that_is_found_half_way_is_fresh() {
    let store = ReactonStore::new();
    let late = store.computed(|cx| cx.get(&SOURCE) * 2);
    store.get(&late);
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        if cx.get(&SOURCE) > 1 {
            seen.push(cx.get(&late));
        }
    });
    store.set(&SOURCE, 2);
    store.set(&SOURCE, 3);
    assert_eq!(log.take(), [4, 6]);
}

#[test]
fn s5_repeated_reads_bring_one_run() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let sum: u32 = (0..30).map(|_| cx.get(&SOURCE) + cx.get(&LEFT)).sum();
        seen.push(sum);
    });
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), [90, 150]);
}

#[test]
fn s5_dependencies_that_come_in_another_order_are_all_kept() {
    let store = ReactonStore::new();
    let locals: Vec<_> = (0..8).map(|_| store.reacton(0_usize)).collect();
    let (order, sources) = (store.reacton(0_usize), locals.clone());
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.effect(move |cx| {
        counter.set(counter.get() + 1);
        let begin = cx.get(&order);
        for at in 0..8 {
            cx.get(&sources[(begin + at * 3) % 8]);
        }
    });
    for round in 1..20 {
        store.set(&order, round);
        for local in &locals {
            let before = runs.get();
            store.update(local, |value| *value += 1);
            assert_eq!(runs.get(), before + 1);
        }
    }
}

#[test]
fn s5_untracked_reads_are_fresh_but_no_dependency() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    let indirect =
        store.computed(|cx| cx.get(&SWITCH) && cx.untracked(|store| store.get(&LEFT) > 0));
    store.effect(move |cx| {
        cx.get(&indirect);
        seen.push((cx.get(&OTHER), cx.untracked(|store| store.get(&LEFT))));
    });
    store.set(&SOURCE, 2);
    assert_eq!(log.take(), [(100, 2)]);
    store.set(&OTHER, 200);
    assert_eq!(log.take(), [(200, 3)]);
}

#[test]
fn s5_a_dependency_that_was_dropped_is_fresh_when_it_comes_back() {
    let store = ReactonStore::new();
    let (log, seen) = (Log::new(), Log::new());
    let double = said(&store, &log, "double", |cx| cx.get(&SOURCE) * 2);
    let saw = seen.clone();
    store.effect(move |cx| saw.push(if cx.get(&SWITCH) { cx.get(&double) } else { 0 }));
    store.set(&SWITCH, false);
    log.take();
    for source in 2..5 {
        store.set(&SOURCE, source);
    }
    assert!(log.take().is_empty(), "a computed was run without a read");
    store.set(&SWITCH, true);
    store.set(&SOURCE, 5);
    assert_eq!((seen.take(), log.take().len()), (vec![2, 0, 8, 10], 2));
}

#[test]
fn s5_a_batch_that_switches_branches_does_not_compute_the_dead_one() {
    let store = ReactonStore::new();
    let log = Log::new();
    let one = said(&store, &log, "one", |cx| cx.get(&SOURCE));
    let two = said(&store, &log, "two", |cx| cx.get(&OTHER));
    let chosen =
        store.computed(move |cx| if cx.get(&SWITCH) { cx.get(&one) } else { cx.get(&two) });
    let seen = Log::new();
    let saw = seen.clone();
    store.effect(move |cx| saw.push(cx.get(&chosen)));
    log.take();
    store.batch(|store| {
        store.set(&SOURCE, 2);
        store.set(&OTHER, 200);
        store.set(&SWITCH, false);
    });
    assert_eq!((log.take(), seen.take()), (vec!["two"], vec![1, 200]));
}
