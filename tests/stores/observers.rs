//! S6 and S7: observers may do anything, and what never settles ends in a panic with names.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;

use crate::{Log, OnDrop, panic_of};

#[reacton]
static A: u32 = 1;

#[reacton]
static B: u32 = 10;

#[reacton]
static LIST: Vec<u32> = vec![1];

#[computed]
static DOUBLE: u32 = |cx| cx.get(&A) * 2;

#[computed]
static LENGTH: usize = |cx| cx.with(&LIST, Vec::len);

/// A place for a subscription that its own closure reaches.
type Slot = Rc<RefCell<Option<Subscription>>>;

fn end(slot: &Slot) {
    if let Some(subscription) = slot.take() {
        subscription.unsubscribe();
    }
}

#[test]
fn s6_a_write_in_an_observer_is_visible_at_once_and_told_after_the_round() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.set(&B, a * 100);
        one.say(format!("wrote {}", store.get(&B)));
    });
    store.subscribe(&B, move |_, b| two.say(format!("heard {b}")));
    store.subscribe(&A, move |store, a| {
        three.say(format!("{a} with {}", store.get(&B)));
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
    store.effect(move |cx| seen.say((cx.get(&A), cx.get(&B))));
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
    store.effect(move |cx| seen.say(cx.get(&B)));
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
        seen.say(a);
        if a < 4 {
            cx.store().set(&A, a + 1);
        }
    });
    assert_eq!(log.take(), [1, 2, 3, 4]);
    store.set(&A, 2);
    assert_eq!(log.take(), [2, 3, 4]);
}

#[test]
fn s6_an_update_may_update_others_and_batch() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.say((cx.get(&LENGTH), cx.get(&A), cx.get(&B))));
    store.update(&LIST, |list| {
        list.push(2);
        store.update(&A, |a| {
            *a += 1;
            store.set(&B, 20);
        });
        store.batch(|store| store.set(&A, 5));
        list.push(3);
    });
    assert_eq!(log.take(), [(1, 1, 10), (3, 5, 20)], "one transaction");
}

#[test]
fn s6_plain_data_may_be_read_and_written_inside_its_own_update() {
    let store = ReactonStore::new();
    store.update(&A, |a| {
        *a = 5;
        assert_eq!((store.get(&A), store.get(&DOUBLE)), (1, 2), "what it was before the update");
        store.update(&A, |inner| *inner += 1);
        assert_eq!((store.get(&A), store.get(&DOUBLE)), (2, 4));
        store.set(&A, 50);
        assert_eq!(store.replace(&A, 60), 50);
    });
    assert_eq!((store.get(&A), store.get(&DOUBLE)), (5, 10), "the outer one comes last");
}

#[test]
fn s6_what_owns_memory_may_be_read_inside_its_own_update_where_it_is_copied_anyway() {
    let store = ReactonStore::new();
    store.batch(|store| {
        store.update(&LIST, |list| {
            list.push(2);
            assert_eq!((store.get(&LIST), store.get(&LENGTH)), (vec![1], 1));
        });
    });
    let snapshot = store.snapshot();
    store.update(&LIST, |list| {
        list.push(3);
        assert_eq!((store.get(&LIST), store.get(&LENGTH)), (vec![1, 2], 2));
    });
    assert_eq!(snapshot.get(&LIST), Some(&vec![1, 2]));
    assert_eq!(store.get(&LENGTH), 3);
}

#[test]
fn s6_what_owns_memory_and_is_lent_to_update_names_itself_when_it_is_read() {
    let store = ReactonStore::new();
    store.get(&LENGTH);
    let local = store.reacton(String::from("a"));
    let words = panic_of(|| store.update(&LIST, |list| list.push(store.get(&LIST)[0])));
    assert!(words.contains("LIST") && words.contains("update"), "{words}");
    let words = panic_of(|| store.update(&local, |text| *text = store.get(&local)));
    assert!(words.contains("local reacton") && words.contains("update"), "{words}");
    assert_eq!((store.get(&LIST), store.get(&local), store.get(&LENGTH)), (vec![1], "a".into(), 1));
}

#[test]
fn s6_a_computed_that_met_a_lent_value_recovers_though_nothing_changed() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let fresh = store.computed(|cx| cx.with(&LIST, Vec::len));
    store.get(&LIST);
    store.update_if(&LIST, |_| {
        panic_of(|| store.get(&fresh));
        false
    });
    assert_eq!(store.get(&fresh), 1);
    store.effect(move |cx| heard.say(cx.get(&fresh)));
    store.update_if(&LIST, |_| {
        assert_eq!(store.get(&fresh), 1, "what is known is given");
        false
    });
    store.update(&LIST, |list| list.push(2));
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn s6_a_write_to_the_reacton_inside_its_own_update_is_overwritten() {
    let store = ReactonStore::new();
    store.update(&LIST, |list| {
        store.set(&LIST, vec![7, 8]);
        store.touch(&LIST);
        list.push(2);
    });
    assert_eq!((store.get(&LIST), store.get(&LENGTH)), (vec![1, 2], 2));
}

#[test]
fn s6_the_reacton_may_be_removed_or_the_store_disposed_inside_an_update() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (dropped, handle) = (log.clone(), store.clone());
    let bomb = store
        .reacton_with(vec![Rc::new(OnDrop(move || dropped.say(handle.get(&A))))], |_, _| false);
    store.update(&bomb, |_| store.remove(&bomb));
    assert_eq!(log.take(), [1]);
    assert!(panic_of(|| store.with(&bomb, Vec::len)).contains("removed"));

    store.update(&LIST, |list| {
        list.push(2);
        store.remove(&LIST);
    });
    assert_eq!(store.get(&LIST), [1]);
    store.update(&A, |a| {
        *a = 9;
        store.remove(&A);
    });
    store.update(&LIST, |list| {
        list.push(2);
        store.dispose();
    });
    assert_eq!(store.get(&LIST), [1]);
}

#[test]
fn s6_an_observer_may_unsubscribe_itself() {
    let store = ReactonStore::new();
    let log = Log::new();
    let slot = Slot::default();
    let (heard, own) = (log.clone(), Rc::clone(&slot));
    *slot.borrow_mut() = Some(store.subscribe(&A, move |store, a| {
        end(&own);
        heard.say(*a);
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
        seen.say(cx.get(&A));
        if cx.get(&A) == 2 {
            end(&own);
            // The place is free now: whoever takes it must not get these reads.
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
            heard.say(own);
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
    store.subscribe(&B, move |_, b| heard.say(*b));
    let last = OnDrop(move || {
        handle.set(&B, handle.get(&B) + 1);
        handle.subscribe(&A, |_, _| ());
        handle.remove(&LIST);
    });
    let slot = Slot::default();
    let own = Rc::clone(&slot);
    *slot.borrow_mut() = Some(store.subscribe(&A, move |_, _| {
        let _keep = &last;
        seen.say(0);
        end(&own);
        seen.say(1);
    }));
    store.set(&A, 2);
    assert_eq!(log.take(), [0, 1, 11], "dropped after its run");
}

#[test]
fn s6_an_observer_may_dispose_the_store() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.dispose();
        one.say((*a, store.get(&A)));
        store.set(&A, 7);
    });
    store.subscribe(&A, move |_, a| two.say((*a, 0)));
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
    store.subscribe(&A, |_, _| panic!("nobody is left to be told"));
    store.batch(|store| {
        store.set(&A, 2);
        store.dispose();
        store.set(&A, 3);
    });
    assert_eq!(store.get(&A), 1);
}

#[test]
fn s6_an_observer_may_remove_what_it_hears() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe(&A, move |store, a| {
        store.remove(&A);
        one.say((*a, store.get(&A)));
    });
    store.effect(move |cx| two.say((cx.get(&DOUBLE), cx.get(&A))));
    log.take();
    store.set(&A, 2);
    assert_eq!(log.take(), [(2, 1)], "the effect has seen 1 already");
    store.set(&A, 3);
    assert_eq!(log.take(), [(6, 3)], "it still reads what follows from A");
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
        seen.say((before, middle, cx.get(&A)));
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
            one.say(format!("subscription of {a} hears {new}"));
        });
        store.watch(&B, move |_, b| two.say(format!("watch of {a} sees {b}")));
        store.effect(move |cx| three.say(format!("effect of {a} sees {}", cx.get(&B))));
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
    store.subscribe(&busy, move |_, value| heard.say(*value));
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
    assert_eq!(usize::try_from(store.get(&B)).expect("small") - 10, store.get(&LENGTH) - 1);
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
    store.subscribe(&derived, move |_, _| log.say(()));
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
fn s6_what_a_value_writes_when_a_batch_drops_it_is_told_too() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.say(*b));
    let values = store.reacton_with(clingy(&store), |_, _| false);
    store.batch(|store| store.set(&values, clingy(store)));
    assert_eq!(log.take(), [11]);
    store.batch(|store| {
        store.set(&B, 50);
        store.set(&B, 11);
    });
    assert_eq!(log.take(), []);
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
    assert_eq!(copy.0.get(&A), 3, "one for the read, none for the edit in place, one in the batch");
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
fn s6_a_turn_inside_a_batch_a_computed_or_an_observer_takes_in_nothing() {
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
    *slot.borrow_mut() = Some(store.effect(move |cx| seen.say(("killed", cx.get(&killer)))));
    let seen = log.clone();
    store.effect(move |cx| seen.say(("sibling", cx.get(&killer))));
    log.take();
    store.set(&A, 2);
    assert_eq!(log.take(), [("sibling", 2)]);
    store.set(&A, 3);
    assert_eq!(log.take(), [("sibling", 3)]);
}

#[test]
fn s6_a_computed_may_write_and_what_it_wrote_is_told() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |store, b| {
        heard.say(*b);
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
fn s6_a_first_subscription_to_a_computed_that_writes_tells_of_it() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.say(*b));
    let writes = store.computed(|cx| cx.store().set(&B, 77));
    store.subscribe(&writes, |_, ()| ());
    assert_eq!(log.take(), [77]);
}

#[test]
fn s7_a_computed_that_reads_itself_names_itself() {
    #[computed]
    static OWN: u32 = |cx| cx.get(&OWN) + 1;
    let store = ReactonStore::new();
    for _ in 0..3 {
        let words = panic_of(|| store.get(&OWN));
        assert!(words.contains("stores::observers") && words.contains("OWN -> "), "{words}");
    }
    assert_eq!(store.get(&DOUBLE), 2);
}

#[test]
fn s7_two_computeds_that_read_each_other_name_each_other_and_recover() {
    #[reacton]
    static TANGLED: bool = true;
    #[computed]
    static FIRST: u32 = |cx| cx.get(&SECOND) + 1;
    #[computed]
    static SECOND: u32 = |cx| if cx.get(&TANGLED) { cx.get(&FIRST) } else { 1 };
    let store = ReactonStore::new();
    let words = panic_of(|| store.get(&FIRST));
    let (first, second) = (words.find("FIRST"), words.find("SECOND"));
    assert!(first.is_some() && first < second, "{words}");
    panic_of(|| store.get(&SECOND));
    store.set(&TANGLED, false);
    assert_eq!((store.get(&FIRST), store.get(&SECOND)), (2, 1));
    store.set(&TANGLED, true);
    panic_of(|| store.get(&SECOND));
    panic_of(|| store.get(&FIRST));
    store.set(&TANGLED, false);
    assert_eq!((store.get(&SECOND), store.get(&FIRST)), (1, 2));
}

#[test]
fn s7_a_cycle_that_comes_and_goes_reaches_who_watches_and_recovers() {
    let store = ReactonStore::new();
    let place = Rc::new(Cell::new(None));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| match other.get() {
        Some(second) if cx.get(&A) == 2 => cx.get::<LocalComputed<u32>>(&second),
        _ => cx.get(&A),
    });
    let second = store.computed(move |cx| cx.get(&first) + 1);
    place.set(Some(second));
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.say(cx.get(&second)));
    let words = panic_of(|| store.set(&A, 2));
    assert!(words.contains("depends on itself"), "{words}");
    store.set(&A, 3);
    assert_eq!(log.take(), [2, 4]);
}

#[test]
fn s7_computeds_that_swap_who_reads_whom_are_no_cycle() {
    let store = ReactonStore::new();
    let place = Rc::new(Cell::new(None));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| match other.get() {
        Some(second) if cx.get(&A) % 2 == 0 => cx.get::<LocalComputed<u32>>(&second) + 1,
        _ => cx.get(&A),
    });
    let second =
        store.computed(move |cx| if cx.get(&A) % 2 == 0 { cx.get(&A) } else { cx.get(&first) + 1 });
    place.set(Some(second));
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.say((cx.get(&first), cx.get(&second))));
    for a in 2..6 {
        store.set(&A, a);
    }
    assert_eq!(log.take(), [(1, 2), (3, 2), (3, 4), (5, 4), (5, 6)]);
}

#[test]
fn s7_a_cycle_after_dispose_is_a_panic_too() {
    #[computed]
    static THERE: u32 = |cx| cx.get(&BACK);
    #[computed]
    static BACK: u32 = |cx| cx.get(&THERE);
    let store = ReactonStore::new();
    store.dispose();
    let words = panic_of(|| store.get(&THERE));
    assert!(words.contains("THERE") && words.contains("BACK"), "{words}");
}

#[test]
fn s7_effects_that_never_settle_end_in_a_panic_that_names_what_they_write() {
    let store = ReactonStore::new();
    let stop = store.reacton(false);
    store.effect(move |cx| {
        let a = cx.get(&A);
        if !cx.get(&stop) {
            cx.store().set(&B, a + 1);
        }
    });
    let words = panic_of(|| {
        store.effect(move |cx| {
            let b = cx.get(&B);
            cx.store().set(&A, b);
        })
    });
    assert!(words.contains("observers::A") && words.contains("observers::B"), "{words}");
    store.set(&stop, true);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.say(*a));
    store.set(&B, 5);
    assert_eq!(log.take(), [5], "the store is usable after it");
}

#[test]
fn s7_three_subscriptions_in_a_ring_are_bounded() {
    #[reacton]
    static C: u32 = 0;
    let store = ReactonStore::new();
    store.subscribe(&A, |store, a| store.set(&B, a + 1));
    store.subscribe(&B, |store, b| store.set(&C, b + 1));
    store.subscribe(&C, |store, c| store.set(&A, c + 1));
    let words = panic_of(|| store.set(&A, 2));
    assert!(["::A", "::B", "::C"].iter().all(|name| words.contains(name)), "{words}");
    assert_eq!(store.get(&DOUBLE), store.get(&A) * 2);
}

#[test]
fn s7_a_ping_pong_through_a_computed_is_bounded_named_and_over_after_it() {
    #[reacton]
    static LIMIT: u32 = 0;
    let store = ReactonStore::new();
    store.set(&LIMIT, u32::MAX);
    let words = panic_of(|| {
        store.effect(|cx| {
            let double = cx.get(&DOUBLE);
            if double < cx.untracked(|store| store.get(&LIMIT)) {
                cx.store().set(&A, (double + 1) % 1_000_000);
            }
        })
    });
    assert!(words.contains("DOUBLE"), "{words}");

    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let double = cx.get(&DOUBLE);
        seen.say(double);
        if double < cx.untracked(|store| store.get(&LIMIT)) {
            cx.store().set(&A, (double + 1) % 1_000_000);
        }
    });
    store.set(&LIMIT, u32::MAX);
    panic_of(|| store.set(&A, 2));
    store.set(&LIMIT, 0);
    log.take();
    store.set(&A, 4);
    store.set(&A, 5);
    assert_eq!(log.take(), [8, 10], "what watches a computed still hears it");
}
