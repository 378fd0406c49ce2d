//! I5 and L3: user code that panics while a value is installed or sent. Nothing of the transaction is lost.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, LocalKey};

use reacton::prelude::*;
use reacton_support::{OnEvent, TIMEOUT, panic_of, receive, wait_until};
use serde::{Deserialize, Serialize};
use tracing::subscriber::with_default;

use crate::{ASK, answer, ask, end};

thread_local! {
    /// Dropping this number panics on this thread.
    static DROP: Cell<u32> = const { Cell::new(u32::MAX) };
    /// Comparing with this number panics on this thread.
    static COMPARE: Cell<u32> = const { Cell::new(u32::MAX) };
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fuse(u32);

impl Drop for Fuse {
    fn drop(&mut self) {
        // When the thread ends, the thread local may be gone.
        let panics = DROP.try_with(Cell::get) == Ok(self.0) && !thread::panicking();
        assert!(!panics, "dropped {}", self.0);
    }
}

impl PartialEq for Fuse {
    fn eq(&self, other: &Self) -> bool {
        let number = COMPARE.get();
        assert!(self.0 != number && other.0 != number, "compared {number}");
        self.0 == other.0
    }
}

#[reacton]
static FUSE: Fuse = Fuse(0);

#[reacton(zero_copy)]
static HANDED: Fuse = Fuse(0);

#[reacton]
static BESIDE: u32 = 0;

/// What the first worker is to write to the other reactons, in one batch; from `ALONE` on, to `FUSE` alone.
#[reacton]
static ORDER: u32 = 0;

const ALONE: u32 = 100;

fn write(store: &ReactonStore, number: u32) {
    store.batch(|store| {
        store.set(&FUSE, Fuse(number));
        store.set(&HANDED, Fuse(number));
        store.set(&BESIDE, number);
    });
}

fn held(store: &ReactonStore) -> [u32; 3] {
    [store.with(&FUSE, |fuse| fuse.0), store.with(&HANDED, |fuse| fuse.0), store.get(&BESIDE)]
}

type Worker = (IsolateStore, Receiver<[u32; 3]>);

/// A worker that writes the value of `ORDER` to the other reactons if `obeys` is set.
fn worker(store: &ReactonStore, delivery: Delivery, obeys: bool) -> Worker {
    let (tell, told) = channel();
    let shared = shared![FUSE, HANDED, BESIDE, ORDER, ASK];
    let worker = IsolateStore::builder().delivery(delivery).shared(shared);
    let worker = worker.spawn(store, move |store| {
        answer(store, tell, held);
        if obeys {
            store.subscribe(&ORDER, |store, order| match *order {
                ALONE.. => store.set(&FUSE, Fuse(*order)),
                order => write(store, order),
            });
        }
    });
    (worker.expect("the worker starts"), told)
}

/// Main applies a write of the first worker while something panics. Afterwards main and both workers hold the value.
#[track_caller]
fn take_in_while(panics: &'static LocalKey<Cell<u32>>, at: u32) {
    let store = ReactonStore::new();
    let (first, other) =
        (worker(&store, Delivery::Every, true), worker(&store, Delivery::Every, false));
    let heard = Rc::new(Cell::new(0));
    let count = heard.clone();
    store.subscribe(&BESIDE, move |_, beside| count.set(*beside));
    store.set(&ORDER, 1);
    wait_until(&store, |store| held(store) == [1, 1, 1]);
    panics.with(|number| number.set(at));
    store.set(&ORDER, 2);
    let words = panic_of(|| wait_until(&store, |store| held(store) == [2, 2, 2]));
    panics.with(|number| number.set(u32::MAX));
    assert!(words.contains(&at.to_string()), "{words}");
    assert_eq!(
        (held(&store), heard.get()),
        ([2, 2, 2], 2),
        "the values are applied, and the observers are called"
    );
    assert_eq!(ask(&store, &other.1), [2, 2, 2], "relayed");
    assert_eq!(receive(&first.1), [2, 2, 2]);
    assert_eq!(
        store.get(first.0.last_error()),
        None,
        "the panic was reported as an error of the value"
    );
    end(first.0);
    end(other.0);
}

#[test]
fn i5_a_panic_in_the_drop_of_a_displaced_value_loses_nothing_of_the_transaction() {
    take_in_while(&DROP, 1);
}

#[test]
fn i5_a_value_that_arrives_alone_is_forwarded_although_the_drop_of_the_one_before_panics() {
    let store = ReactonStore::new();
    let (first, other) =
        (worker(&store, Delivery::Every, true), worker(&store, Delivery::Every, false));
    store.set(&ORDER, 1);
    wait_until(&store, |store| held(store) == [1, 1, 1]);
    DROP.set(1);
    store.set(&ORDER, ALONE);
    let words = panic_of(|| wait_until(&store, |store| held(store) == [ALONE, 1, 1]));
    DROP.set(u32::MAX);
    assert!(words.contains("dropped 1"), "{words}");
    assert_eq!(held(&store), [ALONE, 1, 1]);
    assert_eq!(ask(&store, &other.1), [ALONE, 1, 1], "relayed");
    end(first.0);
    end(other.0);
}

#[test]
fn i5_a_panic_in_a_comparison_loses_nothing_of_the_transaction() {
    take_in_while(&COMPARE, 2);
}

#[test]
fn l3_a_panic_in_the_drop_of_a_replaced_value_fails_the_worker() {
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![FUSE, HANDED, BESIDE], |_| DROP.set(1));
    let worker = worker.expect("the worker starts");
    write(&store, 1);
    write(&store, 2);
    wait_until(&store, |store| store.get(worker.status()) != IsolateStatus::Running);
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else {
        panic!("{:?}", store.get(worker.status()))
    };
    assert!(message.contains("dropped 1"), "{message}");
    assert_eq!(store.get(worker.last_error()), None);
}

#[test]
fn l6_a_panic_in_the_drop_of_an_initial_value_is_an_error_of_spawn() {
    thread_local!(static HOME: Cell<bool> = const { Cell::new(false) });
    #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
    struct Homebound(u32);
    impl Drop for Homebound {
        fn drop(&mut self) {
            let away = HOME.try_with(Cell::get) == Ok(false) && !thread::panicking();
            assert!(!away || self.0 > 0, "an initial value was dropped on another thread");
        }
    }
    #[reacton]
    static HOMEBOUND: Homebound = Homebound(0);
    HOME.set(true);
    let store = ReactonStore::new();
    store.set(&HOMEBOUND, Homebound(1));
    let failed = IsolateStore::spawn(&store, shared![HOMEBOUND], |_| {});
    let Err(error @ SpawnError::Died { .. }) = failed else { panic!("spawn succeeds: {failed:?}") };
    assert!(error.to_string().contains("dropped on another thread"), "{error}");
    assert_eq!(store.run_until(TIMEOUT, |_| false), Err(RunError::Disconnected));
}

#[test]
fn i5_a_panic_in_drop_does_not_keep_a_local_write_from_any_link() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let store = ReactonStore::new();
        let workers: Vec<_> = (0..3).map(|_| worker(&store, delivery, false)).collect();
        let heard = Rc::new(Cell::new(0));
        let count = heard.clone();
        store.subscribe(&FUSE, move |_, fuse| count.set(fuse.0));
        store.set(&FUSE, Fuse(1));
        DROP.set(1);
        let words = panic_of(|| store.set(&FUSE, Fuse(2)));
        assert!(words.contains("dropped 1"), "{words}");
        assert_eq!(heard.get(), 2, "the observers are called before the panic is resumed");
        DROP.set(u32::MAX);
        write(&store, 3);
        DROP.set(3);
        let words = panic_of(|| write(&store, 4));
        assert!(words.contains("dropped 3"), "{words}");
        DROP.set(4);
        let words = panic_of(|| store.remove(&FUSE));
        assert!(words.contains("dropped 4"), "{words}");
        DROP.set(u32::MAX);
        assert_eq!(held(&store), [0, 4, 4]);
        store.update(&ASK, |asked| *asked += 1);
        for (worker, told) in workers {
            assert_eq!(receive(&told), [0, 4, 4], "{delivery:?}");
            end(worker);
        }
    }
}

#[test]
fn i5_a_panic_in_drop_does_not_keep_what_is_restored_or_removed_from_others() {
    let store = ReactonStore::new();
    let (worker, told) = worker(&store, Delivery::Every, false);
    let before = store.snapshot();
    store.set(&BESIDE, 5);
    store.set(&FUSE, Fuse(6));
    DROP.set(6);
    let words = panic_of(|| store.restore(&before));
    assert!(words.contains("dropped 6"), "{words}");
    DROP.set(u32::MAX);
    // The captures of a subscription are dropped first when the reacton is removed.
    store.set(&BESIDE, 7);
    let captured = Fuse(8);
    store.subscribe(&BESIDE, move |_, _| _ = &captured);
    DROP.set(8);
    let words = panic_of(|| store.remove(&BESIDE));
    assert!(words.contains("dropped 8"), "{words}");
    DROP.set(u32::MAX);
    assert_eq!(held(&store), [0, 0, 0]);
    assert_eq!(ask(&store, &told), [0, 0, 0]);
    end(worker);
}

#[test]
fn i5_a_panic_in_a_tracing_subscriber_does_not_keep_a_write_from_any_link() {
    let store = ReactonStore::new();
    let workers: Vec<_> = (0..3).map(|_| worker(&store, Delivery::Every, false)).collect();
    let heard = Rc::new(Cell::new(0));
    let count = heard.clone();
    store.subscribe(&BESIDE, move |_, beside| count.set(*beside));
    let has_panicked = AtomicBool::new(false);
    let panics_once = OnEvent(move |_: &str| {
        assert!(has_panicked.swap(true, Ordering::Relaxed), "the subscriber");
    });
    let words = with_default(panics_once, || panic_of(|| store.set(&BESIDE, 5)));
    assert_eq!((words.as_str(), heard.get()), ("the subscriber", 5));
    store.update(&ASK, |asked| *asked += 1);
    for (worker, told) in workers {
        assert_eq!(receive(&told), [0, 0, 5]);
        end(worker);
    }
}
