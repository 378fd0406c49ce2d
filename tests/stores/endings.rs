//! S9 and S10: what ends an observer, how a disposed store behaves, and that nothing is left behind.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

#[reacton]
static A: u32 = 1;

#[reacton]
static HOLDS: Rc<u32> = Rc::new(0);

#[computed]
static DOUBLE: u32 = |cx| cx.get(&A) * 2;

#[computed]
static QUADRUPLE: u32 = |cx| cx.get(&DOUBLE) * 2;

fn hear(store: &ReactonStore) -> (Log<u32>, Subscription) {
    let log = Log::new();
    let heard = log.clone();
    let subscription = store.subscribe(&A, move |_, a| heard.push(*a));
    (log, subscription)
}

#[test]
fn s9_dropping_a_subscription_does_not_end_it() {
    let store = ReactonStore::new();
    let (log, subscription) = hear(&store);
    drop(subscription);
    store.set(&A, 2);
    assert_eq!(log.take(), [2]);
}

#[test]
fn s9_unsubscribe_ends_a_subscription_and_an_effect() {
    let store = ReactonStore::new();
    let (log, subscription) = hear(&store);
    let seen = log.clone();
    let effect = store.effect(move |cx| seen.push(cx.get(&DOUBLE)));
    log.take();
    subscription.unsubscribe();
    effect.unsubscribe();
    store.set(&A, 2);
    assert_eq!((log.take(), store.get(&DOUBLE)), (vec![], 4));
}

#[test]
fn s9_a_scoped_subscription_ends_with_its_scope() {
    let store = ReactonStore::new();
    let (log, subscription) = hear(&store);
    {
        let _scope = subscription.scoped();
        store.set(&A, 2);
    }
    store.set(&A, 3);
    assert_eq!(log.take(), [2]);
}

#[test]
fn s9_remove_ends_subscriptions_and_the_next_read_starts_afresh() {
    let store = ReactonStore::new();
    let (log, subscription) = hear(&store);
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&QUADRUPLE)));
    store.set(&A, 2);
    log.take();
    store.remove(&A);
    assert_eq!(log.take(), [4], "the effect runs with the initial value");
    assert_eq!(store.get(&A), 1);
    store.set(&A, 3);
    assert_eq!(log.take(), [12]);
    subscription.unsubscribe();
    store.set(&A, 4);
    assert_eq!(log.take(), [16]);
}

#[test]
fn s9_remove_of_a_computed_ends_its_subscriptions() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (heard, seen) = (log.clone(), log.clone());
    store.subscribe(&DOUBLE, move |_, double| heard.push(*double));
    store.effect(move |cx| seen.push(cx.get(&QUADRUPLE)));
    store.remove(&DOUBLE);
    store.set(&A, 2);
    assert_eq!(log.take(), [4, 8]);
}

#[test]
fn s9_remove_inside_a_batch_forgets_what_the_batch_wrote() {
    let store = ReactonStore::new();
    let (log, _) = hear(&store);
    store.batch(|store| {
        store.set(&A, 2);
        store.remove(&A);
        assert_eq!((store.get(&A), store.get(&DOUBLE)), (1, 2));
        store.set(&A, 3);
    });
    assert_eq!((log.take(), store.get(&DOUBLE)), (vec![], 6));
}

#[test]
fn s9_a_local_that_was_removed_says_so() {
    let store = ReactonStore::new();
    let local = store.reacton(1);
    store.remove(&local);
    let reborn = store.reacton(2);
    assert!(panic_of(|| store.get(&local)).contains("removed"));
    assert!(panic_of(|| store.remove(&local)).contains("removed"));
    assert_eq!(store.get(&reborn), 2, "a new local reacton uses the slot of a removed one");
    assert!(panic_of(|| ReactonStore::new().get(&reborn)).contains("another store"));
}

#[test]
fn s9_a_reader_of_a_local_that_was_removed_says_so() {
    let store = ReactonStore::new();
    let local = store.reacton(1);
    let reader = store.computed(move |cx| cx.get(&local));
    store.get(&reader);
    store.remove(&local);
    assert!(panic_of(|| store.get(&reader)).contains("removed"));
}

#[test]
fn s9_after_dispose_writes_do_nothing_and_statics_read_their_initial_values() {
    let store = ReactonStore::new();
    let (log, subscription) = hear(&store);
    store.set(&A, 2);
    log.take();
    store.dispose();
    store.dispose();
    store.set(&A, 3);
    store.touch(&A);
    store.update_if(&A, |_| unreachable!("there is nothing to edit"));
    assert_eq!(
        store.update(&A, |a| {
            *a += 1;
            *a
        }),
        2,
        "`update` edits an initial value, which is not kept"
    );
    assert_eq!(store.replace(&A, 5), 1);
    store.batch(|store| store.set(&A, 4));
    store.remove(&A);
    assert_eq!((store.get(&A), store.get(&QUADRUPLE), log.take()), (1, 4, vec![]));
    assert!(store.is_disposed() && store.snapshot().is_empty());
    subscription.unsubscribe();
}

#[test]
fn s9_after_dispose_observers_are_never_called() {
    let store = ReactonStore::new();
    store.dispose();
    store.subscribe(&A, |_, _| unreachable!()).unsubscribe();
    store.watch(&DOUBLE, |_, _| unreachable!()).unsubscribe();
    drop(store.effect(|_| unreachable!()).scoped());
    store.set(&A, 2);
    assert_eq!(store.get(&A), 1);
}

#[test]
fn s9_after_dispose_a_local_panics_with_a_message_that_says_so() {
    let store = ReactonStore::new();
    let (local, computed) = (store.reacton(1), store.computed(|cx| cx.get(&A)));
    let snapshot = store.snapshot();
    store.dispose();
    for words in [
        panic_of(|| store.get(&local)),
        panic_of(|| store.set(&local, 2)),
        panic_of(|| store.get(&computed)),
        panic_of(|| store.subscribe(&local, |_, _| ())),
        panic_of(|| store.reacton(1)),
        panic_of(|| store.computed(|_| 1)),
    ] {
        assert!(words.contains("disposed"), "{words}");
    }
    store.restore(&snapshot);
}

#[test]
fn s9_after_dispose_turns_end_at_once() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&A, 2);
    store.dispose();
    handle.set(&A, 3);
    assert!(handle.is_closed());
    assert_eq!((store.pump(), store.wait(Duration::MAX), store.get(&A)), (0, 0, 1));
    assert_eq!(store.run_until(Duration::MAX, |_| false), Err(RunError::Disconnected));
    assert!(!store.is_stale(&A));
}

struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn s9_dispose_wakes_a_task_that_waits_for_a_turn() {
    let store = ReactonStore::new();
    let _handle = store.handle();
    let woken = Arc::new(Woken(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut turn = pin!(store.turn());
    assert_eq!(turn.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending);
    store.dispose();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert_eq!(turn.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Ready(0));
}

#[test]
fn s9_a_store_without_handles_does_not_wait_for_ever() {
    let store = ReactonStore::new();
    assert_eq!(store.wait(Duration::MAX), 0);
    assert_eq!(store.run_until(Duration::MAX, |_| false), Err(RunError::Disconnected));
    let handle = store.handle();
    handle.set(&A, 2);
    drop(handle);
    assert_eq!(store.run_until(Duration::MAX, |store| store.get(&A) == 2), Ok(()));
    assert_eq!(store.run_until(Duration::MAX, |_| false), Err(RunError::Disconnected));
    assert_eq!(store.run_until(Duration::ZERO, |_| true), Ok(()));
    let _handle = store.handle();
    assert_eq!(store.run_until(Duration::ZERO, |_| false), Err(RunError::TimedOut));
}

#[test]
fn run_until_checks_its_condition_once_more_before_it_returns_an_error() {
    let store = ReactonStore::new();
    let mut asked = 0;
    let mut the_second_time = |_: &ReactonStore| {
        asked += 1;
        asked % 2 == 0
    };
    assert_eq!(
        store.run_until(Duration::MAX, &mut the_second_time),
        Ok(()),
        "the condition is checked again before an error"
    );
    let _handle = store.handle();
    assert_eq!(
        store.run_until(Duration::ZERO, &mut the_second_time),
        Ok(()),
        "the condition is checked at the deadline"
    );
    assert_eq!(asked, 4);
}

/// Returns a store full of values that can be counted, and weak references that must be dead when the store is gone.
fn full_store() -> (ReactonStore, Vec<Weak<u32>>) {
    let store = ReactonStore::new();
    let things: Vec<_> = (1..10).map(Rc::new).collect();
    let held = |at: usize| Rc::clone(&things[at]);
    store.set(&HOLDS, held(0));
    let local = store.reacton(held(1));
    let with = held(2);
    store.reacton_with(held(3), move |a, b| {
        let _ = &with;
        a == b
    });
    let (by, value) = (held(4), held(5));
    let computed = store.computed(move |cx| {
        let _ = (&by, cx.get(&local));
        Rc::clone(&value)
    });
    let (one, two, three) = (held(6), held(7), held(8));
    store.subscribe(&computed, move |_, _| {
        let _ = &one;
    });
    store.watch(&HOLDS, move |_, _| {
        let _ = &two;
    });
    store.effect(move |cx| {
        let _ = &three;
        cx.get(&computed);
        cx.get(&QUADRUPLE);
    });
    let weak = things.iter().map(Rc::downgrade).collect();
    (store, weak)
}

#[test]
fn s10_everything_is_freed_with_the_last_handle() {
    let (store, held) = full_store();
    let other = store.clone();
    drop(store);
    assert!(held.iter().all(|thing| thing.strong_count() > 0));
    drop(other);
    assert!(held.iter().all(|thing| thing.strong_count() == 0));
}

#[test]
fn s10_everything_is_freed_by_dispose() {
    let (store, held) = full_store();
    store.batch(|store| {
        store.set(&HOLDS, Rc::new(77));
        store.dispose();
        assert!(held.iter().all(|thing| thing.strong_count() == 0));
    });
}

#[test]
fn s10_an_observer_that_holds_its_store_is_freed_by_dispose() {
    let store = ReactonStore::new();
    let (own, thing) = (store.clone(), Rc::new(()));
    let weak = Rc::downgrade(&thing);
    store.subscribe(&A, move |_, _| {
        let _ = (&own, &thing);
    });
    let gone = store.downgrade();
    store.dispose();
    assert_eq!(weak.strong_count(), 0);
    drop(store);
    assert!(gone.upgrade().is_none());
}

#[test]
fn s10_a_subscription_does_not_keep_its_store_alive() {
    let store = ReactonStore::new();
    let (_, subscription) = hear(&store);
    let (weak, scoped) = (store.downgrade(), store.effect(|_| ()).scoped());
    drop(store);
    assert!(weak.upgrade().is_none());
    subscription.unsubscribe();
    drop(scoped);
}

#[test]
fn s10_unsubscribing_frees_the_closure_at_once() {
    let store = ReactonStore::new();
    let thing = Rc::new(());
    let (one, two, three) = (Rc::clone(&thing), Rc::clone(&thing), Rc::clone(&thing));
    let subscription = store.subscribe(&A, move |_, _| {
        let _ = &one;
    });
    let effect = store.effect(move |_| {
        let _ = &two;
    });
    let scoped = store
        .watch(&A, move |_, _| {
            let _ = &three;
        })
        .scoped();
    subscription.unsubscribe();
    effect.unsubscribe();
    drop(scoped);
    assert_eq!(Rc::strong_count(&thing), 1);
}

#[test]
fn s10_remove_frees_the_value_and_its_subscriptions_at_once() {
    let store = ReactonStore::new();
    let thing = Rc::new(5);
    let heard = Rc::clone(&thing);
    store.set(&HOLDS, Rc::clone(&thing));
    store.subscribe(&HOLDS, move |_, _| {
        let _ = &heard;
    });
    store.remove(&HOLDS);
    let kept = Rc::clone(&thing);
    let computed = store.computed(move |_| Rc::clone(&kept));
    store.get(&computed);
    store.remove(&computed);
    assert_eq!(Rc::strong_count(&thing), 1);
}

#[test]
fn s10_a_value_that_was_replaced_is_freed_at_once() {
    let store = ReactonStore::new();
    let first = Rc::new(1);
    store.set(&HOLDS, Rc::clone(&first));
    let copy = store.computed(|cx| cx.get(&HOLDS));
    store.subscribe(&copy, |_, _| ());
    store.set(&HOLDS, Rc::new(2));
    assert_eq!(Rc::strong_count(&first), 1);
    store.set(&HOLDS, Rc::clone(&first));
    store.batch(|store| {
        store.set(&HOLDS, Rc::new(3));
        store.get(&copy);
        store.update(&HOLDS, |holds| *holds = Rc::new(4));
    });
    assert_eq!(Rc::strong_count(&first), 1, "a batch has kept a value after its end");
}

#[test]
fn s10_what_was_sent_to_a_store_that_ends_is_freed() {
    let store = ReactonStore::new();
    let (handle, thing) = (store.handle(), Arc::new(()));
    let (early, late, within) = (Arc::clone(&thing), Arc::clone(&thing), handle.clone());
    handle.post(move |_| drop((early, within)));
    drop(store);
    handle.post(move |_| drop(late));
    assert!(handle.is_closed());
    assert_eq!(Arc::strong_count(&thing), 1);
}

#[test]
fn s10_a_store_that_is_used_for_long_does_not_grow() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    for round in 0..1000 {
        let local = store.reacton(round);
        let double = store.computed(move |cx| cx.get(&local) + cx.get(&A));
        let counter = Rc::clone(&runs);
        let effect = store.effect(move |cx| {
            cx.get(&double);
            counter.set(counter.get() + 1);
        });
        store.update(&local, |local| *local += 1);
        effect.unsubscribe();
        store.remove(&double);
        store.remove(&local);
    }
    assert_eq!((runs.get(), Rc::strong_count(&runs)), (2000, 1));
}

#[test]
fn s10_after_everything_else_was_ended_computeds_can_still_be_read() {
    let store = ReactonStore::new();
    let source = store.reacton(1);
    let double = store.computed(move |cx| cx.get(&source) * 2);
    let below = store.computed(move |cx| cx.get(&double) + 1);
    let observers = [
        store.effect(move |cx| {
            cx.get(&below);
        }),
        store.subscribe(&double, |_, _| ()),
        store.watch(&below, |_, _| ()),
    ];
    store.set(&source, 2);
    observers.into_iter().for_each(Subscription::unsubscribe);
    store.set(&source, 3);
    assert_eq!((store.get(&below), store.get(&double)), (7, 6));
}
