//! What an effect or a computed owns, and how that is cleaned up when it runs again or ends.

use super::A;
use reacton::prelude::*;
use reacton_support::{Log, panic_of};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

#[test]
fn s6_a_cleanup_runs_before_each_rerun_and_when_the_effect_ends() {
    let store = ReactonStore::new();
    let log = Log::new();
    let source = store.reacton(1);
    let said = log.clone();
    let effect = store.effect(move |cx| {
        let n = cx.get(&source);
        said.push(format!("run {n}"));
        let said = said.clone();
        cx.on_cleanup(move || said.push(format!("clean {n}")));
    });
    store.set(&source, 2);
    effect.unsubscribe();
    store.set(&source, 3);
    assert_eq!(log.take(), ["run 1", "clean 1", "run 2", "clean 2"]);
}

#[test]
fn s6_several_cleanups_run_in_the_order_in_which_they_were_made() {
    let store = ReactonStore::new();
    let log = Log::new();
    let said = log.clone();
    let effect = store.effect(move |cx| {
        for n in 1..=3 {
            let said = said.clone();
            cx.on_cleanup(move || said.push(n));
        }
    });
    effect.unsubscribe();
    assert_eq!(log.take(), [1, 2, 3]);
}

#[test]
fn s6_a_cleanup_is_not_tracked_and_sees_fresh_computeds() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (trigger, other) = (store.reacton(0), store.reacton(1));
    let twice = store.computed(move |cx| cx.get(&other) * 2);
    let said = log.clone();
    let captured = store.clone();
    store.effect(move |cx| {
        cx.get(&trigger);
        let (said, store) = (said.clone(), captured.clone());
        cx.on_cleanup(move || said.push(store.get(&twice)));
    });
    store.set(&other, 5);
    assert_eq!(log.take(), [0; 0], "the effect depends on what its cleanup reads");
    store.set(&trigger, 1);
    assert_eq!(log.take(), [10]);
    store.dispose();
}

#[test]
fn s6_a_cleanup_may_write_what_its_effect_reads_without_a_loop() {
    let store = ReactonStore::new();
    let log = Log::new();
    let source = store.reacton(0);
    let said = log.clone();
    let captured = store.clone();
    let effect = store.effect(move |cx| {
        said.push(cx.get(&source));
        let store = captured.clone();
        cx.on_cleanup(move || store.update(&source, |n| *n += 10));
    });
    store.set(&source, 1);
    assert_eq!(log.take(), [0, 11]);
    effect.unsubscribe();
    store.dispose();
}

#[test]
fn s6_a_cleanup_that_ends_its_effect_keeps_it_from_running() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    let source = store.reacton(0);
    let slot: Rc<Cell<Option<Subscription>>> = Rc::default();
    let (counter, own) = (Rc::clone(&runs), Rc::clone(&slot));
    slot.set(Some(store.effect(move |cx| {
        cx.get(&source);
        counter.set(counter.get() + 1);
        let own = Rc::clone(&own);
        cx.on_cleanup(move || {
            if let Some(effect) = own.take() {
                effect.unsubscribe();
            }
        });
    })));
    store.set(&source, 1);
    store.set(&source, 2);
    assert_eq!(runs.get(), 1);
}

#[test]
fn s8_a_cleanup_that_panics_spares_the_others_and_reaches_the_writer() {
    let store = ReactonStore::new();
    let log = Log::new();
    let source = store.reacton(0);
    let said = log.clone();
    store.effect(move |cx| {
        let n = cx.get(&source);
        let said = said.clone();
        if n == 0 {
            cx.on_cleanup(|| panic!("half-way"));
        }
        cx.on_cleanup(move || said.push(n));
    });
    assert_eq!(panic_of(|| store.set(&source, 1)), "half-way");
    store.set(&source, 2);
    assert_eq!(log.take(), [0, 1], "the effect does not run after the panic");
}

#[test]
fn s10_disposing_the_store_and_dropping_it_clean_up() {
    let log = Log::new();
    for dispose in [true, false] {
        let store = ReactonStore::new();
        let said = log.clone();
        store.effect(move |cx| {
            let said = said.clone();
            cx.on_cleanup(move || said.push(dispose));
        });
        if dispose {
            store.dispose();
        }
        drop(store);
    }
    assert_eq!(log.take(), [true, false]);
}

#[test]
fn s6_an_outer_rerun_ends_its_inner_effects_three_levels_deep_inner_first() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (outer, inner) = (store.reacton(0), store.reacton(0));
    let said = log.clone();
    store.effect(move |cx| {
        cx.get(&outer);
        let middle_said = said.clone();
        cx.store().effect(move |cx| {
            let inner_said = middle_said.clone();
            cx.store().effect(move |cx| {
                inner_said.push(format!("inner {}", cx.get(&inner)));
                let said = inner_said.clone();
                cx.on_cleanup(move || said.push("inner ends".into()));
            });
            let said = middle_said.clone();
            cx.on_cleanup(move || said.push("middle ends".into()));
        });
        let said = said.clone();
        cx.on_cleanup(move || said.push("outer ends".into()));
    });
    assert_eq!(log.take(), ["inner 0"]);
    store.set(&outer, 1);
    assert_eq!(log.take(), ["inner ends", "middle ends", "outer ends", "inner 0"]);
    store.set(&inner, 1);
    assert_eq!(log.take(), ["inner ends", "inner 1"], "two inner effects are left");
}

#[test]
fn s6_an_inner_rerun_leaves_the_outer_effect_alone() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (outer, inner) = (store.reacton(0), store.reacton(0));
    let said = log.clone();
    store.effect(move |cx| {
        said.push(format!("outer {}", cx.get(&outer)));
        let said = said.clone();
        cx.store().effect(move |cx| said.push(format!("inner {}", cx.get(&inner))));
    });
    assert_eq!(log.take(), ["outer 0", "inner 0"]);
    store.set(&inner, 1);
    assert_eq!(log.take(), ["inner 1"], "a read of the inner effect has run the outer one");
    store.set(&outer, 1);
    assert_eq!(log.take(), ["outer 1", "inner 1"], "a write to `outer` runs both effects");
}

#[test]
fn s6_what_an_effect_makes_ends_with_it() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (source, made) = (store.reacton(0), Rc::new(Cell::new(None)));
    let (said, slot) = (log.clone(), Rc::clone(&made));
    let effect = store.effect(move |cx| {
        let local = cx.store().reacton(7);
        slot.set(Some(local));
        let said = said.clone();
        cx.store().subscribe(&source, move |_, n| said.push(*n));
    });
    let local = made.get().expect("the effect has run");
    assert_eq!(store.get(&local), 7);
    store.set(&source, 1);
    effect.unsubscribe();
    store.set(&source, 2);
    assert_eq!(log.take(), [1]);
    assert!(panic_of(|| store.get(&local)).contains("after it was removed"));
}

#[test]
fn s6_what_a_computed_makes_ends_when_it_runs_again() {
    let store = ReactonStore::new();
    let log = Log::new();
    let source = store.reacton(1);
    let said = log.clone();
    let computed = store.computed(move |cx| {
        let n = cx.get(&source);
        let said = said.clone();
        cx.on_cleanup(move || said.push(n));
        n
    });
    assert_eq!((store.get(&computed), store.get(&computed)), (1, 1));
    store.set(&source, 2);
    assert_eq!(log.take(), [0; 0], "a computed was run without a read");
    assert_eq!(store.get(&computed), 2);
    store.remove(&computed);
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn s6_what_is_made_outside_of_a_run_has_no_owner() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (trigger, source) = (store.reacton(0), store.reacton(0));
    store.effect(move |cx| _ = cx.get(&trigger));
    let said = log.clone();
    store.subscribe(&source, move |_, n| said.push(*n));
    store.set(&trigger, 1);
    store.set(&source, 1);
    assert_eq!(log.take(), [1]);
}

#[test]
fn s9_ending_an_effect_twice_does_nothing_the_second_time() {
    let store = ReactonStore::new();
    let source = store.reacton(0);
    let outer = store.effect(move |cx| {
        let inner = cx.store().effect(move |cx| _ = cx.get(&source)).scoped();
        cx.on_cleanup(move || drop(inner));
    });
    outer.unsubscribe();
    store.set(&source, 1);
}

/// Returns the place `line` lines below the call, as panics show it.
#[track_caller]
fn below(line: u32) -> String {
    let here = std::panic::Location::caller();
    format!("{}:{}:", here.file(), here.line() + line)
}

#[test]
fn s6_a_local_that_a_rerun_removed_names_the_effect() {
    let store = ReactonStore::new();
    let (go, made) = (store.reacton(0), Rc::new(Cell::new(None)));
    let slot = Rc::clone(&made);
    let place = below(1);
    let effect = store.effect(move |cx| {
        cx.get(&go);
        slot.set(slot.get().or_else(|| Some(cx.store().reacton(1))));
    });
    store.set(&go, 1);
    let local = made.get().expect("the effect has run");
    let words = panic_of(|| store.get(&local));
    assert!(words.contains("after it was removed"), "{words}");
    assert!(words.contains(&format!("in a run of the effect made at {place}")), "{words}");
    assert!(words.contains("has run again") && words.contains("`untracked_root`"), "{words}");
    effect.unsubscribe();
    let words = panic_of(|| store.set(&local, 2));
    assert!(words.contains("has run again") || words.contains("removed"), "{words}");
}

#[test]
fn s6_a_local_that_is_read_in_the_run_that_removed_it_names_the_effect() {
    let store = ReactonStore::new();
    let (go, made) = (store.reacton(0), Cell::new(None));
    let place = below(1);
    store.effect(move |cx| {
        cx.get(&go);
        let local = made.get().unwrap_or_else(|| cx.store().reacton(1));
        made.set(Some(local));
        cx.get(&local);
    });
    let words = panic_of(|| store.set(&go, 1));
    assert!(words.contains(&format!("in a run of the effect made at {place}")), "{words}");
}

#[test]
fn s6_a_local_of_an_inner_effect_that_ended_names_it_and_one_that_was_removed_by_hand_does_not() {
    let store = ReactonStore::new();
    let (go, inner, by_hand) =
        (store.reacton(0), Rc::new(Cell::new(None)), Rc::new(Cell::new(None)));
    let (inner_slot, slot) = (Rc::clone(&inner), Rc::clone(&by_hand));
    let place = below(3);
    store.effect(move |cx| {
        let inner_slot = Rc::clone(&inner_slot);
        cx.store().effect(move |cx| {
            inner_slot.set(inner_slot.get().or_else(|| Some(cx.store().reacton(1))));
        });
        slot.set(Some(cx.store().reacton(cx.get(&go))));
    });
    let (inner, by_hand) =
        (inner.get().expect("the effect has run"), by_hand.get().expect("the effect has run"));
    store.remove(&by_hand);
    assert!(!panic_of(|| store.get(&by_hand)).contains("run"));
    store.set(&go, 1);
    let words = panic_of(|| store.get(&inner));
    assert!(words.contains(&format!("in a run of the effect made at {place}")), "{words}");
    assert!(words.contains("has ended"), "{words}");
}

#[test]
fn s6_a_local_that_a_rerun_of_a_computed_removed_names_the_computed() {
    #[computed]
    static MAKES: Made = |cx| {
        cx.get(&A);
        Made(Rc::new(cx.store().reacton(1)))
    };
    #[derive(Clone)]
    struct Made(Rc<LocalReacton<i32>>);
    impl PartialEq for Made {
        fn eq(&self, other: &Self) -> bool {
            Rc::ptr_eq(&self.0, &other.0)
        }
    }
    let store = ReactonStore::new();
    let first = store.get(&MAKES);
    assert_eq!(store.get(&*first.0), 1);
    store.set(&A, 9);
    assert_eq!(store.get(&*store.get(&MAKES).0), 1);
    let words = panic_of(|| store.get(&*first.0));
    assert!(words.contains("in a run of the computed `") && words.contains("::MAKES`"), "{words}");
}

#[test]
fn s6_a_local_names_its_run_also_if_the_owner_made_nothing_more_before_it_ended() {
    let store = ReactonStore::new();
    let (go, made) = (store.reacton(0), Rc::new(RefCell::new(Vec::new())));
    let slot = Rc::clone(&made);
    let effect = store.effect(move |cx| {
        if cx.get(&go) == 0 {
            for _ in 0..100 {
                let slot = Rc::clone(&slot);
                cx.store().effect(move |cx| slot.borrow_mut().push(cx.store().reacton(1)));
            }
            slot.borrow_mut().push(cx.store().reacton(2));
        }
    });
    store.set(&go, 1);
    effect.unsubscribe();
    for local in made.borrow().iter() {
        let words = panic_of(|| store.get(local));
        assert!(
            words.contains("in a run of the effect made at") && words.contains("has ended"),
            "{words}"
        );
    }
}

#[test]
fn s6_what_is_made_in_an_untracked_root_outlives_the_run_and_the_effect() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (go, heard, made) = (store.reacton(0), store.reacton(0), Rc::new(Cell::new(None)));
    let (said, slot) = (log.clone(), Rc::clone(&made));
    let effect = store.effect(move |cx| {
        cx.get(&go);
        if slot.get().is_none() {
            let said = said.clone();
            slot.set(Some(cx.untracked_root(|store| {
                store.get(&heard);
                store.subscribe(&heard, move |_, n| said.push(*n));
                let local = store.reacton(5);
                (local, store.computed(move |cx| cx.get(&local) + 1))
            })));
        }
        cx.store().reacton(0); // owned as before
    });
    store.set(&go, 1);
    store.set(&heard, 1);
    effect.unsubscribe();
    store.set(&heard, 2);
    assert_eq!(log.take(), [1, 2], "the effect depends on what its subscription reads");
    let (local, computed) = made.get().expect("the effect has run");
    store.set(&local, 6);
    assert_eq!(store.get(&computed), 7);
}

#[test]
fn s6_an_untracked_root_that_panics_or_disposes_the_store_ends_all_the_same() {
    let store = ReactonStore::new();
    let (go, made) = (store.reacton(0), Rc::new(Cell::new(None)));
    let slot = Rc::clone(&made);
    store.effect(move |cx| {
        cx.get(&go);
        assert_eq!(panic_of(|| cx.untracked_root(|_| panic!("in the root"))), "in the root");
        slot.set(slot.get().or_else(|| Some(cx.store().reacton(1))));
    });
    store.set(&go, 1);
    assert!(made.get().is_some_and(|local| panic_of(|| store.get(&local)).contains("run")));
    store.untracked_root(ReactonStore::dispose);
    assert!(store.is_disposed());
}

/// The cells of a sheet. Each is made when the first formula asks for it, in the run of that formula.
#[derive(Clone, Default)]
struct Sheet(Rc<RefCell<HashMap<u32, LocalComputed<u32>>>>);

#[reacton]
static REFERS_TO: Family<u32, Option<u32>> = |_| None;

impl Sheet {
    fn cell(&self, store: &ReactonStore, at: u32) -> LocalComputed<u32> {
        if let Some(cell) = self.0.borrow().get(&at) {
            return *cell;
        }
        let sheet = self.clone();
        let cell = store.untracked_root(|store| {
            store.computed(move |cx| match cx.get(&REFERS_TO.of(at)) {
                None => 0,
                Some(other) => cx.get(&sheet.cell(cx.store(), other)) + 1,
            })
        });
        self.0.borrow_mut().insert(at, cell);
        cell
    }
}

#[test]
fn s6_a_cache_that_computeds_fill_on_demand_outlives_their_runs() {
    let (store, sheet) = (ReactonStore::new(), Sheet::default());
    store.set(&REFERS_TO.of(1), Some(2));
    store.set(&REFERS_TO.of(2), Some(3));
    let first = sheet.cell(&store, 1);
    assert_eq!(store.get(&first), 2);
    store.set(&REFERS_TO.of(1), None);
    assert_eq!(store.get(&first), 0);
    store.set(&REFERS_TO.of(1), Some(2));
    assert_eq!(store.get(&first), 2, "the second cell was created in a run of the first");
    assert_eq!(store.get(&sheet.cell(&store, 3)), 0);
    store.dispose();
}
