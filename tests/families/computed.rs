//! Computed families: a computed for each key, cached while it is observed.

use std::cell::RefCell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::panic_of;
use serde::Serialize;

#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
struct At(char, u32);

#[derive(Clone, PartialEq, Debug)]
enum Cell {
    Number(i64),
    Sum(Vec<At>),
}

#[reacton]
static CELL: Family<At, Cell> = |_| Cell::Number(0);

thread_local! {
    static RUNS: RefCell<Vec<At>> = const { RefCell::new(Vec::new()) };
}

#[computed]
static VALUE: Family<At, i64> = |cx, at| {
    RUNS.with_borrow_mut(|runs| runs.push(*at));
    cx.with(&CELL.of(*at), |cell| match cell {
        Cell::Number(number) => *number,
        Cell::Sum(of) => of.iter().map(|at| cx.get(&VALUE.of(*at))).sum(),
    })
};

/// Named by the path of a function, with a key that is not `Debug`.
#[computed(id = "families::computed::unnamed", eq = never)]
static UNNAMED: Family<Hidden, u32> = unnamed;

#[derive(Clone, PartialEq, Serialize)]
struct Hidden(u32);

fn unnamed(cx: &Reader<'_>, key: &Hidden) -> u32 {
    cx.get(&UNNAMED.of(Hidden((key.0 + 1) % 2)))
}

/// Returns the members that ran since the last call.
fn runs() -> Vec<At> {
    RUNS.take()
}

const A1: At = At('A', 1);
const A2: At = At('A', 2);
const B1: At = At('B', 1);
const B2: At = At('B', 2);

/// A1 is 1, A2 is 2, B1 is their sum, and B2 is B1 and A2.
fn sheet() -> ReactonStore {
    let store = ReactonStore::new();
    store.set(&CELL.of(A1), Cell::Number(1));
    store.set(&CELL.of(A2), Cell::Number(2));
    store.set(&CELL.of(B1), Cell::Sum(vec![A1, A2]));
    store.set(&CELL.of(B2), Cell::Sum(vec![B1, A2]));
    runs();
    store
}

#[test]
fn s5_a_member_that_nothing_observes_is_computed_for_each_read_and_keeps_nothing() {
    let store = sheet();
    for _ in 0..2 {
        assert_eq!(store.get(&VALUE.of(B2)), 5);
        assert_eq!(runs(), [B2, B1, A1, A2], "each member is computed once in one read");
    }
    store.with(&VALUE.of(A1), |value| assert_eq!(*value, 1));
    assert_eq!(runs(), [A1]);
    store.batch(|store| {
        assert_eq!((store.get(&VALUE.of(B2)), store.get(&VALUE.of(B1))), (5, 3));
        assert_eq!(runs(), [B2, B1, A1, A2], "the reads of one batch share their results");
    });
    store.get(&VALUE.of(A1));
    assert_eq!(runs(), [A1]);
}

#[test]
fn s5_an_observed_member_is_cached_and_follows_what_it_read() {
    let store = sheet();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    let subscription =
        store.subscribe(&VALUE.of(B2), move |_, value| log.borrow_mut().push(*value));
    assert_eq!(runs(), [B2, B1, A1, A2]);
    assert_eq!((store.get(&VALUE.of(B2)), store.get(&VALUE.of(B1))), (5, 3));
    assert_eq!(runs(), []);
    store.set(&CELL.of(A1), Cell::Number(10));
    assert_eq!((runs(), heard.take()), (vec![A1, B1, B2], vec![14]));
    // Propagation stops where a result is equal.
    store.batch(|store| {
        store.set(&CELL.of(A1), Cell::Sum(vec![A2]));
        store.set(&CELL.of(A2), Cell::Number(10));
        store.set(&CELL.of(B1), Cell::Number(12));
    });
    assert_eq!((heard.take(), store.get(&VALUE.of(A1))), (vec![22], 10));
    runs();
    store.get(&VALUE.of(B1));
    assert_eq!(runs(), []);
    subscription.unsubscribe();
    store.get(&VALUE.of(B1));
    assert_eq!(runs(), [B1], "the member keeps a result without an observer");
}

#[test]
fn s5_members_are_read_by_effects_computeds_and_streams() {
    let store = sheet();
    let total =
        store.computed(|cx| [A1, A2, B1].iter().map(|at| cx.get(&VALUE.of(*at))).sum::<i64>());
    let seen = store.reacton(Vec::new());
    let effect = store.effect(move |cx| {
        let both = (cx.get(&VALUE.of(B1)), cx.get(&total));
        cx.untracked(|store| store.update(&seen, |seen| seen.push(both)));
    });
    let mut changes = store.changes(&VALUE.of(B2));
    store.set(&CELL.of(A2), Cell::Number(5));
    assert_eq!(store.get(&seen), [(3, 6), (6, 12)]);
    let next = futures_lite::future::block_on(futures_lite::StreamExt::next(&mut changes));
    assert_eq!(next, Some(11));
    drop(changes);
    effect.unsubscribe();
    runs();
    store.set(&CELL.of(A2), Cell::Number(6));
    assert_eq!(runs(), [], "a computed was run without a read");
    store.remove(&total);
    store.get(&VALUE.of(A1));
    assert_eq!(runs(), [A1]);
}

#[test]
fn s7_members_that_read_each_other_panic_with_their_names_and_keys() {
    let store = sheet();
    store.set(&CELL.of(A1), Cell::Sum(vec![B1]));
    let words = panic_of(|| store.get(&VALUE.of(B2)));
    let name = |at: At| format!("{}.of({at:?})", VALUE.name());
    let cycle = format!("{} -> {} -> {}", name(B1), name(A1), name(B1));
    assert!(words.contains("depends on itself") && words.contains(&cycle), "{words}");
    store.set(&CELL.of(A1), Cell::Number(7));
    assert_eq!(store.get(&VALUE.of(B2)), 11, "the member is computed again after the panic");
    let words = panic_of(|| store.get(&UNNAMED.of(Hidden(0))));
    assert!(words.contains(&format!("{0} -> {0} -> {0}", UNNAMED.name())), "{words}");
}

#[test]
fn s10_members_are_freed_with_what_observed_them() {
    let store = ReactonStore::new();
    let size = 500;
    for row in 1..size {
        store.set(&CELL.of(At('C', row)), Cell::Sum(vec![At('C', row - 1)]));
    }
    store.set(&CELL.of(At('C', 0)), Cell::Number(1));
    let last = VALUE.of(At('C', size - 1));
    let subscription = store.subscribe(&last, |_, _| ());
    assert_eq!(runs().len(), 500);
    store.set(&CELL.of(At('C', 0)), Cell::Number(2));
    assert_eq!((runs().len(), store.get(&last)), (500, 2));
    subscription.unsubscribe();
    assert_eq!((store.get(&last), runs().len()), (2, 500));
    store.watch(&last, |_, _| ());
    store.remove(&last);
    runs();
    assert_eq!((store.get(&last), runs().len()), (2, 500));
}

#[test]
fn computed_members_are_read_from_other_threads_and_are_in_no_snapshot() {
    let store = sheet();
    store.watch(&VALUE.of(B2), |_, _| ());
    assert_eq!(store.snapshot().len(), 4, "the snapshot has the four written members");
    assert_eq!(store.snapshot().get(&VALUE.of(B2)), None);
    assert_eq!(VALUE.of(A1).reacton_ref(), VALUE.of(At('A', 1)).reacton_ref());
    assert_ne!(VALUE.of(A1).reacton_ref(), VALUE.of(A2).reacton_ref());
    let handle = store.handle();
    let reply = std::thread::spawn(move || handle.get(&VALUE.of(B2)))
        .join()
        .expect("the thread does not panic");
    store.pump();
    assert_eq!(futures_lite::future::block_on(reply), Ok(5));
    store.dispose();
    assert_eq!(store.get(&VALUE.of(B2)), 0, "a disposed store returns initial values");
}

#[test]
fn s6_a_run_of_a_member_owns_what_it_makes() {
    #[computed]
    static OWNER: Family<u32, u32> = |cx, key| {
        let more = cx.store().reacton(*key);
        cx.on_cleanup(|| RUNS.with_borrow_mut(|runs| runs.push(B1)));
        cx.get(&more) + u32::from(cx.get(&CELL.of(A1)) == Cell::Number(1))
    };
    let store = sheet();
    let subscription = store.subscribe(&OWNER.of(3), |_, _| ());
    assert_eq!((store.get(&OWNER.of(3)), runs()), (4, vec![]));
    store.set(&CELL.of(A1), Cell::Number(2));
    assert_eq!((store.get(&OWNER.of(3)), runs()), (3, vec![B1]));
    subscription.unsubscribe();
    assert_eq!(runs(), [B1], "a member was kept without an observer");
    assert_eq!((store.get(&OWNER.of(3)), runs()), (3, vec![B1]));
}
