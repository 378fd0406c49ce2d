//! G3: scopes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{Log, panic_of, quietly};

#[reacton]
static COUNT: u32 = 0;
#[reacton]
static SEEN: u32 = 0;

/// A part of a program, as a module has one.
mod feature {
    use super::*;

    pub(super) fn start(store: &ReactonStore, log: &Log<u32>) -> Scope {
        let log = log.clone();
        store.scope(|store| {
            let offset = store.reacton(100);
            let sum = store.computed(move |cx| cx.get(&COUNT) + cx.get(&offset));
            store.effect(move |cx| log.push(cx.get(&sum)));
            store.subscribe(&COUNT, |store, count| store.set(&SEEN, *count));
        })
    }
}

#[test]
fn g3_what_a_scope_has_made_ends_with_it() {
    let store = ReactonStore::new();
    let log = Log::new();
    let scope = feature::start(&store, &log);
    store.set(&COUNT, 1);
    assert_eq!((log.take(), store.get(&SEEN)), (vec![100, 101], 1));
    drop(scope);
    store.set(&COUNT, 2);
    // The values of statics stay.
    assert_eq!((log.take(), store.get(&SEEN), store.get(&COUNT)), (vec![], 1, 2));
    // It can be started again.
    let _again = feature::start(&store, &log);
    store.set(&COUNT, 3);
    assert_eq!((log.take(), store.get(&SEEN)), (vec![102, 103], 3));
}

#[test]
fn g3_a_local_of_an_ended_scope_says_so() {
    let store = ReactonStore::new();
    let made = Cell::new(None);
    let scope = store.scope(|store| made.set(Some(store.reacton(1))));
    let local = made.get().expect("the reacton was made");
    assert_eq!(store.get(&local), 1);
    drop(scope);
    let words = panic_of(|| store.get(&local));
    assert!(words.contains("the scope made at tests/groups/scopes.rs"), "{words}");
    assert!(words.contains("untracked_root"), "{words}");
}

#[test]
fn g3_an_untracked_root_outlives_the_scope() {
    let store = ReactonStore::new();
    let made = Cell::new(None);
    drop(store.scope(|store| {
        store.untracked_root(|store| made.set(Some(store.reacton(1))));
    }));
    assert_eq!(made.get().map(|local| store.get(&local)), Some(1));
}

#[test]
fn g3_scopes_are_nested() {
    let store = ReactonStore::new();
    let log = Log::new();
    let inner = Rc::new(RefCell::new(None));
    let (slot, heard) = (Rc::clone(&inner), log.clone());
    let outer = store.scope(move |store| {
        let deeper = heard.clone();
        store.subscribe(&COUNT, move |_, count| heard.push(("outer", *count)));
        *slot.borrow_mut() = Some(store.scope(move |store| {
            store.subscribe(&COUNT, move |_, count| deeper.push(("inner", *count)));
        }));
    });
    store.set(&COUNT, 1);
    assert_eq!(log.take(), [("outer", 1), ("inner", 1)]);
    inner.borrow_mut().take();
    store.set(&COUNT, 2);
    assert_eq!(log.take(), [("outer", 2)]);
    drop(outer);
    store.set(&COUNT, 3);
    assert!(log.take().is_empty());
}

#[test]
fn g3_the_outer_scope_ends_the_inner_one() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (inner, heard) = (Rc::new(RefCell::new(None)), log.clone());
    let slot = Rc::clone(&inner);
    let outer = store.scope(move |store| {
        *slot.borrow_mut() = Some(store.scope(move |store| {
            store.subscribe(&COUNT, move |_, count| heard.push(*count));
        }));
    });
    drop(outer);
    store.set(&COUNT, 1);
    assert!(log.take().is_empty());
    inner.borrow_mut().take();
}

#[test]
fn g3_what_the_closure_returns_is_kept() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (one, two) = (log.clone(), log.clone());
    let scope = store.scope(|store| {
        let scoped = store.subscribe(&COUNT, move |_, count| one.push(*count)).scoped();
        (scoped, feature::start(store, &two))
    });
    store.set(&COUNT, 1);
    assert_eq!(log.take(), [100, 1, 101]);
    drop(scope);
    store.set(&COUNT, 2);
    assert!(log.take().is_empty());
}

#[test]
fn g3_after_a_panic_in_the_closure_nothing_is_left() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let words = panic_of(|| {
        store.scope(|store| {
            store.subscribe(&COUNT, move |_, count| heard.push(*count));
            panic!("no such device")
        })
    });
    assert_eq!(words, "no such device");
    store.set(&COUNT, 1);
    assert!(log.take().is_empty());
    // What is made afterwards belongs to no scope.
    let local = store.reacton(1);
    assert_eq!(store.get(&local), 1);
}

#[test]
fn g3_a_scope_that_fails_is_none() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let failed = store.try_scope(|store| {
        store.subscribe(&COUNT, move |_, count| heard.push(*count));
        "x".parse::<u32>()
    });
    assert!(failed.is_err());
    let heard = log.clone();
    let scope = store.try_scope(|store| {
        store.subscribe(&COUNT, move |_, count| heard.push(*count));
        "1".parse::<u32>()
    });
    store.set(&COUNT, 1);
    assert_eq!(log.take(), [1]);
    drop(scope);
    store.set(&COUNT, 2);
    assert!(log.take().is_empty());
}

#[test]
fn g3_an_observer_may_drop_its_own_scope() {
    let store = ReactonStore::new();
    let slot = Rc::new(RefCell::new(None));
    let log = Log::new();
    let (own, heard, later) = (Rc::clone(&slot), log.clone(), log.clone());
    let scope = store.scope(move |store| {
        store.subscribe(&COUNT, move |_, count| {
            heard.push(("first", *count));
            drop(own.borrow_mut().take());
        });
        // In the same round, but after the scope has ended.
        store.subscribe(&COUNT, move |_, count| later.push(("second", *count)));
    });
    *slot.borrow_mut() = Some(scope);
    store.set(&COUNT, 1);
    store.set(&COUNT, 2);
    assert_eq!(log.take(), [("first", 1)]);
}

#[test]
fn g3_a_scope_in_an_effect_ends_with_the_run() {
    let store = ReactonStore::new();
    let go = store.reacton(0);
    let log = Log::new();
    let heard = log.clone();
    let kept = Rc::new(RefCell::new(Vec::new()));
    let scopes = Rc::clone(&kept);
    store.effect(move |cx| {
        let (run, log) = (cx.get(&go), heard.clone());
        scopes.borrow_mut().push(cx.store().scope(move |store| {
            store.subscribe(&COUNT, move |_, count| log.push((run, *count)));
        }));
    });
    store.set(&COUNT, 1);
    store.set(&go, 1);
    store.set(&COUNT, 2);
    assert_eq!(log.take(), [(0, 1), (1, 2)]);
    kept.borrow_mut().clear();
    store.set(&COUNT, 3);
    assert!(log.take().is_empty());
}

#[test]
fn g3_a_scope_may_outlive_its_store() {
    let (store, log) = (ReactonStore::new(), Log::new());
    let scope = feature::start(&store, &log);
    store.dispose();
    drop((scope, store.scope(|store| store.subscribe(&COUNT, |_, _| ()))));
    let store = ReactonStore::new();
    let scope = feature::start(&store, &log);
    drop(store);
    drop(scope);
}

#[worker(shared = [COUNT, SEEN])]
fn echo(store: &ReactonStore) {
    store.subscribe(&COUNT, |store, count| store.set(&SEEN, *count));
}

#[test]
fn g3_an_isolate_belongs_to_the_scope_in_which_it_was_spawned() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let scope = store.try_scope(|store| echo::spawn(store).map(drop)).expect("the worker starts");
    store.set(&COUNT, 1);
    simulation.settle();
    assert_eq!(store.get(&SEEN), 1);
    drop(scope);
    store.set(&COUNT, 2);
    simulation.settle();
    assert_eq!((store.get(&SEEN), simulation.workers().len()), (1, 0));
}

#[test]
fn g3_a_handle_that_leaves_the_closure_works_as_usual() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let mut handle = None;
    let scope = store.scope(|store| handle = echo::spawn(store).ok());
    let worker = handle.take().expect("the worker starts");
    simulation.settle();
    assert_eq!(store.get(worker.status()), IsolateStatus::Running);
    drop(worker);
    simulation.settle();
    assert_eq!(simulation.workers().len(), 0);
    drop(scope);
    // And the other way round.
    let scope = store.scope(|store| handle = echo::spawn(store).ok());
    let worker = handle.take().expect("the worker starts");
    drop(scope);
    simulation.settle();
    assert_eq!(store.get(worker.status()), IsolateStatus::Disposed);
    drop(worker);
    // A detached one ends with the scope, too.
    let scope = store.scope(|store| echo::spawn(store).into_iter().for_each(IsolateStore::detach));
    simulation.settle();
    assert_eq!(simulation.workers().len(), 1);
    drop(scope);
    simulation.settle();
    assert_eq!(simulation.workers().len(), 0);
}

#[test]
fn g3_a_pool_belongs_to_its_scope() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let scope = store.scope(|store| drop(echo::builder().pool(3).spawn(store)));
    store.set(&COUNT, 4);
    simulation.settle();
    assert_eq!((store.get(&SEEN), simulation.workers().len()), (4, 3));
    drop(scope);
    simulation.settle();
    assert_eq!(simulation.workers().len(), 0);
    let mut handle = None;
    let scope = store.scope(|store| handle = echo::builder().pool(2).spawn(store).ok());
    simulation.settle();
    assert_eq!(simulation.workers().len(), 2);
    drop(scope);
    simulation.settle();
    assert_eq!(simulation.workers().len(), 0);
    drop(handle);
}

#[test]
fn g3_a_spawn_that_fails_in_a_scope_leaves_nothing() {
    let store = ReactonStore::new();
    let scope = store.scope(|store| {
        let refused = IsolateStore::builder()
            .shared(shared![COUNT])
            .spawn(store, |_: &ReactonStore| -> Result<(), String> { Err("no".into()) });
        assert!(quietly(|| refused.is_ok()));
    });
    drop(scope);
}

#[test]
fn g3_a_callback_of_on_wake_ends_with_the_scope() {
    let store = ReactonStore::new();
    let (sender, receiver) = std::sync::mpsc::channel();
    let scope = store.scope(|store| {
        store.on_wake(move || sender.send(()).expect("the test listens"));
    });
    let handle = store.handle();
    std::thread::spawn(move || handle.set(&COUNT, 1)).join().expect("the write returns");
    store.pump();
    receiver.try_recv().expect("the observer was called");
    drop(scope);
    reacton_support::expect_disconnected(&receiver);
}
