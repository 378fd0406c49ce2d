//! G4: undo and redo of values.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{Log, panic_of};

use crate::{FAILS, ODD, Odd};

#[reacton]
static NAME: String = String::new();
#[reacton]
static SIZE: u32 = 1;
#[reacton(zero_copy)]
static PICTURE: Vec<u8> = Vec::new();
#[reacton(eq = never)]
static SIGNAL: u32 = 0;
#[reacton]
static NOTE: Family<u32, String> = |key| format!("note {key}");
/// Not in the group.
#[reacton]
static OTHER: u32 = 0;

const EDITED: Group = group![NAME, SIZE, PICTURE, SIGNAL, NOTE];

fn begin() -> (ReactonStore, History) {
    let store = ReactonStore::new();
    let history = store.history(EDITED);
    (store, history)
}

#[test]
fn g4_undo_puts_back_what_a_transaction_has_replaced() {
    let (store, history) = begin();
    store.batch(|store| {
        store.set(&NAME, "Ada".into());
        store.set(&SIZE, 2);
        store.set(&OTHER, 7);
    });
    store.update(&NAME, |name| name.push('!'));
    assert_eq!((history.undo(), store.get(&NAME), store.get(&SIZE)), (true, "Ada".into(), 2));
    assert_eq!((history.undo(), store.get(&NAME), store.get(&SIZE)), (true, String::new(), 1));
    assert!(!history.undo());
    assert!(history.redo() && history.redo() && !history.redo());
    assert_eq!((store.get(&NAME), store.get(&SIZE), store.get(&OTHER)), ("Ada!".into(), 2, 7));
}

#[test]
fn g4_undo_and_redo_are_one_transaction_each() {
    let (store, history) = begin();
    store.batch(|store| {
        store.set(&NAME, "Ada".into());
        store.set(&SIZE, 2);
    });
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| heard.push((cx.get(&NAME), cx.get(&SIZE))));
    log.take();
    history.undo();
    assert_eq!(log.take(), [(String::new(), 1)]);
    history.redo();
    assert_eq!(log.take(), [("Ada".into(), 2)]);
}

#[test]
fn g4_what_changes_nothing_is_no_step() {
    let (store, history) = begin();
    store.set(&SIZE, 1);
    store.batch(|store| {
        store.set(&SIZE, 5);
        store.set(&SIZE, 1);
    });
    store.touch(&SIZE);
    // An edit in place counts as a change, but nothing can be seen of it.
    store.update(&NAME, |_| ());
    store.set(&OTHER, 1);
    assert!(!history.undo());
    store.set(&SIGNAL, 0);
    assert!(history.undo() && !history.undo());
}

#[test]
fn g4_a_new_write_ends_what_can_be_done_again() {
    let (store, history) = begin();
    store.set(&SIZE, 2);
    store.set(&SIZE, 3);
    history.undo();
    store.set(&NAME, "Ada".into());
    assert!(!history.redo());
    history.undo();
    history.undo();
    assert_eq!((store.get(&SIZE), store.get(&NAME)), (1, String::new()));
    // Writes of what is not recorded do not.
    store.set(&OTHER, 2);
    assert!(history.redo());
}

#[test]
fn g4_what_can_be_undone_is_a_reacton() {
    let (store, history) = begin();
    let log = Log::new();
    let (heard, shown) = (log.clone(), history.clone());
    store.effect(move |cx| heard.push((cx.get(shown.can_undo()), cx.get(shown.can_redo()))));
    store.set(&SIZE, 2);
    store.set(&SIZE, 3);
    history.undo();
    history.undo();
    history.redo();
    history.clear();
    let expected =
        [(false, false), (true, false), (true, true), (false, true), (true, true), (false, false)];
    assert_eq!(log.take(), expected);
    assert!(!history.undo() && !history.redo());
}

#[test]
fn g4_what_can_be_undone_changes_in_the_round_of_the_write() {
    let (store, history) = begin();
    let log = Log::new();
    let (heard, shown) = (log.clone(), history.clone());
    store.subscribe(&SIZE, move |store, size| heard.push((*size, store.get(shown.can_undo()))));
    store.set(&SIZE, 2);
    history.undo();
    assert_eq!(log.take(), [(2, true), (1, false)]);
}

#[test]
fn g4_members_of_a_family_are_recorded() {
    let (store, history) = begin();
    store.set(&NOTE.of(1), "mine".into());
    store.set(&NOTE.of(1), "yours".into());
    store.remove(&NOTE.of(1));
    assert!(store.keys(&NOTE).is_empty());
    history.undo();
    assert_eq!(store.get(&NOTE.of(1)), "yours");
    history.undo();
    assert_eq!((store.get(&NOTE.of(1)), store.keys(&NOTE)), ("mine".into(), vec![1]));
    history.undo();
    // As if it had never been written.
    assert_eq!((store.get(&NOTE.of(1)), store.keys(&NOTE)), ("note 1".into(), vec![]));
    assert!(history.redo() && history.redo());
    assert_eq!((store.get(&NOTE.of(1)), store.keys(&NOTE)), ("yours".into(), vec![1]));
    history.redo();
    assert!(!store.has(&NOTE.of(1)));
}

#[test]
fn g4_an_observer_of_a_member_hears_its_undo() {
    let (store, history) = begin();
    store.set(&NOTE.of(1), "mine".into());
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&NOTE.of(1), move |_, note| heard.push(note.clone()));
    history.undo();
    history.redo();
    assert_eq!(log.take(), ["note 1", "mine"]);
}

#[test]
fn g4_a_reset_is_undone() {
    let (store, history) = begin();
    store.batch(|store| {
        store.set(&NAME, "Ada".into());
        store.set(&NOTE.of(3), "three".into());
    });
    store.reset(EDITED);
    assert_eq!(store.get(&NAME), "");
    history.undo();
    assert_eq!((store.get(&NAME), store.get(&NOTE.of(3))), ("Ada".into(), "three".into()));
    history.redo();
    assert_eq!((store.get(&NAME), store.keys(&NOTE)), (String::new(), vec![]));
}

#[test]
fn g4_undo_in_a_batch_takes_back_what_the_batch_has_written() {
    let (store, history) = begin();
    store.set(&SIZE, 2);
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| heard.push((cx.get(&SIZE), cx.get(&NAME))));
    log.take();
    store.batch(|store| {
        store.set(&SIZE, 3);
        store.set(&NAME, "Ada".into());
        assert!(history.undo());
        assert_eq!((store.get(&SIZE), store.get(&NAME)), (2, String::new()));
        assert!(history.undo());
        assert_eq!(store.get(&SIZE), 1);
        store.set(&NAME, "Bea".into());
    });
    assert_eq!(log.take(), [(1, "Bea".into())]);
    // What was written afterwards is a step of its own.
    assert!(!history.redo());
    history.undo();
    assert_eq!((store.get(&SIZE), store.get(&NAME)), (1, String::new()));
    assert!(!history.undo());
}

#[test]
fn g4_a_batch_that_comes_to_nothing_after_a_look_is_no_change() {
    let (store, history) = begin();
    store.batch(|store| {
        store.set(&SIZE, 2);
        history.undo();
    });
    assert_eq!(store.get(&SIZE), 1);
    history.redo();
    assert_eq!(store.get(&SIZE), 2);
    store.batch(|store| {
        store.set(&SIZE, 9);
        history.mark();
        store.set(&SIZE, 2);
    });
    store.set(&SIZE, 5);
    // After the mark, the return to 2 and the write of 5 are one step.
    for expected in [9, 2, 1] {
        history.undo();
        assert_eq!(store.get(&SIZE), expected);
    }
}

#[test]
fn g4_an_observer_may_undo() {
    let (store, history) = begin();
    let own = history.clone();
    store.subscribe(&SIZE, move |_, size| {
        if *size > 10 {
            own.undo();
        }
    });
    store.set(&SIZE, 4);
    store.set(&SIZE, 11);
    assert_eq!(store.get(&SIZE), 4);
    history.redo();
    assert_eq!(store.get(&SIZE), 4);
}

#[test]
fn g4_histories_record_apart() {
    const NAMES: Group = group![NAME];
    let (store, history) = begin();
    let names = store.history(NAMES);
    store.set(&NAME, "Ada".into());
    store.set(&SIZE, 2);
    assert!(names.undo() && !names.undo());
    assert_eq!((store.get(&NAME), store.get(&SIZE)), (String::new(), 2));
    // To the other history that was a write like any other.
    history.undo();
    assert_eq!((store.get(&NAME), store.get(&SIZE)), ("Ada".into(), 2));
    history.undo();
    assert_eq!(store.get(&SIZE), 1);
    drop(history);
    store.set(&NAME, "Bea".into());
    names.undo();
    assert_eq!(store.get(&NAME), "Ada");
}

#[test]
fn g4_a_history_records_until_its_last_handle_is_dropped() {
    let (store, history) = begin();
    let (other, can_undo) = (history.clone(), *history.can_undo());
    store.set(&SIZE, 2);
    drop(history);
    store.set(&SIZE, 3);
    assert!(store.get(&can_undo) && other.undo());
    let last = Log::new();
    let heard = last.clone();
    store.subscribe(&can_undo, move |_, can| heard.push(*can));
    drop(other);
    store.set(&SIZE, 4);
    assert!(!store.get(&can_undo));
    // Another one begins with nothing.
    let history = store.history(EDITED);
    assert!(!history.undo());
    store.set(&SIZE, 5);
    history.undo();
    assert_eq!(store.get(&SIZE), 4);
}

#[test]
fn g4_after_the_end_of_the_store_nothing_is_undone() {
    let (store, history) = begin();
    let held = Rc::new(Cell::new(0));
    store.set(&SIZE, 2);
    store.dispose();
    assert!(!history.undo() && !history.redo());
    history.mark();
    history.clear();
    assert_eq!(store.get(&SIZE), 1);
    let late = store.history(EDITED);
    assert!(!late.undo());
    drop((late, held));
}

#[worker(shared = [NAME, SIZE, PICTURE])]
fn editor(store: &ReactonStore) {
    store.subscribe(&NAME, |store, name| {
        store.batch(|store| {
            store.set(&SIZE, u32::try_from(name.len()).unwrap_or_default());
            store.set(&PICTURE, name.clone().into_bytes());
        });
    });
}

#[test]
fn g4_what_comes_over_links_is_not_recorded() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, history) = begin();
        let worker = editor::spawn(&store).expect("the worker starts");
        store.set(&NAME, "four".into());
        simulation.settle();
        assert_eq!((store.get(&SIZE), store.get(&PICTURE)), (4, b"four".to_vec()), "seed {seed}");
        store.set(&SIZE, 9);
        simulation.settle();
        // What a worker has replaced is the value from before.
        assert!(history.undo(), "seed {seed}");
        assert_eq!(store.get(&SIZE), 4, "seed {seed}");
        simulation.settle();
        let other = simulation.store_of(&worker).expect("the worker runs");
        assert_eq!(other.get(&SIZE), 4, "seed {seed}");
        assert!(history.undo() && !history.undo(), "seed {seed}");
        simulation.settle();
        assert_eq!((store.get(&NAME), store.get(&SIZE)), (String::new(), 0), "seed {seed}");
        assert_eq!(other.get(&NAME), "", "seed {seed}");
        // What arrives does not end what can be done again.
        assert!(history.redo(), "seed {seed}");
    }
}

#[test]
fn g4_undo_of_what_a_worker_has_overwritten_puts_back_what_was_there_before_ones_own_write() {
    let simulation = Simulation::new(3);
    let (store, history) = begin();
    let worker = editor::spawn(&store).expect("the worker starts");
    simulation.settle();
    let other = simulation.store_of(&worker).expect("the worker runs");
    store.set(&SIZE, 2);
    simulation.settle();
    other.set(&SIZE, 3);
    simulation.settle();
    assert!(history.undo());
    simulation.settle();
    assert_eq!((store.get(&SIZE), other.get(&SIZE)), (1, 1));
    assert!(history.redo());
    simulation.settle();
    assert_eq!((store.get(&SIZE), other.get(&SIZE)), (2, 2));
}

#[worker(shared = [out SIZE, in NAME])]
fn sizes(store: &ReactonStore) {
    store.set(&SIZE, 8);
}

#[test]
fn g4_what_this_store_must_not_write_any_more_stays() {
    let simulation = Simulation::new(1);
    let (store, history) = begin();
    store.batch(|store| {
        store.set(&SIZE, 2);
        store.set(&NAME, "Ada".into());
    });
    let worker = sizes::spawn(&store).expect("the worker starts");
    simulation.settle();
    assert!(history.undo());
    assert_eq!((store.get(&SIZE), store.get(&NAME)), (8, String::new()));
    drop(worker);
}

thread_local! {
    static DROPPED: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn g4_a_value_that_cannot_be_compared_is_put_back() {
    const FRAGILE: Group = group![ODD, SIZE];
    let store = ReactonStore::new();
    let history = store.history(FRAGILE);
    store.batch(|store| {
        store.set(&ODD, Odd(1));
        store.set(&SIZE, 2);
    });
    FAILS.set(true);
    let words = panic_of(|| history.undo());
    FAILS.set(false);
    assert_eq!(words, "not comparable");
    assert_eq!((store.get(&ODD), store.get(&SIZE)), (Odd(0), 1));
    assert!(history.redo());
    assert_eq!((store.get(&ODD), store.get(&SIZE)), (Odd(1), 2));
}

struct Loud(u32);

impl Clone for Loud {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|dropped| dropped.push(self.0));
    }
}

#[reacton(eq = never)]
static LOUD: Loud = Loud(0);

#[test]
fn g4_what_is_not_kept_is_dropped() {
    const LOUDS: Group = group![LOUD];
    let store = ReactonStore::new();
    let history = store.history(LOUDS).keep(1);
    store.set(&LOUD, Loud(1));
    store.set(&LOUD, Loud(2));
    store.set(&LOUD, Loud(3));
    assert_eq!(DROPPED.with_borrow_mut(std::mem::take), [0, 1]);
    history.undo();
    store.set(&LOUD, Loud(4));
    assert_eq!(DROPPED.with_borrow_mut(std::mem::take), [3]);
    drop(history);
    assert_eq!(DROPPED.with_borrow_mut(std::mem::take), [2]);
    let history = store.history(LOUDS);
    store.set(&LOUD, Loud(5));
    store.dispose();
    let mut dropped = DROPPED.with_borrow_mut(std::mem::take);
    dropped.sort_unstable();
    assert_eq!(dropped, [4, 5]);
    drop(history);
}
