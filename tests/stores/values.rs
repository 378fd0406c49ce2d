//! S1 and S2: initial values, and writes that change nothing.

use std::cell::Cell;
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::Log;

#[reacton]
static COUNT: u32 = 7;

#[reacton]
static NAME: String = String::from("Ada");

#[reacton]
static RATIO: f64 = 0.0;

#[reacton(eq = never)]
static CLICK: u32 = 0;

/// Not comparable at all.
#[derive(Clone)]
struct Opaque(u32);

#[reacton(eq = never)]
static OPAQUE: Opaque = Opaque(1);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "an `eq` is given references")]
fn same_parity(a: &u32, b: &u32) -> bool {
    a % 2 == b % 2
}

#[reacton(eq = same_parity)]
static PARITY: u32 = 0;

#[computed(eq = never)]
static ALWAYS_NEW: u32 = |cx| cx.get(&COUNT) / 100;

#[computed(eq = same_parity)]
static NEXT: u32 = |cx| cx.get(&COUNT) + 1;

#[test]
fn s1_a_read_before_any_write_returns_the_initial_value() {
    let store = ReactonStore::new();
    assert_eq!(store.get(&COUNT), 7);
    assert_eq!(store.with(&NAME, String::len), 3);
}

#[test]
fn s1_each_store_has_its_own_value() {
    let (one, other) = (ReactonStore::new(), ReactonStore::new());
    one.set(&COUNT, 8);
    assert_eq!((one.get(&COUNT), other.get(&COUNT)), (8, 7));
}

#[test]
fn s1_the_initial_value_is_made_once_per_store_on_first_need() {
    thread_local!(static MADE: Cell<u32> = const { Cell::new(0) });
    fn make() -> u32 {
        MADE.set(MADE.get() + 1);
        MADE.get()
    }
    #[reacton]
    static MADE_ONCE: u32 = make();

    let store = ReactonStore::new();
    assert_eq!(MADE.get(), 0);
    assert_eq!((store.get(&MADE_ONCE), store.get(&MADE_ONCE)), (1, 1));
    assert_eq!(ReactonStore::new().get(&MADE_ONCE), 2);
    store.set(&MADE_ONCE, 9);
    assert_eq!((store.get(&MADE_ONCE), MADE.get()), (9, 2));
}

#[test]
fn s1_an_initial_value_may_use_the_store_that_asks_for_it() {
    thread_local!(static STORE: ReactonStore = ReactonStore::new());
    #[reacton]
    static DOUBLED: u32 = STORE.with(|store| {
        store.set(&COUNT, 4);
        store.get(&COUNT) * 2
    });
    STORE.with(|store| {
        assert_eq!(store.get(&DOUBLED), 8);
        store.dispose();
    });
}

#[test]
fn s1_a_written_value_is_read_back_by_every_way_of_writing() {
    let store = ReactonStore::new();
    store.set(&NAME, "Grace".into());
    assert_eq!(store.replace(&NAME, "Alan".into()), "Grace");
    assert_eq!(
        store.update(&NAME, |name| {
            name.push('!');
            name.len()
        }),
        5
    );
    store.update_if(&NAME, |name| {
        name.push('?');
        true
    });
    assert_eq!(store.get(&NAME), "Alan!?");
}

#[test]
fn s2_a_set_to_an_equal_value_calls_no_observer() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let log = heard.clone();
    store.subscribe(&COUNT, move |_, count| log.push(*count));
    store.set(&COUNT, 7);
    store.set(&COUNT, 8);
    store.set(&COUNT, 8);
    assert_eq!(heard.take(), [8]);
}

#[test]
fn s2_setting_nan_twice_does_not_loop() {
    let store = ReactonStore::new();
    let runs = Rc::new(Cell::new(0));
    let counter = Rc::clone(&runs);
    store.effect(move |cx| {
        cx.get(&RATIO);
        counter.set(counter.get() + 1);
        cx.store().set(&RATIO, f64::NAN);
    });
    store.set(&RATIO, f64::NAN);
    assert_eq!(runs.get(), 2);
}

#[test]
fn s2_a_computed_that_stays_nan_stops_the_propagation() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let log = heard.clone();
    let not_a_number = store.computed(|cx| cx.get(&RATIO) * f64::NAN);
    store.effect(move |cx| log.push(cx.get(&not_a_number).is_nan()));
    store.set(&RATIO, 1.0);
    assert_eq!(heard.take(), [true]);
}

#[test]
fn s2_a_reactons_own_eq_decides() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let log = heard.clone();
    store.subscribe(&PARITY, move |_, value| log.push(*value));
    store.set(&PARITY, 2);
    assert_eq!(store.get(&PARITY), 0, "an equal value was written");
    store.set(&PARITY, 3);
    assert_eq!(heard.take(), [3]);

    let local = store.reacton_with(1.0_f64, |a, b| (a - b).abs() < 0.5);
    let log = Log::new();
    let said = log.clone();
    store.subscribe(&local, move |_, value| said.push(*value));
    store.set(&local, 1.2);
    store.set(&local, 1.6);
    assert_eq!(log.take(), [1.6]);
}

#[test]
fn s2_a_computeds_own_eq_decides() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let (next, always) = (heard.clone(), heard.clone());
    store.subscribe(&NEXT, move |_, value| next.push(*value));
    store.subscribe(&ALWAYS_NEW, move |_, value| always.push(*value));
    store.set(&COUNT, 9);
    assert_eq!(
        heard.take(),
        [0],
        "8 and 10 have equal parity, but a value with `eq = never` always counts as new"
    );
    store.set(&COUNT, 10);
    assert_eq!(heard.take(), [11, 0]);
}

#[test]
fn s2_with_eq_never_every_set_counts() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let (clicks, opaque) = (heard.clone(), heard.clone());
    store.subscribe(&CLICK, move |_, value| clicks.push(*value));
    store.subscribe(&OPAQUE, move |_, value| opaque.push(value.0));
    store.set(&CLICK, 0);
    store.set(&CLICK, 0);
    store.set(&OPAQUE, Opaque(1));
    assert_eq!(heard.take(), [0, 0, 1]);
}

#[test]
fn s2_a_number_of_eq_never_that_comes_out_equal_counts_in_a_batch_too() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let log = heard.clone();
    store.subscribe(&CLICK, move |_, value| log.push(*value));
    store.batch(|store| store.set(&CLICK, 0));
    store.batch(|store| (0..=1).rev().for_each(|n| store.set(&CLICK, n)));
    assert_eq!(heard.take(), [0, 0], "one call for each batch");
    let before = store.snapshot();
    store.set(&CLICK, 2);
    store.restore(&before);
    store.update(&CLICK, |_| ());
    store.touch(&CLICK);
    assert_eq!(heard.take(), [2, 0, 0, 0]);
}

#[test]
fn s2_update_is_always_a_change_and_update_if_when_it_returns_true() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let log = heard.clone();
    store.subscribe(&NAME, move |_, name| log.push(name.clone()));
    store.update(&NAME, |_| ());
    store.update_if(&NAME, |_| false);
    store.update_if(&NAME, |name| {
        name.clear();
        true
    });
    assert_eq!(heard.take(), ["Ada", ""]);
}

#[test]
fn s2_touch_announces_an_equal_value() {
    let store = ReactonStore::new();
    let heard = Log::new();
    let (log, effects) = (heard.clone(), heard.clone());
    store.subscribe(&COUNT, move |_, count| log.push(*count));
    store.effect(move |cx| effects.push(cx.get(&COUNT) * 10));
    assert_eq!(heard.take(), [70]);
    store.touch(&COUNT);
    assert_eq!(heard.take(), [7, 70]);
}

#[test]
fn s2_a_touch_stops_at_a_computed_that_stays_equal() {
    let store = ReactonStore::new();
    let runs = Log::new();
    let (computing, hearing) = (runs.clone(), runs.clone());
    let half = store.computed(move |cx| {
        computing.push("computed");
        cx.get(&COUNT) / 2
    });
    store.subscribe(&half, move |_, _| hearing.push("heard"));
    runs.take();
    store.touch(&COUNT);
    assert_eq!(runs.take(), ["computed"]);
}
