//! S7: deep chains do not overflow the stack: first runs, nested effects, and their ends.

use std::cell::Cell;
use std::rc::Rc;
use std::thread;

use reacton::prelude::*;
use reacton_support::{in_child, panic_of};

/// A chain of computeds, and its source.
fn chain(store: &ReactonStore, length: usize) -> (LocalReacton<u64>, LocalComputed<u64>) {
    let source = store.reacton(0);
    let first = store.computed(move |cx| cx.get(&source));
    let last = (0..length).fold(first, |before, _| store.computed(move |cx| cx.get(&before) + 1));
    (source, last)
}

fn on_a_thread_of(bytes: usize, f: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(bytes).spawn(f).expect("the worker starts");
    thread.join().expect("the thread does not panic");
}

#[test]
fn s7_the_first_read_of_a_long_chain_grows_the_stack() {
    in_child(|| {
        for bytes in [64 << 10, 2 << 20] {
            on_a_thread_of(bytes, || {
                let store = ReactonStore::new();
                let (source, last) = chain(&store, 50_000);
                assert_eq!(store.get(&last), 50_000);
                store.set(&source, 1);
                assert_eq!(store.get(&last), 50_001);
            });
        }
    });
}

#[test]
fn s7_a_panic_at_the_end_of_a_long_chain_reaches_its_reader_and_is_over_with_its_cause() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            let store = ReactonStore::new();
            let source = store.reacton(0_u64);
            let first = store.computed(move |cx| {
                let value = cx.get(&source);
                assert!(value != 0, "nothing");
                value
            });
            let last =
                (0..5000).fold(first, |before, _| store.computed(move |cx| cx.get(&before) + 1));
            assert_eq!(panic_of(|| store.get(&last)), "nothing");
            store.set(&source, 1);
            assert_eq!(store.get(&last), 5001);
        });
    });
}

/// An effect whose run makes the next effect, up to `depth`.
fn nested(store: &ReactonStore, runs: &Rc<Cell<u32>>, depth: u32) {
    let runs = Rc::clone(runs);
    store.effect(move |cx| {
        runs.set(runs.get() + 1);
        cx.on_cleanup({
            let runs = Rc::clone(&runs);
            move || runs.set(runs.get() - 1)
        });
        if depth > 0 {
            nested(cx.store(), &runs, depth - 1);
        }
    });
}

#[test]
fn s7_effects_that_make_effects_grow_the_stack_and_end_without_it() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            let store = ReactonStore::new();
            let (again, runs) = (store.reacton(0), Rc::new(Cell::new(0)));
            let counted = Rc::clone(&runs);
            let outermost = store.effect(move |cx| {
                cx.get(&again);
                nested(cx.store(), &counted, 20_000);
            });
            assert_eq!(runs.get(), 20_001);
            store.set(&again, 1);
            assert_eq!(runs.get(), 20_001, "the effects of the last run have ended");
            outermost.unsubscribe();
            assert_eq!(runs.get(), 0);
        });
    });
}

#[test]
fn s7_what_is_nested_level_by_level_ends_innermost_first_and_without_recursion() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            type Opens = Rc<Cell<Option<LocalReacton<bool>>>>;
            /// An effect that makes the next one when it is opened.
            fn level(store: &ReactonStore, at: u32, next: &Opens, ended: &Rc<Cell<u32>>) {
                let opened = store.reacton(false);
                next.set(Some(opened));
                let (next, ended) = (Rc::clone(next), Rc::clone(ended));
                store.effect(move |cx| {
                    if cx.get(&opened) {
                        cx.on_cleanup({
                            let ended = Rc::clone(&ended);
                            move || {
                                assert!(ended.get() == 0 || ended.get() == at + 1, "{at}");
                                ended.set(at);
                            }
                        });
                        cx.untracked(|store| level(store, at + 1, &next, &ended));
                    }
                });
            }
            let store = ReactonStore::new();
            let (next, ended): (Opens, _) = (Rc::default(), Rc::new(Cell::new(0)));
            level(&store, 1, &next, &ended);
            let outermost = next.get().expect("the first level is created");
            for _ in 0..20_000 {
                store.set(&next.get().expect("a level is created"), true);
            }
            store.set(&outermost, false);
            assert_eq!(ended.get(), 1);
        });
    });
}

/// A watch whose first call makes the next watch, up to `depth`.
fn watch_nested(store: &ReactonStore, calls: &Rc<Cell<u32>>, local: LocalReacton<u32>, depth: u32) {
    let calls = Rc::clone(calls);
    store.watch(&local, move |store, _| {
        calls.set(calls.get() + 1);
        if depth > 0 {
            watch_nested(store, &calls, local, depth - 1);
        }
    });
}

#[test]
fn s7_watches_that_watch_in_their_first_call_grow_the_stack() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            let (store, calls) = (ReactonStore::new(), Rc::new(Cell::new(0)));
            let local = store.reacton(0);
            watch_nested(&store, &calls, local, 20_000);
            assert_eq!(calls.get(), 20_001);
        });
    });
}

#[test]
fn s7_cleanups_that_each_end_the_next_observer_grow_the_stack() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            let (store, ended) = (ReactonStore::new(), Rc::new(Cell::new(0)));
            let mut first = store.effect(|_| ());
            for _ in 0..20_000 {
                let (next, ended) = (Rc::new(Cell::new(Some(first))), Rc::clone(&ended));
                first = store.effect(move |cx| {
                    let (next, ended) = (Rc::clone(&next), Rc::clone(&ended));
                    cx.on_cleanup(move || {
                        if let Some(next) = next.take() {
                            next.unsubscribe();
                        }
                        ended.set(ended.get() + 1);
                    });
                });
            }
            first.unsubscribe();
            assert_eq!(ended.get(), 20_000);
        });
    });
}

#[test]
fn s7_cleanups_that_each_remove_the_next_computed_grow_the_stack() {
    in_child(|| {
        on_a_thread_of(256 << 10, || {
            let (store, ended) = (ReactonStore::new(), Rc::new(Cell::new(0)));
            let mut first = store.computed(|_| 0);
            for _ in 0..20_000 {
                let (next, ended) = (first, Rc::clone(&ended));
                first = store.computed(move |cx| {
                    let (store, ended) = (cx.store().clone(), Rc::clone(&ended));
                    cx.on_cleanup(move || {
                        store.remove(&next);
                        ended.set(ended.get() + 1);
                    });
                    0
                });
                store.get(&first);
            }
            store.remove(&first);
            assert_eq!(ended.get(), 20_000);
        });
    });
}
