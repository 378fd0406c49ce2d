//! S7: a computed that depends on itself, and observers that never stop writing, end in a panic that names them.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use reacton::prelude::*;
use reacton_support::{Log, in_child, panic_of};
use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[reacton]
static A: u32 = 1;

#[reacton]
static B: u32 = 10;

#[computed]
static DOUBLE: u32 = |cx| cx.get(&A) * 2;

#[test]
fn s7_a_computed_that_reads_itself_names_itself() {
    #[computed]
    static OWN: u32 = |cx| cx.get(&OWN) + 1;
    let store = ReactonStore::new();
    for _ in 0..3 {
        let words = panic_of(|| store.get(&OWN));
        assert!(words.contains("stores::cycles") && words.contains("OWN -> "), "{words}");
    }
    assert_eq!(store.get(&DOUBLE), 2);
}

#[test]
fn s7_two_computeds_that_read_each_other_name_each_other_and_recover() {
    #[reacton]
    static TANGLED: bool = true;
    #[computed]
    static FIRST: u32 = |cx| cx.get(&SECOND) + 1;
    #[computed]
    static SECOND: u32 = |cx| if cx.get(&TANGLED) { cx.get(&FIRST) } else { 1 };
    let store = ReactonStore::new();
    let words = panic_of(|| store.get(&FIRST));
    let (first, second) = (words.find("FIRST"), words.find("SECOND"));
    assert!(first.is_some() && first < second, "{words}");
    panic_of(|| store.get(&SECOND));
    store.set(&TANGLED, false);
    assert_eq!((store.get(&FIRST), store.get(&SECOND)), (2, 1));
    store.set(&TANGLED, true);
    panic_of(|| store.get(&SECOND));
    panic_of(|| store.get(&FIRST));
    store.set(&TANGLED, false);
    assert_eq!((store.get(&SECOND), store.get(&FIRST)), (1, 2));
}

#[test]
fn s7_a_cycle_that_is_closed_and_opened_again_reaches_observers_and_recovers() {
    let store = ReactonStore::new();
    let place = Rc::new(Cell::new(None));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| match other.get() {
        Some(second) if cx.get(&A) == 2 => cx.get::<LocalComputed<u32>>(&second),
        _ => cx.get(&A),
    });
    let second = store.computed(move |cx| cx.get(&first) + 1);
    place.set(Some(second));
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push(cx.get(&second)));
    let words = panic_of(|| store.set(&A, 2));
    assert!(words.contains("depends on itself"), "{words}");
    store.set(&A, 3);
    assert_eq!(log.take(), [2, 4]);
}

#[test]
fn s7_computeds_that_read_each_other_at_different_times_are_no_cycle() {
    let store = ReactonStore::new();
    let place = Rc::new(Cell::new(None));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| match other.get() {
        Some(second) if cx.get(&A) % 2 == 0 => cx.get::<LocalComputed<u32>>(&second) + 1,
        _ => cx.get(&A),
    });
    let second =
        store.computed(move |cx| if cx.get(&A) % 2 == 0 { cx.get(&A) } else { cx.get(&first) + 1 });
    place.set(Some(second));
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push((cx.get(&first), cx.get(&second))));
    for a in 2..6 {
        store.set(&A, a);
    }
    assert_eq!(log.take(), [(1, 2), (3, 2), (3, 4), (5, 4), (5, 6)]);
}

#[test]
fn s7_a_cycle_after_dispose_is_a_panic_too() {
    #[computed]
    static THERE: u32 = |cx| cx.get(&BACK);
    #[computed]
    static BACK: u32 = |cx| cx.get(&THERE);
    let store = ReactonStore::new();
    store.dispose();
    let words = panic_of(|| store.get(&THERE));
    assert!(words.contains("THERE") && words.contains("BACK"), "{words}");
}

#[test]
fn s7_effects_that_never_settle_end_in_a_panic_that_names_what_they_write() {
    let store = ReactonStore::new();
    let stop = store.reacton(false);
    store.effect(move |cx| {
        let a = cx.get(&A);
        if !cx.get(&stop) {
            cx.store().set(&B, a + 1);
        }
    });
    let words = panic_of(|| {
        store.effect(move |cx| {
            let b = cx.get(&B);
            cx.store().set(&A, b);
        })
    });
    assert!(words.contains("cycles::A") && words.contains("cycles::B"), "{words}");
    store.set(&stop, true);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe(&A, move |_, a| heard.push(*a));
    store.set(&B, 5);
    assert_eq!(log.take(), [5], "the store is usable after the panic");
}

#[test]
fn s7_three_subscriptions_in_a_ring_are_bounded() {
    #[reacton]
    static C: u32 = 0;
    let store = ReactonStore::new();
    store.subscribe(&A, |store, a| store.set(&B, a + 1));
    store.subscribe(&B, |store, b| store.set(&C, b + 1));
    store.subscribe(&C, |store, c| store.set(&A, c + 1));
    let words = panic_of(|| store.set(&A, 2));
    assert!(["::A", "::B", "::C"].iter().all(|name| words.contains(name)), "{words}");
    assert_eq!(store.get(&DOUBLE), store.get(&A) * 2);
}

#[test]
fn s7_a_ping_pong_through_a_computed_is_bounded_named_and_over_after_it() {
    #[reacton]
    static LIMIT: u32 = 0;
    let store = ReactonStore::new();
    store.set(&LIMIT, u32::MAX);
    let words = panic_of(|| {
        store.effect(|cx| {
            let double = cx.get(&DOUBLE);
            if double < cx.untracked(|store| store.get(&LIMIT)) {
                cx.store().set(&A, (double + 1) % 1_000_000);
            }
        })
    });
    assert!(words.contains("DOUBLE"), "{words}");

    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| {
        let double = cx.get(&DOUBLE);
        seen.push(double);
        if double < cx.untracked(|store| store.get(&LIMIT)) {
            cx.store().set(&A, (double + 1) % 1_000_000);
        }
    });
    store.set(&LIMIT, u32::MAX);
    panic_of(|| store.set(&A, 2));
    store.set(&LIMIT, 0);
    log.take();
    store.set(&A, 4);
    store.set(&A, 5);
    assert_eq!(log.take(), [8, 10], "observers of a computed are called after the panic");
}

#[test]
fn s7_a_cycle_of_locals_says_where_their_closures_stand() {
    let store = ReactonStore::new();
    let place = Rc::new(Cell::new(None::<LocalComputed<u32>>));
    let other = Rc::clone(&place);
    let first = store.computed(move |cx| other.get().map_or(0, |second| cx.get(&second)));
    place.set(Some(store.computed(move |cx| cx.get(&first))));
    let words = panic_of(|| store.get(&first));
    let here = "a local computed in stores::cycles::s7_a_cycle_of_locals";
    assert_eq!(words.matches(here).count(), 3, "{words}");
}

/// Records the text of the warnings of one thread.
#[derive(Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut |field: &Field, value: &dyn Debug| {
            if field.name() == "message" {
                self.0.lock().expect("the mutex is not poisoned").push(format!("{value:?}"));
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Clone, PartialEq, Debug)]
struct Reading(f64);

#[reacton]
static READING: Reading = Reading(0.0);

#[test]
fn s7_observers_that_never_settle_because_of_a_nan_say_so_early() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    let count = Rc::clone(&runs);
    let warnings = Warnings::default();
    let (warned, early) = (Arc::clone(&warnings.0), Rc::new(Cell::new(None)));
    let noted = Rc::clone(&early);
    store.subscribe(&READING, move |store, reading| {
        count.set(count.get() + 1);
        if noted.get().is_none() && !warned.lock().expect("the mutex is not poisoned").is_empty() {
            noted.set(Some(count.get()));
        }
        store.set(&READING, Reading(if reading.0 > 100.0 { 100.0 } else { reading.0 }));
    });
    store.set(&READING, Reading(500.0));
    assert_eq!((store.get(&READING), runs.get()), (Reading(100.0), 2));
    let warned = Arc::clone(&warnings.0);
    let words = tracing::subscriber::with_default(warnings, || {
        panic_of(|| store.set(&READING, Reading(f64::NAN)))
    });
    assert!(words.contains("READING") && words.contains("eq = my_function"), "{words}");
    let warned = warned.lock().expect("the mutex is not poisoned");
    assert!(warned[0].contains("READING") && warned[0].contains("eq = my_function"), "{warned:?}");
    assert_eq!(warned.len(), 1);
    assert!(early.get().is_some_and(|run| run < 600), "no warning before run {early:?}");
    store.set(&READING, Reading(7.0));
    assert_eq!(store.get(&READING), Reading(7.0), "the store is usable after the panic");
}

#[test]
fn s7_work_that_ends_settles_though_its_values_do_not_equal_themselves() {
    #[reacton(eq = never)]
    static ALWAYS: u32 = 0;
    let store = ReactonStore::new();
    store.subscribe(&ALWAYS, |store, left| {
        if *left > 0 {
            store.set(&ALWAYS, left - 1);
        }
    });
    store.set(&ALWAYS, 2000);
    assert_eq!(store.get(&ALWAYS), 0);
    let left = store.reacton_with(0, |_, _| false);
    store.subscribe(&left, move |store, n| {
        if *n > 0 {
            store.set(&left, n - 1);
        }
    });
    store.set(&left, 2000);
    assert_eq!(store.get(&left), 0);
    let reading = store.reacton((2000, Reading(f64::NAN)));
    store.subscribe(&reading, move |store, (left, _)| {
        if *left > 0 {
            store.set(&reading, (left - 1, Reading(f64::NAN)));
        }
    });
    store.touch(&reading);
    assert_eq!(store.with(&reading, |(left, _)| *left), 0);
    store.set_max_rounds(100);
    let words = panic_of(|| store.set(&reading, (2000, Reading(f64::NAN))));
    assert!(words.contains("after 100 rounds") && words.contains("reacton_with"), "{words}");
}

#[test]
fn s7_what_a_panic_hook_writes_when_observers_never_settle_calls_observers() {
    thread_local! {
        static HOOKED: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
    }
    in_child(|| {
        let store = ReactonStore::new();
        store.subscribe(&A, |store, a| store.set(&A, a + 1));
        let log = Log::new();
        let heard = log.clone();
        store.subscribe(&B, move |_, b| heard.push(*b));
        store.set_max_rounds(10);
        HOOKED.set(Some(store.clone()));
        std::panic::set_hook(Box::new(|_| {
            if let Some(store) = HOOKED.take() {
                store.set(&B, 5);
            }
        }));
        let words = panic_of(|| store.set(&A, 0));
        assert!(words.contains("never settle"), "{words}");
        assert_eq!(log.take(), [5]);
    });
}
