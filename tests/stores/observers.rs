//! S6: observers may do anything, and never nest.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B, DOUBLE, LENGTH, LIST, OnDrop, Slot, end};

#[test]
fn s6_a_write_in_an_observer_is_visible_at_once_and_calls_observers_after_the_round() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.set(&B, a * 100);
        one.push(format!("wrote {}", store.get(&B)));
    });
    store.subscribe(&B, move |_, b| two.push(format!("heard {b}")));
    store.subscribe(&A, move |store, a| {
        three.push(format!("{a} with {}", store.get(&B)));
    });
    store.set(&A, 2);
    assert_eq!(log.take(), ["wrote 200", "2 with 200", "heard 200"]);
}

#[test]
fn s6_observers_never_nest() {
    let store = ReactonStore::new();
    let (depth, deepest) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    for _ in 0..3 {
        let (depth, deepest) = (Rc::clone(&depth), Rc::clone(&deepest));
        store.subscribe(&A, move |store, a| {
            depth.set(depth.get() + 1);
            deepest.set(deepest.get().max(depth.get()));
            if *a < 10 {
                store.set(&A, a + 1);
                store.batch(|store| store.update(&A, |a| *a += 1));
                store.get(&DOUBLE);
            }
            depth.set(depth.get() - 1);
        });
    }
    store.set(&A, 2);
    assert_eq!((deepest.get(), depth.get()), (1, 0));
    assert!(store.get(&A) >= 10);
}

#[test]
fn s6_a_later_effect_sees_its_siblings_write_and_runs_once() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(|cx| cx.store().set(&B, cx.get(&A) + 10));
    store.effect(move |cx| seen.push((cx.get(&A), cx.get(&B))));
    store.set(&A, 2);
    assert_eq!(log.take(), [(1, 11), (2, 12)]);
}

#[test]
fn s6_an_inner_write_does_not_block_later_ones() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(|cx| {
        let a = cx.get(&A);
        cx.store().set(&B, a % 2);
    });
    store.effect(move |cx| seen.push(cx.get(&B)));
    for a in 2..6 {
        store.set(&A, a);
    }
    assert_eq!(log.take(), [1, 0, 1, 0, 1]);
}

#[test]
fn s6_an_effect_that_writes_what_it_reads_runs_until_it_settles() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let a = cx.get(&A);
        seen.push(a);
        if a < 4 {
            cx.store().set(&A, a + 1);
        }
    });
    assert_eq!(log.take(), [1, 2, 3, 4]);
    store.set(&A, 2);
    assert_eq!(log.take(), [2, 3, 4]);
}

#[test]
fn s6_an_observer_may_unsubscribe_itself() {
    let store = ReactonStore::new();
    let log = Log::new();
    let slot = Slot::default();
    let (heard, own) = (log.clone(), Rc::clone(&slot));
    *slot.borrow_mut() = Some(store.subscribe(&A, move |store, a| {
        end(&own);
        heard.push(*a);
        store.set(&A, a + 1);
    }));
    store.set(&A, 2);
    store.set(&A, 9);
    assert_eq!(log.take(), [2]);
}

#[test]
fn s6_an_effect_that_ends_itself_half_way_does_not_subscribe_again() {
    let store = ReactonStore::new();
    let log = Log::new();
    let slot = Slot::default();
    let (seen, own) = (log.clone(), Rc::clone(&slot));
    *slot.borrow_mut() = Some(store.effect(move |cx| {
        seen.push(cx.get(&A));
        if cx.get(&A) == 2 {
            end(&own);
            // The slot of the ended observer is free now. The observer that takes it must not get these reads.
            cx.store().subscribe(&LENGTH, |_, _| ());
        }
        cx.get(&B);
        cx.get(&DOUBLE);
    }));
    store.set(&A, 2);
    store.set(&B, 3);
    store.set(&A, 4);
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn s6_an_observer_may_unsubscribe_others_in_the_same_round() {
    let store = ReactonStore::new();
    let log = Log::new();
    let slots: Vec<_> = (0..4).map(|_| Slot::default()).collect();
    for (own, slot) in slots.iter().enumerate() {
        let (heard, all) = (log.clone(), slots.clone());
        *slot.borrow_mut() = Some(store.subscribe(&A, move |_, _| {
            heard.push(own);
            end(&all[(own + 1) % 4]);
        }));
    }
    store.set(&A, 2);
    assert_eq!(log.take(), [0, 2]);
    store.set(&A, 3);
    assert_eq!(log.take(), [0, 2]);
}

#[test]
fn s6_the_closure_of_an_observer_may_do_anything_when_it_is_dropped() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (heard, seen, handle) = (log.clone(), log.clone(), store.clone());
    store.subscribe(&B, move |_, b| heard.push(*b));
    let last = OnDrop(move || {
        handle.set(&B, handle.get(&B) + 1);
        handle.subscribe(&A, |_, _| ());
        handle.remove(&LIST);
    });
    let slot = Slot::default();
    let own = Rc::clone(&slot);
    *slot.borrow_mut() = Some(store.subscribe(&A, move |_, _| {
        let _keep = &last;
        seen.push(0);
        end(&own);
        seen.push(1);
    }));
    store.set(&A, 2);
    assert_eq!(log.take(), [0, 1, 11], "the closure was dropped before its run ended");
}

#[test]
fn s6_an_observer_may_dispose_the_store() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.dispose();
        one.push((*a, store.get(&A)));
        store.set(&A, 7);
    });
    store.subscribe(&A, move |_, a| two.push((*a, 0)));
    store.set(&A, 2);
    assert_eq!(log.take(), [(2, 1)]);
    assert!(store.is_disposed());
}

#[test]
fn s6_a_computed_a_batch_and_an_effect_may_dispose_the_store() {
    let store = ReactonStore::new();
    let deadly = store.computed(|cx| {
        let a = cx.get(&A);
        cx.store().dispose();
        a + cx.get(&B)
    });
    assert!(panic_of(|| store.get(&deadly)).contains("disposed"));

    let store = ReactonStore::new();
    store.effect(|cx| {
        if cx.get(&DOUBLE) > 2 {
            cx.store().dispose();
            cx.get(&B);
        }
    });
    store.set(&A, 2);
    assert!(store.is_disposed());

    let store = ReactonStore::new();
    store.subscribe(&A, |_, _| panic!("an observer of a disposed store was called"));
    store.batch(|store| {
        store.set(&A, 2);
        store.dispose();
        store.set(&A, 3);
    });
    assert_eq!(store.get(&A), 1);
}

#[test]
fn s6_an_observer_may_remove_its_reacton() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.remove(&A);
        one.push((*a, store.get(&A)));
    });
    store.effect(move |cx| two.push((cx.get(&DOUBLE), cx.get(&A))));
    log.take();
    store.set(&A, 2);
    assert_eq!(log.take(), [(2, 1)], "the effect has run with 1 already");
    store.set(&A, 3);
    assert_eq!(log.take(), [(6, 3)], "the effect still depends on A");
}

#[test]
fn s6_an_effect_may_remove_what_it_has_read_and_read_it_again() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let before = cx.get(&A);
        let middle = cx.get(&B);
        cx.store().remove(&A);
        seen.push((before, middle, cx.get(&A)));
    });
    store.set(&A, 2);
    store.set(&B, 20);
    assert_eq!(log.take(), [(1, 10, 1), (2, 10, 1), (1, 20, 1)]);
}

#[test]
fn s6_a_computed_may_remove_what_it_reads_and_itself() {
    #[computed]
    static REMOVES_ITSELF: u32 = |cx| {
        cx.store().remove(&REMOVES_ITSELF);
        cx.get(&A)
    };

    #[computed]
    static COMES_BACK: u32 = |cx| {
        cx.store().remove(&COMES_BACK);
        cx.get(&COMES_BACK)
    };

    let store = ReactonStore::new();
    let eats = store.computed(|cx| {
        let a = cx.get(&DOUBLE);
        cx.store().remove(&DOUBLE);
        cx.store().remove(&A);
        a + cx.get(&DOUBLE) + cx.get(&A)
    });
    assert_eq!(store.get(&eats), 5);
    store.set(&A, 2);
    assert_eq!(store.get(&eats), 7);

    assert_eq!(store.get(&REMOVES_ITSELF), 1);
    assert!(panic_of(|| store.get(&COMES_BACK)).contains("COMES_BACK"));
}

#[test]
fn s6_an_observer_may_make_observers() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |store, a| {
        let (one, two, three, a) = (heard.clone(), heard.clone(), heard.clone(), *a);
        store.subscribe(&A, move |_, new| {
            one.push(format!("subscription of {a} hears {new}"));
        });
        store.watch(&B, move |_, b| two.push(format!("watch of {a} sees {b}")));
        store.effect(move |cx| three.push(format!("effect of {a} sees {}", cx.get(&B))));
    });
    store.set(&A, 2);
    assert_eq!(log.take(), ["watch of 2 sees 10", "effect of 2 sees 10"]);
    store.set(&B, 20);
    assert_eq!(log.take(), ["watch of 2 sees 20", "effect of 2 sees 20"]);
    store.set(&A, 3);
    assert_eq!(
        log.take(),
        ["watch of 3 sees 20", "effect of 3 sees 20", "subscription of 2 hears 3"],
    );
}

#[test]
fn s6_a_turn_inside_a_batch_a_computed_or_an_observer_applies_nothing() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&A, 2);
    let nested = |store: &ReactonStore| {
        assert_eq!((store.pump(), store.wait(Duration::MAX)), (0, 0));
        assert_eq!(store.run_until(Duration::MAX, |_| true), Err(RunError::Nested));
    };
    store.batch(nested);
    let turning = store.computed(move |cx| {
        cx.untracked(nested);
        cx.get(&B)
    });
    assert_eq!(store.get(&turning), 10);
    store.effect(move |cx| {
        cx.get(&A);
        nested(cx.store());
    });
    store.watch(&A, move |store, _| nested(store));
    handle.post(nested);
    assert_eq!(store.get(&A), 1);
    assert_eq!((store.pump(), store.get(&A)), (2, 2));
}

#[test]
fn s6_an_effect_runs_at_once_when_it_is_made() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&DOUBLE)));
    assert_eq!(log.take(), [2]);
}

#[test]
fn s6_the_writes_of_one_effect_are_one_round_of_observers() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(|cx| {
        let a = cx.get(&A);
        cx.store().set(&B, a);
        cx.store().set(&B, a * 10);
        cx.store().set(&LIST, vec![a; 3]);
    });
    store.effect(move |cx| seen.push((cx.get(&B), cx.get(&LENGTH))));
    store.set(&A, 2);
    assert_eq!(log.take(), [(10, 3), (20, 3)]);
}

#[test]
fn s6_an_observer_may_end_another_in_the_same_round() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (victim, heard) = (Slot::default(), log.clone());
    let slot = Slot::clone(&victim);
    store.subscribe(&A, move |_, _| end(&slot));
    *victim.borrow_mut() = Some(store.subscribe(&A, move |_, a| heard.push(*a)));
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(a * 100));
    store.set(&A, 2);
    assert_eq!(log.take(), [200], "an observer that was unsubscribed in the round was called");
}
