//! L7: `incoming` returns the value that made `is_stale` return true, and applies nothing.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, receive, wait_until};

use crate::query::{QUERY, Query, REFUSES};
use crate::{INPUT, OUTPUT};

#[reacton]
static TEXT: String = String::new();

#[reacton(zero_copy)]
static WHOLE: Vec<u32> = Vec::new();

#[reacton]
static MEMBER: Family<u32, u32> = |_| 0;

thread_local! {
    /// Called whenever a `Meddler` is cloned.
    static MEDDLES: RefCell<Option<Rc<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A worker that runs `look` when main asks for it, after everything that main has written before.
fn looker(
    store: &ReactonStore,
    shared: SharedSet,
    delivery: Delivery,
    look: impl FnOnce(&ReactonStore) + Send + 'static,
) -> (IsolateStore, Sender<()>, Receiver<()>) {
    let ((go, signal), (done, is_done)) = (channel::<()>(), channel());
    let builder = IsolateStore::builder().delivery(delivery).shared(shared);
    let worker = builder.spawn(store, move |store: &ReactonStore| {
        signal.recv().expect("a message arrives");
        look(store);
        done.send(()).expect("the channel is open");
    });
    (worker.expect("the worker starts"), go, is_done)
}

#[test]
fn l7_the_newest_value_that_waits_is_returned_and_not_applied() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let shared = shared![INPUT, TEXT, WHOLE, OUTPUT];
        let (worker, go, done) = looker(&store, shared, delivery, |store| {
            for _ in 0..2 {
                assert_eq!(store.incoming(&INPUT), Some(3));
                assert_eq!(
                    store.incoming(&TEXT).as_deref(),
                    Some("a text that is longer than a note")
                );
                assert_eq!(store.incoming(&WHOLE), Some(vec![1, 2]));
                assert_eq!(store.incoming(&OUTPUT), None, "no value of `OUTPUT` is queued");
            }
            assert_eq!((store.get(&INPUT), store.get(&TEXT)), (0, String::new()));
            store.pump();
            assert_eq!((store.get(&INPUT), store.incoming(&INPUT)), (3, None));
        });
        (1..=2).for_each(|n| store.set(&INPUT, n));
        store.batch(|store| {
            store.set(&TEXT, String::from("a text that is longer than a note"));
            store.set(&INPUT, 3);
        });
        store.set(&WHOLE, vec![1, 2]);
        go.send(()).expect("the channel is open");
        receive(&done);
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    }
}

#[test]
fn l7_what_loses_is_paused_or_comes_over_a_closed_link_is_not_returned() {
    let store = ReactonStore::new();
    let (worker, go, done) = looker(&store, shared![INPUT], Delivery::Every, |store| {
        store.set(&INPUT, 7);
    });
    go.send(()).expect("the channel is open");
    receive(&done);
    assert_eq!(store.incoming(&INPUT), Some(7));
    worker.pause(&INPUT);
    assert_eq!(store.incoming(&INPUT), None);
    worker.resume(&INPUT);
    assert_eq!(store.incoming(&INPUT), Some(7));
    (1..=3).for_each(|n| store.set(&INPUT, n));
    assert_eq!(store.incoming(&INPUT), None, "main's value is newer than the queued one");
    drop(worker);
    assert_eq!(store.incoming(&INPUT), None);
}

#[test]
fn l7_what_does_not_decode_is_not_returned_and_is_reported_when_it_is_applied() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let (worker, go, done) = looker(&store, shared![QUERY], delivery, |store| {
            REFUSES.set(true);
            assert!(store.is_stale(&QUERY));
            assert_eq!(store.incoming(&QUERY), None);
        });
        store.set(&QUERY, Query(13));
        go.send(()).expect("the channel is open");
        receive(&done);
        wait_until(&store, |store| store.get(worker.last_error()).is_some());
        assert_eq!(worker.shutdown(TIMEOUT), Ok(()));
    }
}

#[test]
fn l7_observers_are_called_after_it_returned_a_value_that_is_equal() {
    for asks in [true, false] {
        let store = ReactonStore::new();
        let calls = store.reacton(0);
        store.subscribe(&INPUT, move |store, _| store.update(&calls, |calls| *calls += 1));
        let (_worker, go, done) = looker(&store, shared![INPUT], Delivery::Latest, |store| {
            store.set(&INPUT, 1);
            store.set(&INPUT, 0);
        });
        go.send(()).expect("the channel is open");
        receive(&done);
        if asks {
            assert_eq!(store.incoming(&INPUT), Some(0));
        }
        store.pump();
        assert_eq!(store.get(&calls), u32::from(asks));
        assert_eq!((store.get(&INPUT), store.incoming(&INPUT)), (0, None));
    }
}

#[test]
fn l7_what_a_handle_sets_is_returned_and_what_a_closure_computes_is_not() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&INPUT, 1);
    handle.set(&INPUT, 2);
    handle.set(&MEMBER.of(1), 5);
    assert_eq!((store.incoming(&INPUT), store.get(&INPUT)), (Some(2), 0));
    assert_eq!((store.incoming(&MEMBER.of(1)), store.incoming(&MEMBER.of(2))), (Some(5), None));
    handle.update(&INPUT, |input| *input += 1);
    assert_eq!((store.is_stale(&INPUT), store.incoming(&INPUT)), (true, None));
    assert_eq!(store.pump(), 4);
    assert_eq!((store.get(&INPUT), store.incoming(&INPUT)), (3, None));
    let local = store.reacton(1);
    assert_eq!(store.incoming(&local), None, "a local reacton is never shared");
    store.dispose();
    handle.set(&INPUT, 9);
    assert_eq!(store.incoming(&INPUT), None);
}

#[derive(PartialEq, Debug)]
struct Meddler(u32);

impl Clone for Meddler {
    fn clone(&self) -> Self {
        if let Some(meddle) = MEDDLES.take() {
            meddle();
        }
        Self(self.0)
    }
}

#[reacton]
static MEDDLER: Meddler = Meddler(0);

#[test]
fn l7_the_clone_of_a_value_that_waits_may_use_the_store_and_may_panic() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&INPUT, 1);
    handle.set(&MEDDLER, Meddler(1));
    handle.set(&INPUT, 2);
    let inner = store.clone();
    MEDDLES.set(Some(Rc::new(move || {
        assert_eq!(inner.pump(), 0, "`pump` in a comparison has applied something");
        assert!(inner.is_stale(&INPUT));
        assert_eq!(inner.incoming(&INPUT), Some(2));
    })));
    assert_eq!(store.incoming(&MEDDLER), Some(Meddler(1)));
    MEDDLES.set(Some(Rc::new(|| panic!("a clone"))));
    let clone = catch_unwind(AssertUnwindSafe(|| store.incoming(&MEDDLER)));
    assert!(clone.is_err());
    assert_eq!(store.pump(), 3, "a transaction was lost in the panic");
    assert_eq!(store.with(&MEDDLER, |meddler| meddler.0), 1);
    assert_eq!(store.get(&INPUT), 2);
    handle.set(&MEDDLER, Meddler(2));
    let inner = store.clone();
    MEDDLES.set(Some(Rc::new(move || inner.dispose())));
    assert_eq!(store.incoming(&MEDDLER), Some(Meddler(2)));
}
