//! S6: equality, `Clone`, `Drop` and computeds are user code, too, and may do anything.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B, DOUBLE, LENGTH, LIST, OnDrop, Slot, end};

#[test]
fn s6_an_equality_function_may_write_and_subscribe() {
    let store = ReactonStore::new();
    let weak = store.downgrade();
    let busy = store.reacton_with(0, move |a, b| {
        if let Some(store) = weak.upgrade() {
            store.update(&LIST, |list| list.push(3));
            store.set(&B, store.get(&B) + 1);
            store.subscribe(&A, |_, _| ());
        }
        a == b
    });
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&busy, move |_, value| heard.push(*value));
    store.set(&busy, 1);
    store.batch(|store| {
        store.set(&busy, 2);
        store.set(&busy, 3);
    });
    store.batch(|store| {
        store.set(&busy, 4);
        store.set(&busy, 3);
    });
    assert_eq!(log.take(), [1, 3]);
    assert_eq!(
        usize::try_from(store.get(&B)).expect("the number fits") - 10,
        store.get(&LENGTH) - 1
    );
}

#[test]
fn s6_an_equality_function_may_remove_what_it_compares() {
    let store = ReactonStore::new();
    let slot = Rc::new(Cell::new(None));
    let (own, weak) = (Rc::clone(&slot), store.downgrade());
    let fleeting = store.reacton_with(vec![0], move |a, b| {
        if let (Some(store), Some(own)) = (weak.upgrade(), own.take()) {
            let own: LocalReacton<Vec<i32>> = own;
            store.remove(&own);
        }
        a == b
    });
    slot.set(Some(fleeting));
    store.set(&fleeting, vec![1]);
    assert!(panic_of(|| store.get(&fleeting)).contains("removed"));
}

/// A value that uses its store when it is dropped.
#[derive(Clone)]
struct Clingy(
    #[expect(dead_code, reason = "it is there to be dropped")] Rc<OnDrop<Box<dyn FnMut()>>>,
);

fn clingy(store: &ReactonStore) -> Clingy {
    let store = store.downgrade();
    Clingy(Rc::new(OnDrop(Box::new(move || {
        if let Some(store) = store.upgrade() {
            store.update(&LIST, |list| list.push(0));
            store.set(&B, store.get(&B) + 1);
            store.get(&DOUBLE);
            store.subscribe(&A, |_, _| ()).unsubscribe();
            store.snapshot();
            store.pump();
        }
    }))))
}

#[test]
fn s6_a_value_may_use_the_store_when_it_is_dropped() {
    let store = ReactonStore::new();
    let values = store.reacton_with(clingy(&store), |_, _| false);
    let dropped = |n: u32| assert_eq!(store.get(&B), 10 + n);
    store.set(&values, clingy(&store));
    dropped(1);
    drop(store.replace(&values, clingy(&store)));
    dropped(2);
    store.update(&values, |value| *value = clingy(&store));
    dropped(3);
    store.batch(|store| {
        store.set(&values, clingy(store));
        store.update(&values, |value| *value = clingy(store));
        store.set(&values, clingy(store));
    });
    dropped(6);
    let made = store.downgrade();
    let heard = Log::new();
    let log = heard.clone();
    let derived = {
        let made = Rc::new(made);
        store.computed(move |cx| {
            cx.get(&A);
            Never(made.upgrade().map(|store| clingy(&store)))
        })
    };
    store.subscribe(&derived, move |_, _| log.push(()));
    store.set(&A, 2);
    dropped(7);
    store.batch(|store| {
        store.set(&A, 3);
        store.with(&derived, |_| ());
        store.set(&A, 4);
    });
    assert_eq!(heard.take().len(), 2);
    dropped(9);
    store.remove(&derived);
    dropped(10);
    store.remove(&values);
    dropped(11);
    store.reacton_with(clingy(&store), |_, _| false);
    store.dispose();
}

/// Equal to nothing.
struct Never(#[expect(dead_code, reason = "it is there to be dropped")] Option<Clingy>);

impl PartialEq for Never {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[test]
fn s6_what_a_value_writes_when_a_batch_drops_it_calls_observers_too() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.push(*b));
    let values = store.reacton_with(clingy(&store), |_, _| false);
    store.batch(|store| store.set(&values, clingy(store)));
    assert_eq!(log.take(), [11]);
    store.batch(|store| {
        store.set(&B, 50);
        store.set(&B, 11);
    });
    assert!(log.take().is_empty());
}

#[test]
fn s6_clone_may_use_the_store() {
    struct Counting(ReactonStore);
    impl Clone for Counting {
        fn clone(&self) -> Self {
            self.0.set(&A, self.0.get(&A) + 1);
            Self(self.0.clone())
        }
    }
    let store = ReactonStore::new();
    let local = store.reacton_with(Counting(store.clone()), |_, _| true);
    let copy = store.get(&local);
    store.update(&local, |_| ());
    store.batch(|store| store.update(&local, |_| ()));
    assert_eq!(copy.0.get(&A), 2, "one clone for the read, and none for the edits in place");
    store.dispose();
}

#[test]
fn s6_a_value_stays_what_it_is_while_it_is_lent_to_a_reader() {
    let store = ReactonStore::new();
    store.with(&LIST, |list| {
        store.update(&LIST, |list| list.push(2));
        store.set(&LIST, vec![9]);
        store.remove(&LIST);
        store.dispose();
        assert_eq!(*list, [1]);
    });
}

#[test]
fn s6_a_computed_may_end_an_effect_and_spares_its_siblings() {
    let store = ReactonStore::new();
    let log = Log::new();
    let slot = Slot::default();
    let (own, seen) = (Rc::clone(&slot), log.clone());
    let killer = store.computed(move |cx| {
        if cx.get(&A) == 2 {
            end(&own);
        }
        cx.get(&A)
    });
    *slot.borrow_mut() = Some(store.effect(move |cx| seen.push(("killed", cx.get(&killer)))));
    let seen = log.clone();
    store.effect(move |cx| seen.push(("sibling", cx.get(&killer))));
    log.take();
    store.set(&A, 2);
    assert_eq!(log.take(), [("sibling", 2)]);
    store.set(&A, 3);
    assert_eq!(log.take(), [("sibling", 3)]);
}

#[test]
fn s6_a_computed_may_write_and_observers_of_that_are_called() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |store, b| {
        heard.push(*b);
        store.set(&LIST, vec![*b]);
    });
    let writes = store.computed(|cx| {
        let a = cx.get(&A);
        cx.store().set(&B, a * 7);
        a
    });
    assert_eq!(store.get(&writes), 1);
    store.set(&A, 2);
    assert_eq!(store.get(&writes), 2);
    store.subscribe(&writes, |_, _| ());
    store.set(&A, 3);
    assert_eq!((log.take(), store.get(&LIST)), (vec![7, 14, 21], vec![21]));
}

#[test]
fn s6_a_first_subscription_to_a_computed_that_writes_calls_observers_of_the_write() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.push(*b));
    let writes = store.computed(|cx| cx.store().set(&B, 77));
    store.subscribe(&writes, |_, ()| ());
    assert_eq!(log.take(), [77]);
}

#[test]
fn s9_a_write_of_a_computed_reaches_a_reader_that_is_being_checked() {
    let store = ReactonStore::new();
    let (early, trigger) = (store.reacton(0), store.reacton(0));
    let writes = store.computed(move |cx| {
        let written = cx.get(&trigger);
        cx.store().set(&early, written);
    });
    // The check of `pair` sees that `early` is unchanged; then `writes` changes it, and the result of `writes` is equal.
    let pair = store.computed(move |cx| {
        let early = cx.get(&early);
        cx.get(&writes);
        early
    });
    assert_eq!(store.get(&pair), 0);
    store.set(&trigger, 5);
    assert_eq!(store.get(&pair), 5);
}

#[test]
fn s6_a_computed_may_dispose_the_store_in_the_middle_of_walks() {
    let store = ReactonStore::new();
    let (source, other) = (store.reacton(0), store.reacton(0));
    let deepest = store.computed(move |cx| {
        let round = cx.get(&source);
        // A write in the middle of a walk makes the walk look again.
        cx.store().set(&other, round);
        if round == 3 {
            cx.store().dispose();
        }
    });
    let below = store.computed(move |cx| (cx.get(&other), cx.get(&deepest)).0);
    // Reads the source first. So it runs before the other things that it reads are up to date: one walk inside another.
    let outer = store.computed(move |cx| cx.get(&source) + cx.get(&below));
    store.effect(move |cx| {
        cx.get(&outer);
    });
    store.set(&source, 1);
    store.set(&source, 2);
    store.set(&source, 3);
    assert!(store.is_disposed());
}

/// Comparing an odd one panics while `FRAGILE` is set.
struct Fragile(u32);

thread_local! {
    static FRAGILE: Cell<bool> = const { Cell::new(false) };
}

impl PartialEq for Fragile {
    fn eq(&self, other: &Self) -> bool {
        assert!(!FRAGILE.get() || self.0.is_multiple_of(2), "a comparison");
        self.0 == other.0
    }
}

#[test]
fn s8_a_restore_is_whole_though_values_cannot_be_compared() {
    #[reacton]
    static ONE: Fragile = Fragile(0);
    #[reacton]
    static TWO: Fragile = Fragile(0);
    #[reacton]
    static THREE: Fragile = Fragile(0);
    let all = [&ONE, &TWO, &THREE];
    let store = ReactonStore::new();
    for reacton in all {
        store.set(reacton, Fragile(2));
    }
    let before = store.snapshot();
    for reacton in all {
        store.set(reacton, Fragile(3));
    }
    let heard = Rc::new(Cell::new(0));
    let count = Rc::clone(&heard);
    store.subscribe(&THREE, move |_, three| count.set(three.0));
    FRAGILE.set(true);
    assert_eq!(panic_of(|| store.restore(&before)), "a comparison");
    FRAGILE.set(false);
    assert_eq!(all.map(|reacton| store.with(reacton, |value| value.0)), [2, 2, 2]);
    assert_eq!(heard.get(), 2);
}
