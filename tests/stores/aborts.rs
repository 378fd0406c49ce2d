//! S8, S10: a store never aborts the process. A second panic during unwinding would abort it, and so would a panic in a
//! drop. Each test runs in a separate process.

use std::cell::Cell;
use std::panic::panic_any;
use std::rc::Rc;
use std::thread;

use reacton::prelude::*;
use reacton_support::{Log, in_child, panic_of};

use crate::A;

/// Panics when it is dropped, and counts that.
struct Bomb(Rc<Cell<u32>>);

impl Bomb {
    fn new(dropped: &Rc<Cell<u32>>) -> Self {
        Self(Rc::clone(dropped))
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
        panic!("a drop that panics");
    }
}

impl PartialEq for Bomb {
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

fn never(_: &Rc<Bomb>, _: &Rc<Bomb>) -> bool {
    false
}

/// A payload that panics when it is dropped.
struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("the drop of a payload");
    }
}

fn full_of_bombs(dropped: &Rc<Cell<u32>>) -> ReactonStore {
    let store = ReactonStore::new();
    for _ in 0..3 {
        store.reacton(Bomb::new(dropped));
        let (heard, read, kept) = (Bomb::new(dropped), Bomb::new(dropped), Bomb::new(dropped));
        store.subscribe(&A, move |_, _| _ = &heard);
        let computed = store.computed(move |_| _ = &read);
        store.effect(move |cx| {
            cx.get(&computed);
            _ = &kept;
        });
        let in_cleanup = Bomb::new(dropped);
        store.effect(move |cx| {
            let _ = &in_cleanup;
            cx.on_cleanup(|| panic!("a cleanup that panics"));
        });
    }
    store
}

#[test]
fn s10_all_that_panics_when_it_is_dropped_is_dropped_with_the_store() {
    in_child(|| {
        let dropped = Rc::default();
        drop(full_of_bombs(&dropped));
        assert_eq!(dropped.get(), 15);
    });
}

#[test]
fn s10_all_that_panics_when_it_is_dropped_is_dropped_by_dispose_which_panics_once() {
    in_child(|| {
        let dropped = Rc::default();
        let store = full_of_bombs(&dropped);
        assert_eq!(panic_of(|| store.dispose()), "a cleanup that panics");
        assert_eq!(dropped.get(), 15);
        store.dispose();
    });
}

#[test]
fn s10_a_store_that_ends_while_the_thread_unwinds_frees_all() {
    in_child(|| {
        let dropped = Rc::default();
        for dispose in [false, true] {
            let words = panic_of(|| {
                let store = full_of_bombs(&dropped);
                let _end = dispose.then(|| Disposes(store.clone()));
                panic!("of the program");
            });
            assert_eq!(words, "of the program");
        }
        assert_eq!(dropped.get(), 30);
    });
}

#[test]
fn s10_values_that_an_open_batch_has_replaced_are_dropped_by_a_dispose_inside_it() {
    in_child(|| {
        let dropped = Rc::default();
        let store = ReactonStore::new();
        let locals = [0; 3].map(|_| store.reacton(Bomb::new(&dropped)));
        let words = panic_of(|| {
            store.batch(|store| {
                for local in &locals {
                    store.set(local, Bomb::new(&dropped));
                }
                store.dispose();
            });
        });
        assert_eq!((words.as_str(), dropped.get()), ("a drop that panics", 6));
    });
}

struct Disposes(ReactonStore);

impl Drop for Disposes {
    fn drop(&mut self) {
        self.0.dispose();
    }
}

#[test]
fn s8_an_end_drops_all_subscriptions_whatever_their_drops_do() {
    in_child(|| {
        let dropped = Rc::default();
        let store = ReactonStore::new();
        let local = store.reacton(1);
        for _ in 0..3 {
            let bomb = Bomb::new(&dropped);
            store.subscribe(&local, move |_, _| _ = &bomb);
        }
        assert_eq!(panic_of(|| store.remove(&local)), "a drop that panics");
        assert_eq!(dropped.get(), 3);
    });
}

#[test]
fn s8_what_a_run_made_ends_whatever_its_drops_do() {
    in_child(|| {
        let dropped = Rc::<Cell<u32>>::default();
        let store = ReactonStore::new();
        let made = Rc::clone(&dropped);
        store.effect(move |cx| {
            if cx.get(&A) == 1 {
                for _ in 0..3 {
                    cx.store().reacton(Bomb::new(&made));
                    cx.on_cleanup(|| panic!("a cleanup that panics"));
                }
            }
        });
        assert_eq!(panic_of(|| store.set(&A, 2)), "a drop that panics");
        assert_eq!(dropped.get(), 3);
    });
}

#[test]
fn s8_a_commit_drops_all_values_from_before_whatever_their_drops_do() {
    in_child(|| {
        let dropped = Rc::default();
        let store = ReactonStore::new();
        let locals = [(); 3].map(|()| store.reacton(Bomb::new(&dropped)));
        let log = Log::new();
        let heard = log.clone();
        store.subscribe(&locals[2], move |_, _| heard.push(()));
        let words = panic_of(|| {
            store.batch(|store| {
                for local in &locals {
                    store.set(local, Bomb::new(&dropped));
                }
            });
        });
        assert_eq!((words.as_str(), dropped.get()), ("a drop that panics", 3));
        assert_eq!(log.take(), [()], "the observer is called despite the panics");
        store.dispose_quietly();
    });
}

trait DisposeQuietly {
    fn dispose_quietly(&self);
}

impl DisposeQuietly for ReactonStore {
    fn dispose_quietly(&self) {
        panic_of(|| self.dispose());
    }
}

#[test]
fn s8_a_scope_that_ends_while_the_thread_unwinds_panics_no_second_time() {
    in_child(|| {
        let store = ReactonStore::new();
        let words = panic_of(|| {
            let _scoped = store.effect(|cx| cx.on_cleanup(|| panic!("a cleanup"))).scoped();
            let dropped = Rc::default();
            let bomb = Bomb::new(&dropped);
            let _other = store.subscribe(&A, move |_, _| _ = &bomb).scoped();
            panic!("of the program");
        });
        assert_eq!(words, "of the program");
    });
}

/// Sets `A` when it is dropped.
struct SetsA(ReactonStore, u32);

impl Drop for SetsA {
    fn drop(&mut self) {
        self.0.set(&A, self.1);
        self.0.batch(|store| store.set(&A, self.1 + 1));
    }
}

#[test]
fn s8_an_observer_of_a_write_that_is_made_while_the_thread_unwinds_may_panic() {
    in_child(|| {
        let store = ReactonStore::new();
        let log = Log::new();
        let heard = log.clone();
        store.subscribe(&A, move |_, a| {
            heard.push(*a);
            panic!("an observer");
        });
        let words = panic_of(|| {
            let _sets = SetsA(store.clone(), 5);
            panic!("of the program");
        });
        assert_eq!((words.as_str(), log.take()), ("of the program", vec![5, 6]));
        assert_eq!(panic_of(|| store.set(&A, 7)), "an observer");
    });
}

#[test]
fn s8_a_value_that_only_a_panicking_call_holds_may_panic_when_it_is_dropped() {
    in_child(|| {
        let dropped = Rc::default();
        let store = ReactonStore::new();
        let local = store.reacton_with(Rc::new(Bomb::new(&dropped)), never);
        let replace = {
            let dropped = Rc::clone(&dropped);
            move |store: &ReactonStore| store.set(&local, Rc::new(Bomb::new(&dropped)))
        };
        let words = panic_of(|| {
            store.with(&local, |_| {
                replace(&store);
                panic!("a reader");
            })
        });
        assert_eq!(words, "a reader");
        let again = replace.clone();
        let observer = store.subscribe(&local, move |store, _| {
            again(store);
            panic!("an observer");
        });
        store.set_max_rounds(3);
        assert_eq!(panic_of(|| replace(&store)), "a drop that panics");
        observer.unsubscribe();
        let words = panic_of(|| {
            store.update(&local, |value| {
                *value = Rc::new(Bomb::new(&dropped));
            });
        });
        assert_eq!(words, "a drop that panics");
        store.dispose_quietly();
    });
}

#[test]
fn s8_a_value_that_no_store_holds_may_panic_when_it_is_dropped() {
    thread_local! {
        static DROPPED: Rc<Cell<u32>> = Rc::default();
    }
    #[reacton(eq = never)]
    static MEMBERS: Family<u32, Rc<Bomb>> = |_| Rc::new(DROPPED.with(Bomb::new));
    #[reacton(eq = never)]
    static DECLARED: Rc<Bomb> = Rc::new(DROPPED.with(Bomb::new));
    in_child(|| {
        let store = ReactonStore::new();
        assert_eq!(panic_of(|| store.with(&MEMBERS.of(1), |_| panic!("a reader"))), "a reader");
        store.dispose();
        assert_eq!(panic_of(|| store.with(&DECLARED, |_| panic!("a reader"))), "a reader");
        assert_eq!(panic_of(|| store.update(&DECLARED, |_| panic!("an edit"))), "an edit");
        assert_eq!(panic_of(|| store.update(&MEMBERS.of(1), |_| panic!("an edit"))), "an edit");
        assert_eq!(DROPPED.with(|dropped| dropped.get()), 4);
    });
}

#[test]
fn s8_a_new_value_that_cannot_be_compared_may_panic_when_it_is_dropped() {
    in_child(|| {
        let dropped = Rc::default();
        let store = ReactonStore::new();
        let local = store.reacton_with(Bomb::new(&dropped), |_, _| panic!("an equality"));
        assert_eq!(panic_of(|| store.set(&local, Bomb::new(&dropped))), "an equality");
        assert_eq!(dropped.get(), 1);
        store.dispose_quietly();
    });
}

#[test]
fn s8_a_panics_payload_may_panic_when_it_is_dropped() {
    in_child(|| {
        let store = ReactonStore::new();
        for _ in 0..3 {
            store.subscribe(&A, |_, _| panic_any(Payload));
        }
        let computed = store.computed(|cx| {
            cx.get(&A);
            panic_any(Payload)
        });
        let read = move |cx: &Reader<'_>| cx.with(&computed, |(): &()| ());
        let first = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| store.effect(read)));
        std::mem::forget(first.expect_err("the computed panics"));
        for a in 2..5 {
            let payload = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                store.set(&A, a);
            }));
            assert!(payload.as_ref().is_err_and(|payload| payload.is::<Payload>()));
            std::mem::forget(payload);
            let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                store.get(&computed);
            }));
            std::mem::forget(read);
        }
        drop(store);
    });
}

thread_local! {
    static AT_THE_END: Cell<Option<SetsA>> = const { Cell::new(None) };
}

#[test]
fn s10_a_store_in_a_thread_local_ends_with_its_thread() {
    in_child(|| {
        let thread = thread::spawn(|| {
            let dropped = Rc::default();
            let store = full_of_bombs(&dropped);
            let doubled = store.computed(|cx| cx.get(&A) * 2);
            store.effect(move |cx| _ = cx.get(&doubled));
            AT_THE_END.set(Some(SetsA(store, 3)));
        });
        assert!(thread.join().is_ok());
    });
}

thread_local! {
    static HOOKED: std::cell::RefCell<Option<ReactonStore>> = const { std::cell::RefCell::new(None) };
}

/// Sets a panic hook that writes the number of panics so far to a store, and reads it. Returns that store.
fn store_with_a_panic_hook() -> ReactonStore {
    let store = ReactonStore::new();
    HOOKED.set(Some(store.clone()));
    std::panic::set_hook(Box::new(|_| {
        let store = HOOKED.with_borrow(Clone::clone);
        if let Some(store) = store {
            store.update(&A, |a| *a += 1);
            assert!(store.get(&A) > 0);
        }
    }));
    store
}

#[test]
fn s8_a_panic_hook_may_use_the_store_that_refuses_a_removed_local() {
    in_child(|| {
        let store = store_with_a_panic_hook();
        let (x, made) = (store.reacton(0), Rc::new(Cell::new(None)));
        let keeps = Rc::clone(&made);
        store.effect(move |cx| {
            cx.get(&x);
            if keeps.get().is_none() {
                keeps.set(Some(cx.store().reacton(5)));
            }
        });
        store.set(&x, 1);
        let made = made.get().expect("the first run creates it");
        let before = store.get(&A);
        let words = panic_of(|| store.get(&made));
        assert!(words.starts_with("a local reacton was used after it was removed: "), "{words}");
        assert_eq!(store.get(&A), before + 1);
        store.remove(&x);
        assert_eq!(panic_of(|| store.get(&x)), "a local reacton was used after it was removed");
        store.dispose();
        assert!(panic_of(|| store.get(&x)).contains("disposed"));
    });
}
