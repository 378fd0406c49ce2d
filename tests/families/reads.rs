//! A read adds no member: a store has the members that were written, and others only while they are observed.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;

thread_local! {
    static MADE: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// Counts how many initial values are made.
#[reacton]
static JOB: Family<u32, String> = |id| {
    MADE.with_borrow_mut(|made| made.push(*id));
    format!("job {id}")
};

fn made() -> Vec<u32> {
    MADE.take()
}

#[test]
fn a_read_keeps_nothing() {
    let store = ReactonStore::new();
    for _ in 0..2 {
        assert_eq!(store.get(&JOB.of(1)), "job 1");
    }
    assert_eq!(store.with(&JOB.of(2), String::len), 5);
    assert!(!store.is_stale(&JOB.of(3)));
    assert_eq!(
        made(),
        [1, 1, 2],
        "each read of an unobserved member makes its initial value again"
    );
    assert!(store.keys(&JOB).is_empty() && store.snapshot().is_empty());
    let handle = store.handle();
    let reader = std::thread::spawn(move || handle.get(&JOB.of(4)));
    let reply = reader.join().expect("the thread does not panic");
    store.pump();
    assert_eq!(futures_lite::future::block_on(reply), Ok("job 4".into()));
    assert!(store.keys(&JOB).is_empty() && store.snapshot().is_empty());
}

#[test]
fn has_and_find_create_nothing() {
    let store = ReactonStore::new();
    made();
    assert!(!store.has(&JOB.of(1)));
    assert_eq!(store.find(&JOB.of(1)), None);
    assert!(made().is_empty());
    store.set(&JOB.of(1), "print".into());
    assert!(store.has(&JOB.of(1)));
    assert_eq!(store.find(&JOB.of(1)), Some("print".into()));
    store.remove(&JOB.of(1));
    store.remove(&JOB.of(2));
    assert!(!store.has(&JOB.of(1)));
    store.dispose();
    assert!(!store.has(&JOB.of(1)));
    assert_eq!(store.find(&JOB.of(1)), None);
}

#[test]
fn every_write_keeps_a_member() {
    let store = ReactonStore::new();
    store.set(&JOB.of(1), "job 1".into());
    store.update(&JOB.of(2), |_| ());
    store.replace(&JOB.of(3), String::new());
    store.update_if(&JOB.of(4), |_| true);
    store.batch(|store| store.set(&JOB.of(5), "x".into()));
    store.handle().set(&JOB.of(6), "y".into());
    store.pump();
    let mut keys = store.keys(&JOB);
    keys.sort_unstable();
    assert_eq!(keys, [1, 2, 3, 4, 5, 6]);
    assert_eq!(store.snapshot().len(), 6);
}

#[test]
fn what_comes_to_nothing_keeps_nothing() {
    let store = ReactonStore::new();
    store.update_if(&JOB.of(1), |_| false);
    store.touch(&JOB.of(2));
    store.batch(|store| {
        store.update_if(&JOB.of(3), |_| false);
        store.touch(&JOB.of(3));
    });
    store.remove(&JOB.of(4));
    made();
    store.get(&JOB.of(1));
    store.get(&JOB.of(2));
    store.get(&JOB.of(3));
    assert_eq!(made(), [1, 2, 3], "an unobserved member was kept");
    store.set(&JOB.of(1), "written".into());
    store.update_if(&JOB.of(1), |_| false);
    assert_eq!(store.find(&JOB.of(1)), Some("written".into()));
}

#[test]
fn what_is_observed_is_held_as_long_as_it_is() {
    let store = ReactonStore::new();
    made();
    let one = store.subscribe(&JOB.of(1), |_, _| ());
    let two = store.subscribe(&JOB.of(1), |_, _| ());
    let effect = store.effect(|cx| {
        cx.get(&JOB.of(1));
        cx.get(&JOB.of(2));
    });
    store.get(&JOB.of(1));
    store.get(&JOB.of(2));
    assert_eq!(made(), [1, 2], "an observed member was made twice");
    assert!(store.keys(&JOB).is_empty() && store.snapshot().is_empty());
    assert!(!store.has(&JOB.of(1)));
    one.unsubscribe();
    effect.unsubscribe();
    store.get(&JOB.of(1));
    assert!(made().is_empty(), "the member is still observed");
    drop(two.scoped());
    store.get(&JOB.of(1));
    store.get(&JOB.of(2));
    assert_eq!(made(), [1, 2]);
}

#[test]
fn a_write_calls_observers_and_stays_after_they_have_ended() {
    let store = ReactonStore::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    let effect = store.effect(move |cx| log.borrow_mut().push(cx.get(&JOB.of(1))));
    store.set(&JOB.of(1), "a".into());
    effect.unsubscribe();
    assert_eq!(*heard.borrow(), ["job 1", "a"]);
    assert_eq!((store.find(&JOB.of(1)), store.keys(&JOB)), (Some("a".into()), vec![1]));
}

#[test]
fn what_a_run_reads_no_more_goes_with_the_run() {
    let store = ReactonStore::new();
    let shown = store.reacton(1);
    store.effect(move |cx| {
        let shown = cx.get(&shown);
        cx.get(&JOB.of(shown));
    });
    store.set(&shown, 2);
    made();
    store.get(&JOB.of(2));
    assert!(made().is_empty());
    store.get(&JOB.of(1));
    assert_eq!(made(), [1], "the previous run has read the member");
}

#[test]
fn what_a_computed_reads_is_held_until_it_reads_something_else() {
    let store = ReactonStore::new();
    let shown = store.reacton(1);
    let title = store.computed(move |cx| {
        let shown = cx.get(&shown);
        cx.get(&JOB.of(shown)).to_uppercase()
    });
    made();
    assert_eq!((store.get(&title), store.get(&title)), ("JOB 1".into(), "JOB 1".into()));
    assert_eq!(made(), [1]);
    store.set(&JOB.of(1), "first".into());
    assert_eq!(store.get(&title), "FIRST");
    store.set(&shown, 2);
    assert_eq!(store.get(&title), "JOB 2");
    store.remove(&title);
    made();
    store.get(&JOB.of(2));
    assert_eq!(made(), [2]);
    assert_eq!(store.keys(&JOB), [1]);
}

#[test]
fn an_untracked_read_in_a_run_keeps_nothing() {
    let store = ReactonStore::new();
    store.effect(|cx| {
        cx.untracked(|store| store.get(&JOB.of(1)));
    });
    made();
    store.get(&JOB.of(1));
    assert_eq!(made(), [1]);
}

#[test]
fn a_dropped_stream_frees_its_member() {
    let store = ReactonStore::new();
    let changes = store.changes(&JOB.of(1));
    let watched = store.handle().watch(&JOB.of(2));
    store.pump();
    made();
    store.get(&JOB.of(1));
    store.get(&JOB.of(2));
    assert!(made().is_empty());
    drop((changes, watched));
    store.pump();
    store.get(&JOB.of(1));
    store.get(&JOB.of(2));
    assert_eq!(made(), [1, 2]);
}

/// S6: an observer may end itself, and with it the member that it observes.
#[test]
fn an_observer_may_end_the_last_subscription_to_its_reacton() {
    let store = ReactonStore::new();
    let own = Rc::new(RefCell::new(None));
    let times = Rc::new(Cell::new(0));
    let (place, count) = (Rc::clone(&own), Rc::clone(&times));
    let subscription = store.subscribe(&JOB.of(1), move |store, _| {
        count.set(count.get() + 1);
        if let Some(own) = place.take() {
            Subscription::unsubscribe(own);
        }
        store.remove(&JOB.of(1));
    });
    own.replace(Some(subscription));
    store.touch(&JOB.of(1));
    store.touch(&JOB.of(1));
    assert_eq!((times.get(), store.has(&JOB.of(1))), (1, false));
}

#[test]
fn a_restore_leaves_the_members_of_the_snapshot() {
    let store = ReactonStore::new();
    store.set(&JOB.of(1), "a".into());
    let before = store.snapshot();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&heard);
    store.subscribe(&JOB.of(2), move |_, job| log.borrow_mut().push(job.clone()));
    store.set(&JOB.of(2), "b".into());
    store.set(&JOB.of(3), "c".into());
    store.restore(&before);
    assert_eq!(store.keys(&JOB), [1]);
    assert_eq!(*heard.borrow(), ["b", "job 2"]);
    assert!(before.diff(&store.snapshot()).is_empty());
    store.set(&JOB.of(2), "d".into());
    assert_eq!(heard.borrow().len(), 3, "the member is still observed");
    assert_eq!(store.get(&JOB.of(3)), "job 3");
}

#[test]
fn s10_members_that_are_removed_leave_nothing() {
    #[reacton(eq = never)]
    static HELD: Family<u32, Option<Rc<()>>> = |_| None;
    let alive = Rc::new(());
    let store = ReactonStore::new();
    for n in 0..1000 {
        let subscription = store.subscribe(&HELD.of(n), |_, _| ());
        store.set(&HELD.of(n), Some(Rc::clone(&alive)));
        subscription.unsubscribe();
        store.remove(&HELD.of(n));
    }
    assert_eq!(Rc::strong_count(&alive), 1);
    assert!(store.keys(&HELD).is_empty());
}
