//! S7: endless rounds of observers end in a panic that names the reactons, and long finite ones complete.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, in_child, panic_of};

use crate::{A, B};

#[test]
fn s7_a_queue_that_is_worked_off_one_piece_a_round_settles() {
    let store = ReactonStore::new();
    store.subscribe(&A, |store, left| {
        if *left > 0 {
            store.set(&A, left - 1);
        }
    });
    store.set(&A, 20_000);
    assert_eq!(store.get(&A), 0);
}

#[test]
fn s7_the_limit_of_rounds_can_be_set() {
    let store = ReactonStore::new();
    store.subscribe(&A, |store, left| {
        if *left > 0 {
            store.set(&A, left - 1);
        }
    });
    store.set_max_rounds(10);
    store.set(&A, 9);
    assert_eq!(store.get(&A), 0);
    let words = panic_of(|| store.set(&A, 20));
    assert!(words.contains("stores::A") && words.contains("after 10 rounds"), "{words}");
    store.set_max_rounds(200_000);
    store.set(&A, 150_000);
    assert_eq!(store.get(&A), 0);
}

type Store = Rc<RefCell<Option<ReactonStore>>>;

/// Calls `again` with the store when it is dropped, as long as `left` is not 0.
struct Clingy {
    store: Store,
    left: Rc<Cell<u64>>,
    again: fn(&ReactonStore, Clingy),
}

impl Clingy {
    fn new(store: &ReactonStore, times: u64, again: fn(&ReactonStore, Self)) -> Self {
        let store = Rc::new(RefCell::new(Some(store.clone())));
        Self { store, left: Rc::new(Cell::new(times)), again }
    }

    fn twin(&self) -> Self {
        Self { store: Rc::clone(&self.store), left: Rc::clone(&self.left), again: self.again }
    }
}

impl Drop for Clingy {
    fn drop(&mut self) {
        let Some(store) = self.store.borrow().clone() else { return };
        if self.left.get() > 0 {
            self.left.set(self.left.get() - 1);
            (self.again)(&store, self.twin());
        }
    }
}

#[reacton(eq = never)]
static CLINGS: Option<Rc<Clingy>> = None;

fn set(store: &ReactonStore, clingy: Clingy) {
    store.set(&CLINGS, Some(Rc::new(clingy)));
}

fn set_in_a_batch(store: &ReactonStore, clingy: Clingy) {
    store.batch(|store| set(store, clingy));
}

fn subscribe_and_end(store: &ReactonStore, clingy: Clingy) {
    store.subscribe(&A, move |_, _| _ = &clingy).unsubscribe();
}

const WAYS: [fn(&ReactonStore, Clingy); 3] = [set, set_in_a_batch, subscribe_and_end];

#[test]
fn s7_a_drop_that_writes_what_does_the_same_ends_in_a_panic_and_costs_no_stack() {
    in_child(|| {
        for (at, again) in WAYS.into_iter().enumerate() {
            for inside in [false, true] {
                let store = ReactonStore::new();
                let clingy = Clingy::new(&store, u64::MAX, again);
                let (held, left) = (Rc::clone(&clingy.store), Rc::clone(&clingy.left));
                let log = Log::new();
                let heard = log.clone();
                store.subscribe(&B, move |_, b| heard.push(*b));
                let twice = |store: &ReactonStore| {
                    again(store, clingy.twin());
                    again(store, clingy);
                };
                let words = panic_of(|| if inside { store.batch(twice) } else { twice(&store) });
                assert!(words.contains("settle"), "{at} {inside}: {words}");
                assert!(at == 2 || words.contains("limits::CLINGS"), "{words}");
                left.set(0);
                store.set(&B, 5);
                assert_eq!(log.take(), [5], "the store is usable after the panic");
                store.dispose();
                assert_eq!(Rc::strong_count(&left), 1, "{at} {inside}: a value is still held");
                held.take();
            }
        }
    });
}

#[test]
fn s7_drops_that_write_what_does_the_same_for_a_while_settle() {
    in_child(|| {
        for again in WAYS {
            let store = ReactonStore::new();
            let clingy = Clingy::new(&store, 20_000, again);
            let (held, left) = (Rc::clone(&clingy.store), Rc::clone(&clingy.left));
            again(&store, clingy.twin());
            again(&store, clingy);
            assert_eq!(left.get(), 0);
            held.take();
        }
    });
}

#[test]
fn s9_a_drop_that_writes_to_a_disposed_store_what_does_the_same_costs_no_stack() {
    in_child(|| {
        let store = ReactonStore::new();
        let clingy = Clingy::new(&store, u64::MAX, set);
        let (held, left) = (Rc::clone(&clingy.store), Rc::clone(&clingy.left));
        set(&store, clingy);
        let words = panic_of(|| store.dispose());
        assert!(words.contains("settle"), "{words}");
        left.set(0);
        held.take();
    });
}

type Act = Box<dyn FnOnce(&ReactonStore)>;

/// Does something with the store when it is dropped.
struct Acts(ReactonStore, Option<Act>);

impl Acts {
    fn new(store: &ReactonStore, act: impl FnOnce(&ReactonStore) + 'static) -> Self {
        Self(store.clone(), Some(Box::new(act)))
    }

    fn nothing(store: &ReactonStore) -> Self {
        Self(store.clone(), None)
    }
}

impl Drop for Acts {
    fn drop(&mut self) {
        if let Some(act) = self.1.take() {
            act(&self.0);
        }
    }
}

impl PartialEq for Acts {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// Calls `act` in a drop that is nested in `depth` others.
fn in_nested_drops(store: &ReactonStore, depth: usize, act: impl FnOnce(&ReactonStore) + 'static) {
    let mut outermost = store.reacton(Acts::new(store, act));
    for _ in 0..depth {
        let next = outermost;
        let replace = move |store: &ReactonStore| store.set(&next, Acts::nothing(store));
        outermost = store.reacton(Acts::new(store, replace));
    }
    store.set(&outermost, Acts::nothing(store));
}

#[test]
fn s8_values_that_are_displaced_in_nested_drops_are_dropped_whatever_the_others_do() {
    for depth in 13..18 {
        for bad in 0..4 {
            let (store, dropped) = (ReactonStore::new(), Log::new());
            let locals = [0, 1, 2].map(|at| {
                let dropped = dropped.clone();
                store.reacton(Acts::new(&store, move |_| {
                    dropped.push(at);
                    assert!(at != bad, "a drop");
                }))
            });
            let words = panic_of(|| {
                in_nested_drops(&store, depth, move |store| {
                    for local in locals {
                        store.set(&local, Acts::nothing(store));
                    }
                    assert!(bad != 3, "a drop");
                });
            });
            assert_eq!(words, "a drop", "{depth} {bad}");
            let mut dropped = dropped.take();
            dropped.sort_unstable();
            // A panic of a write ends the loop of this drop, unless the drop is deferred.
            let expected = if depth < 15 { (0..=bad.min(2)).collect() } else { vec![0, 1, 2] };
            assert_eq!(dropped, expected, "{depth} {bad}");
        }
    }
}

#[test]
fn s7_many_values_that_are_displaced_by_one_drop_are_no_loop() {
    let store = ReactonStore::new();
    store.set_max_rounds(1000);
    for depth in 14..18 {
        let locals: Vec<_> = (0..2000).map(|_| store.reacton(vec![1])).collect();
        let replaced = locals.clone();
        in_nested_drops(&store, depth, move |store| {
            for local in replaced {
                store.set(&local, vec![2]);
            }
        });
        assert!(locals.iter().all(|local| store.get(local) == [2]));
    }
}

#[test]
fn s7_a_long_chain_of_observers_that_own_the_next_one_is_no_loop() {
    in_child(|| {
        let store = ReactonStore::new();
        let ended = Rc::new(Cell::new(0));
        let mut first = store.effect(|_| ());
        for _ in 0..120_000 {
            let (next, counted) = (first.scoped(), Ends(Rc::clone(&ended)));
            first = store.effect(move |_| _ = (&next, &counted));
        }
        first.unsubscribe();
        assert_eq!(ended.get(), 120_000);
    });
}

struct Ends(Rc<Cell<u32>>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}
