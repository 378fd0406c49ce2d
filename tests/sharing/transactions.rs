//! I2 and I11: transactions arrive whole, in one step, and after those that caused them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc::channel;

use reacton::prelude::*;
use reacton_support::{receive, wait_until};

use crate::{ASK, answer, ask, end};

#[reacton]
static LEFT: u32 = 0;

#[reacton]
static RIGHT: u32 = 0;

#[reacton]
static DONE: u32 = 0;

#[reacton]
static LIMITED: i32 = 0;

const MANY: u32 = 1000;

/// How often an effect over the pair ran, and whether it ever saw halves of different transactions.
#[derive(Clone, Default)]
struct Seen {
    rounds: Rc<Cell<u32>>,
    mixed: Rc<Cell<bool>>,
}

impl Seen {
    fn watch(store: &ReactonStore) -> Self {
        let seen = Self::default();
        let Self { rounds, mixed } = seen.clone();
        store.effect(move |cx| {
            rounds.set(rounds.get() + 1);
            mixed.set(mixed.get() || cx.get(&LEFT) != cx.get(&RIGHT));
        });
        seen
    }

    fn result(&self) -> (u32, bool) {
        (self.rounds.get(), self.mixed.get())
    }
}

fn write_pairs(store: &ReactonStore) {
    for n in 1..=MANY {
        store.batch(|store| {
            store.set(&LEFT, n);
            store.set(&RIGHT, n);
        });
    }
}

#[test]
fn i2_a_batch_of_main_arrives_whole_and_as_one_round() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        let seen = Seen::watch(store);
        answer(store, tell, move |_| seen.result());
    })
    .expect("the worker starts");
    write_pairs(&store);
    assert_eq!(ask(&store, &told), (MANY + 1, false));
    assert_eq!(worker.stats().transactions_sent, u64::from(MANY) + 1);
    end(worker);
}

#[test]
fn i2_a_batch_of_a_worker_arrives_whole_and_as_one_round() {
    let store = ReactonStore::new();
    let seen = Seen::watch(&store);
    let worker =
        IsolateStore::spawn(&store, shared![LEFT, RIGHT], write_pairs).expect("the worker starts");
    wait_until(&store, |store| store.get(&LEFT) == MANY);
    assert_eq!(seen.result(), (MANY + 1, false));
    end(worker);
}

#[test]
fn i2_a_forwarded_transaction_arrives_whole() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let watcher = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        let seen = Seen::watch(store);
        answer(store, tell, move |_| seen.result());
    })
    .expect("the worker starts");
    let writer =
        IsolateStore::spawn(&store, shared![LEFT, RIGHT], write_pairs).expect("the worker starts");
    wait_until(&store, |store| store.get(&LEFT) == MANY);
    assert_eq!(ask(&store, &told), (MANY + 1, false));
    end(writer);
    end(watcher);
}

#[test]
fn i2_a_write_in_an_observer_of_main_is_sent_when_it_is_made() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT], move |store| {
        store.subscribe(&RIGHT, move |_, right| tell.send(*right).expect("the channel is open"));
    })
    .expect("the worker starts");
    // The observer continues only after the worker has received the value that the observer wrote.
    store.subscribe(&LEFT, move |store, left| {
        store.set(&RIGHT, *left);
        assert_eq!(receive(&told), *left);
    });
    store.set(&LEFT, 1);
    end(worker);
}

#[test]
fn i2_a_write_in_an_observer_of_a_worker_is_sent_when_it_is_made() {
    let store = ReactonStore::new();
    let (go, signal) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT, DONE], move |store| {
        store.subscribe(&LEFT, move |store, left| {
            store.set(&RIGHT, *left);
            signal.recv().expect("a message arrives");
            store.set(&DONE, *left);
        });
    })
    .expect("the worker starts");
    store.set(&LEFT, 1);
    wait_until(&store, |store| store.get(&RIGHT) == 1);
    assert_eq!(store.get(&DONE), 0);
    go.send(()).expect("the channel is open");
    wait_until(&store, |store| store.get(&DONE) == 1);
    end(worker);
}

#[test]
fn i2_a_batch_is_sent_when_it_ends_and_not_before() {
    let store = ReactonStore::new();
    let worker =
        IsolateStore::spawn(&store, shared![LEFT, RIGHT], |_| {}).expect("the worker starts");
    store.batch(|store| {
        store.set(&LEFT, 1);
        store.batch(|store| store.set(&RIGHT, 1));
        assert_eq!(worker.stats().transactions_sent, 0);
    });
    let stats = worker.stats();
    assert_eq!((stats.transactions_sent, stats.changes_sent), (1, 2));
    end(worker);
}

#[test]
fn i2_a_batch_without_net_effect_sends_nothing() {
    let store = ReactonStore::new();
    let worker =
        IsolateStore::spawn(&store, shared![LEFT, RIGHT], |_| {}).expect("the worker starts");
    store.set(&LEFT, 0);
    store.batch(|store| {
        store.set(&LEFT, 1);
        store.set(&LEFT, 0);
    });
    assert_eq!(worker.stats().transactions_sent, 0);
    // If one half of a transaction has changed, the equal half is sent, too.
    store.batch(|store| {
        store.set(&LEFT, 0);
        store.set(&RIGHT, 1);
    });
    assert_eq!(worker.stats().changes_sent, 2);
    end(worker);
}

#[test]
fn i2_a_batch_that_panics_is_sent_as_far_as_it_came() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        answer(store, tell, |store| (store.get(&LEFT), store.get(&RIGHT)));
    })
    .expect("the worker starts");
    let panicking = std::panic::AssertUnwindSafe(|| {
        store.batch(|store| {
            store.set(&LEFT, 1);
            panic!("half-way");
        })
    });
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(ask(&store, &told), (1, 0));
    end(worker);
}

#[test]
fn i2_a_touch_calls_observers_on_the_other_side_though_nothing_changed() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, DONE], move |store| {
        store.subscribe(&LEFT, move |store, left| {
            tell.send(*left).expect("the channel is open");
            store.touch(&DONE);
        });
    })
    .expect("the worker starts");
    let touched = Rc::new(Cell::new(0));
    let count = Rc::clone(&touched);
    store.subscribe(&DONE, move |_, _| count.set(count.get() + 1));
    store.touch(&LEFT);
    assert_eq!(receive(&told), 0);
    wait_until(&store, |_| touched.get() == 1);
    end(worker);
}

#[test]
fn i2_an_update_that_comes_out_equal_calls_no_observer_on_the_other_side() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT], move |store| {
        store.subscribe(&LEFT, move |_, left| tell.send(*left).expect("the channel is open"));
    })
    .expect("the worker starts");
    let changes = Rc::new(Cell::new(0));
    let count = Rc::clone(&changes);
    store.subscribe(&LEFT, move |_, _| count.set(count.get() + 1));
    store.update(&LEFT, |left| *left = 0);
    assert_eq!(
        (changes.get(), worker.stats().changes_sent),
        (1, 1),
        "the write is a change in main, but not in the worker"
    );
    store.update(&LEFT, |left| *left = 7);
    assert_eq!(receive(&told), 7);
    store.touch(&LEFT);
    assert_eq!(receive(&told), 7);
    end(worker);
}

#[test]
fn i2_a_removed_reacton_is_back_at_its_initial_value_everywhere() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, ASK], move |store| {
        answer(store, tell, |store| store.get(&LEFT));
    })
    .expect("the worker starts");
    store.set(&LEFT, 5);
    assert_eq!(ask(&store, &told), 5);
    store.remove(&LEFT);
    assert_eq!(ask(&store, &told), 0);
    end(worker);
}

/// Reports whether RIGHT, which follows LEFT, was ever seen before it.
fn watch_order(store: &ReactonStore) -> Rc<Cell<bool>> {
    let broken = Rc::new(Cell::new(false));
    let seen = Rc::clone(&broken);
    store.subscribe(&RIGHT, move |store, right| {
        seen.set(seen.get() || store.get(&LEFT) < *right);
    });
    broken
}

#[test]
fn i11_what_main_causes_arrives_after_its_cause() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        let broken = watch_order(store);
        answer(store, tell, move |store| (store.get(&RIGHT), broken.get()));
    })
    .expect("the worker starts");
    store.subscribe(&LEFT, |store, left| store.set(&RIGHT, *left));
    (1..=MANY).for_each(|n| store.set(&LEFT, n));
    assert_eq!(ask(&store, &told), (MANY, false));
    end(worker);
}

#[test]
fn i11_a_third_store_sees_cause_and_effect_of_two_others_in_order() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let effect = IsolateStore::spawn(&store, shared![LEFT, RIGHT], |store| {
        store.subscribe(&LEFT, |store, left| store.set(&RIGHT, *left));
    })
    .expect("the worker starts");
    let watcher = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        let broken = watch_order(store);
        answer(store, tell, move |store| (store.get(&RIGHT), broken.get()));
    })
    .expect("the worker starts");
    let broken = watch_order(&store);
    let cause = IsolateStore::spawn(&store, shared![LEFT], |store| {
        (1..=MANY).for_each(|n| store.set(&LEFT, n));
    })
    .expect("the worker starts");
    wait_until(&store, |store| store.get(&RIGHT) == MANY);
    assert!(!broken.get());
    assert_eq!(ask(&store, &told), (MANY, false));
    [cause, effect, watcher].into_iter().for_each(end);
}

fn clamp(store: &ReactonStore) {
    store.subscribe(&LIMITED, |store, value| {
        if *value > 100 {
            store.set(&LIMITED, 100);
        }
    });
}

#[test]
fn i11_a_main_that_corrects_leaves_both_sides_corrected() {
    let store = ReactonStore::new();
    clamp(&store);
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LIMITED, DONE, ASK], move |store| {
        answer(store, tell, |store| store.get(&LIMITED));
        store.subscribe(&ASK, |store, asked| {
            store.set(&LIMITED, 500);
            store.set(&DONE, *asked);
        });
    })
    .expect("the worker starts");
    // The second time, the correction is the value that main held before. It is a change all the same.
    for round in 1..=2 {
        ask(&store, &told);
        wait_until(&store, |store| store.get(&DONE) == round);
        assert_eq!(store.get(&LIMITED), 100);
    }
    assert_eq!(ask(&store, &told), 100);
    end(worker);
}

#[test]
fn i11_a_worker_that_corrects_leaves_all_sides_corrected() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let corrector =
        IsolateStore::spawn(&store, shared![LIMITED], clamp).expect("the worker starts");
    let other = IsolateStore::spawn(&store, shared![LIMITED, ASK], move |store| {
        answer(store, tell, |store| store.get(&LIMITED));
    })
    .expect("the worker starts");
    for value in [500, 600] {
        store.set(&LIMITED, value);
        wait_until(&store, |store| store.get(&LIMITED) == 100);
        assert_eq!(ask(&store, &told), 100);
    }
    end(corrector);
    end(other);
}

thread_local! {
    /// The main store, for code that runs on its thread.
    static MAIN: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
}

#[test]
fn i2_a_waker_of_the_receiver_may_write_in_the_middle_of_sending() {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = IsolateStore::spawn(&store, shared![LEFT, RIGHT, ASK], move |store| {
        // Called on main's thread.
        store.on_wake(|| {
            if let Some(main) = MAIN.take() {
                main.set(&RIGHT, 5);
            }
        });
        answer(store, tell, |store| (store.get(&LEFT), store.get(&RIGHT)));
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(ask(&store, &told), (0, 0));
    // The store has looked into its inbox, so the next message wakes it.
    MAIN.set(Some(store.clone()));
    store.set(&LEFT, 1);
    assert_eq!(store.get(&RIGHT), 5);
    assert_eq!(ask(&store, &told), (1, 5));
    end(worker);
}
