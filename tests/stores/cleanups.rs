//! S9, S10: an ended observer does not run again, whatever its cleanups do, and leaves nothing behind.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B};

#[test]
fn s9_an_effect_that_has_ended_does_not_run_because_of_its_own_cleanup() {
    let store = ReactonStore::new();
    let (read, heard) = (store.reacton(0), store.reacton(0));
    let log = Log::new();
    let said = log.clone();
    let outer = store.effect(move |cx| {
        let (value, store, said) = (cx.get(&read), cx.store().clone(), said.clone());
        said.push("outer");
        cx.store().effect(move |cx| {
            cx.get(&heard);
            said.push("inner");
        });
        cx.on_cleanup(move || {
            if value == 0 {
                store.set(&read, 1);
            }
        });
    });
    assert_eq!(log.take(), ["outer", "inner"]);
    let said = log.clone();
    store.subscribe(&read, move |_, _| said.push("observer"));
    outer.unsubscribe();
    assert_eq!(log.take(), ["observer"], "the observer is called before `unsubscribe` returns");
    store.set(&heard, 1);
    store.set(&read, 2);
    assert_eq!(log.take(), ["observer"]);
}

#[test]
fn s9_an_effect_does_not_run_because_of_the_cleanup_of_what_it_made() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    let counted = Rc::clone(&runs);
    let outer = store.effect(move |cx| {
        let value = cx.get(&A);
        counted.set(counted.get() + 1);
        let counted = Rc::clone(&counted);
        cx.store().effect(move |cx| {
            cx.get(&B);
            counted.set(counted.get() + 1);
            let store = cx.store().clone();
            cx.on_cleanup(move || store.set(&A, value + 1));
        });
    });
    assert_eq!(runs.take(), 2);
    outer.unsubscribe();
    store.set(&B, 5);
    store.set(&A, 7);
    assert_eq!(runs.get(), 0);
}

#[test]
fn s10_a_computed_that_is_removed_leaves_nothing_that_its_cleanup_made_it_make() {
    for reads in [false, true] {
        let store = ReactonStore::new();
        let runs = Rc::new(Cell::new(0));
        let (counted, this) = (Rc::clone(&runs), Rc::new(Cell::new(None)));
        let slot = Rc::clone(&this);
        let computed = store.computed(move |cx| {
            let (value, counted) = (cx.get(&A), Rc::clone(&counted));
            cx.store().effect(move |cx| {
                cx.get(&B);
                counted.set(counted.get() + 1);
            });
            let (store, slot) = (cx.store().clone(), Rc::clone(&slot));
            cx.on_cleanup(move || {
                if value == 1 {
                    store.set(&A, 2);
                    if let (true, Some(this)) = (reads, slot.get()) {
                        assert_eq!(store.get(&this), 2, "the cleanup can read its own computed");
                    }
                }
            });
            value
        });
        this.set(Some(computed));
        store.subscribe(&computed, |_, _| ());
        assert_eq!(runs.take(), 1);
        store.remove(&computed);
        assert_eq!(runs.take(), u32::from(reads));
        store.set(&B, 5);
        store.set(&A, 6);
        assert_eq!(runs.get(), 0, "{reads}");
    }
}

#[test]
fn s7_a_cleanup_that_makes_its_computed_run_each_time_ends_in_a_panic_that_names_it() {
    let store = ReactonStore::new();
    let (alive, this) = (Rc::new(()), Rc::new(Cell::new(None)));
    let (held, slot) = (Rc::clone(&alive), Rc::clone(&this));
    let computed = store.computed(move |cx| {
        let (value, held) = (cx.get(&A), Rc::clone(&held));
        let (store, slot) = (cx.store().clone(), Rc::clone(&slot));
        cx.on_cleanup(move || {
            let _ = &held;
            store.set(&A, value + 1);
            if let Some(this) = slot.get() {
                store.get::<LocalComputed<u32>>(&this);
            }
        });
        value
    });
    this.set(Some(computed));
    store.get(&computed);
    store.set_max_rounds(20);
    let words = panic_of(|| store.remove(&computed));
    assert!(words.contains("cleanups never settle: after 20"), "{words}");
    assert_eq!(Rc::strong_count(&alive), 1, "the closure was not dropped");
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(*a));
    store.set(&A, 3);
    assert_eq!(log.take(), [3], "the store is usable after the panic");
}

#[test]
fn s8_a_panic_of_a_cleanup_does_not_keep_the_observers_of_its_write_from_being_called() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(*a));
    let effect = store.effect(|cx| {
        let store = cx.store().clone();
        cx.on_cleanup(move || {
            store.set(&A, 4);
            panic!("a cleanup");
        });
    });
    assert_eq!(panic_of(|| effect.unsubscribe()), "a cleanup");
    assert_eq!(log.take(), [4]);
}

#[test]
fn s9_a_store_that_ends_calls_what_is_left_to_clean_up_in_the_order_in_which_it_was_made() {
    for disposed in [false, true] {
        let store = ReactonStore::new();
        let cleaned = Rc::new(std::cell::RefCell::new(Vec::new()));
        let all = store.reacton(false);
        for number in 0..40 {
            let cleaned = Rc::clone(&cleaned);
            store.effect(move |cx| {
                if cx.get(&all) || number % 2 == 0 {
                    let cleaned = Rc::clone(&cleaned);
                    cx.on_cleanup(move || cleaned.borrow_mut().push(number));
                }
            });
        }
        // The odd ones register a cleanup only now; the others register a new one.
        store.set(&all, true);
        assert_eq!(cleaned.take(), (0..40).step_by(2).collect::<Vec<_>>());
        if disposed {
            store.dispose();
        } else {
            drop(store);
        }
        assert_eq!(cleaned.take(), (0..40).collect::<Vec<_>>());
    }
}
