//! S8: only the code that caused a panic sees it.

use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::OnDrop;

#[reacton]
static A: u32 = 1;

#[reacton]
static B: u32 = 10;

#[computed]
static FRAIL: u32 = |cx| {
    let a = cx.get(&A);
    assert!(a != 2, "two is too much");
    a * 10
};

#[computed]
static BELOW: u32 = |cx| cx.get(&FRAIL) + 1;

#[test]
fn s8_a_panic_in_one_observer_does_not_stop_the_others() {
    let store = ReactonStore::new();
    let log = Log::new();
    for number in 0..4 {
        let heard = log.clone();
        store.subscribe(&A, move |_, a| {
            heard.push(number);
            assert!(number % 2 == 0 || *a != 2, "observer {number}");
        });
    }
    let words = panic_of(|| store.set(&A, 2));
    assert_eq!((words.as_str(), log.take()), ("observer 1", vec![0, 1, 2, 3]));
    store.set(&A, 3);
    assert_eq!(log.take(), [0, 1, 2, 3], "all observers are called after the panic");
}

#[test]
fn s8_what_a_panicking_observer_wrote_calls_observers() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.push(*b));
    store.subscribe(&A, |store, a| {
        store.set(&B, *a);
        panic!("after the write")
    });
    assert_eq!(panic_of(|| store.batch(|store| store.set(&A, 2))), "after the write");
    assert_eq!(log.take(), [2]);
}

#[test]
fn s8_the_panic_of_a_batch_comes_before_those_of_its_observers() {
    let store = ReactonStore::new();
    store.subscribe(&A, |_, _| panic!("observer"));
    let words = panic_of(|| {
        store.batch(|store| {
            store.set(&A, 2);
            panic!("batch")
        })
    });
    assert_eq!(words, "batch");
    assert_eq!(panic_of(|| store.set(&A, 3)), "observer");
}

#[test]
fn s8_a_computed_that_panicked_panics_for_every_reader_until_a_source_changes() {
    let store = ReactonStore::new();
    let runs = Log::new();
    let counter = runs.clone();
    let frail = store.computed(move |cx| {
        counter.push(());
        let a = cx.get(&A);
        assert!(a != 2, "two is too much");
        a
    });
    store.set(&A, 2);
    for _ in 0..3 {
        assert_eq!(panic_of(|| store.get(&frail)), "two is too much");
    }
    assert_eq!(runs.take().len(), 1);
    store.set(&A, 3);
    assert_eq!(store.get(&frail), 3);
    assert_eq!(
        panic_of(|| {
            store.set(&A, 2);
            store.get(&BELOW)
        }),
        "two is too much"
    );
    store.set(&A, 4);
    assert_eq!((store.get(&BELOW), store.get(&FRAIL)), (41, 40));
}

#[test]
fn s8_what_watches_a_computed_that_panicked_recovers_with_it() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    store.effect(move |cx| one.push(("effect", cx.get(&BELOW))));
    store.subscribe(&BELOW, move |_, below| two.push(("subscription", *below)));
    store.watch(&A, move |_, a| three.push(("bystander", *a)));
    log.take();
    assert_eq!(panic_of(|| store.set(&A, 2)), "two is too much");
    assert_eq!(log.take(), [("bystander", 2)]);
    store.set(&B, 11);
    assert_eq!(log.take(), [], "an observer that panicked was called for another reacton");
    store.set(&A, 3);
    assert_eq!(log.take(), [("effect", 31), ("subscription", 31), ("bystander", 3)]);
}

#[test]
fn s8_a_recovery_to_the_value_from_before_calls_observers() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.effect(move |cx| heard.push(cx.get(&BELOW)));
    panic_of(|| store.set(&A, 2));
    store.set(&A, 1);
    assert_eq!(log.take(), [11, 11]);
}

#[test]
fn s8_a_subscription_made_while_a_computed_panics_is_called_when_it_recovers() {
    let store = ReactonStore::new();
    store.set(&A, 2);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&FRAIL, move |_, frail| heard.push(*frail));
    store.set(&A, 3);
    assert_eq!(log.take(), [30]);
}

#[test]
fn s8_a_panic_in_the_first_run_leaves_no_observer() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    panic_of(|| {
        store.effect(move |cx| {
            one.push(cx.get(&A));
            panic!("first run")
        })
    });
    panic_of(|| {
        store.watch(&A, move |_, a| {
            two.push(*a);
            panic!("first run")
        })
    });
    log.take();
    store.set(&A, 2);
    assert!(log.take().is_empty());
}

#[test]
fn s8_an_effect_that_panics_half_way_keeps_what_it_had_read() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let a = cx.get(&A);
        seen.push(a);
        assert!(a != 2, "half-way");
        cx.get(&B);
    });
    panic_of(|| store.set(&A, 2));
    store.set(&B, 11);
    store.set(&A, 3);
    store.set(&B, 12);
    assert_eq!(log.take(), [1, 2, 3, 3]);
}

#[test]
fn s8_an_equality_function_that_panics_leaves_the_store_in_order() {
    let store = ReactonStore::new();
    let touchy = store.reacton_with(0, |a: &u32, b: &u32| {
        assert!(*a != 2 && *b != 2, "no two");
        a == b
    });
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.subscribe(&touchy, move |_, value| one.push(*value));
    store.subscribe(&A, move |_, a| two.push(*a));
    assert_eq!(panic_of(|| store.set(&touchy, 2)), "no two");
    assert_eq!(
        (store.get(&touchy), log.take()),
        (0, vec![]),
        "the refused write has changed something"
    );
    let words = panic_of(|| {
        store.batch(|store| {
            store.set(&A, 5);
            store.update(&touchy, |value| *value = 2);
        });
    });
    assert_eq!(
        (words.as_str(), log.take()),
        ("no two", vec![2, 5]),
        "a value that cannot be compared counts as changed"
    );
    store.update(&touchy, |value| *value = 1);
    store.set(&touchy, 3);
    assert_eq!(log.take(), [1, 3]);
}

#[test]
fn s8_a_computeds_equality_that_panics_is_its_own_panic() {
    #[derive(Debug)]
    struct Touchy(u32);
    impl PartialEq for Touchy {
        fn eq(&self, other: &Self) -> bool {
            assert!(other.0 != 2, "no two");
            self.0 == other.0
        }
    }
    let store = ReactonStore::new();
    let touchy = store.computed(|cx| Touchy(cx.get(&A)));
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&touchy, move |_, touchy| heard.push(touchy.0));
    assert_eq!(panic_of(|| store.set(&A, 2)), "no two");
    store.set(&A, 3);
    assert_eq!(log.take(), [3]);
}

#[test]
fn s8_after_a_panic_in_an_update_observers_see_what_was_done() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(*a));
    panic_of(|| {
        store.update(&A, |a| {
            *a = 5;
            panic!("plain data is copied")
        })
    });
    assert_eq!(
        (store.get(&A), log.take()),
        (1, vec![]),
        "plain data was changed by an update that panicked"
    );
    store.set(&A, 2);
    assert_eq!(log.take(), [2]);
}

#[test]
fn s8_a_value_that_panics_when_it_is_dropped_breaks_nothing() {
    fn bomb() -> Rc<OnDrop<impl FnMut()>> {
        Rc::new(OnDrop(|| {
            assert!(std::thread::panicking(), "dropped");
        }))
    }
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&B, move |_, b| heard.push(*b));
    let bombs = store.reacton_with(bomb(), |_, _| false);
    panic_of(|| store.set(&bombs, bomb()));
    panic_of(|| {
        store.batch(|store| {
            store.set(&B, 11);
            store.set(&bombs, bomb());
        });
    });
    store.set(&B, 12);
    let made = store.computed(|cx| {
        cx.get(&A);
        Different(bomb())
    });
    store.with(&made, |_| ());
    panic_of(|| {
        store.set(&A, 2);
        store.with(&made, |_| ());
    });
    let subscription = store.subscribe(&A, {
        let bomb = bomb();
        move |_, _| {
            let _keep = &bomb;
        }
    });
    panic_of(|| subscription.unsubscribe());
    store.set(&B, 13);
    assert_eq!(log.take(), [11, 12, 13]);
    let slot = Rc::new(std::cell::RefCell::new(None));
    let own = Rc::clone(&slot);
    let bomb = bomb();
    let subscription = store.subscribe(&A, move |_, _| {
        let _keep = &bomb;
        if let Some(a) = own.borrow_mut().take() {
            Subscription::unsubscribe(a);
        }
    });
    *slot.borrow_mut() = Some(subscription);
    panic_of(|| store.set(&A, 4));
    store.set(&B, 14);
    assert_eq!(log.take(), [14]);
    std::mem::forget(store);
}

/// Equal to nothing.
struct Different<T>(#[allow(dead_code, reason = "it is there to be dropped")] T);

impl<T> PartialEq for Different<T> {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

#[test]
fn s8_a_panic_in_a_posted_closure_leaves_the_rest_for_the_next_turn() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&A, 2);
    handle.post(|_| panic!("posted"));
    handle.set(&A, 3);
    assert_eq!(panic_of(|| store.pump()), "posted");
    assert_eq!(store.get(&A), 2);
    assert_eq!((store.pump(), store.get(&A)), (1, 3));
}

#[test]
fn s8_no_run_is_left_over_after_a_round_that_failed() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    store.effect(move |cx| {
        one.push("frail");
        assert_ne!(cx.get(&A), 2, "two is too much");
    });
    store.effect(move |cx| {
        cx.get(&A);
        two.push("sound");
    });
    log.take();
    assert!(panic_of(|| store.set(&A, 2)).contains("two is too much"));
    assert_eq!(log.take(), ["frail", "sound"]);
    store.set(&B, 11);
    store.batch(|_| ());
    store.pump();
    assert_eq!(log.take(), [""; 0], "an observer was called twice for one change");
    store.set(&A, 3);
    assert_eq!(log.take(), ["frail", "sound"]);
}
