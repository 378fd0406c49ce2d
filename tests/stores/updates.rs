//! S6: what the closure of an `update` may do while the value is lent to it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Once;

use reacton::prelude::*;
use reacton_support::{Log, panic_of};

use crate::{A, B, DOUBLE, LENGTH, LIST, OnDrop};

#[test]
fn s6_an_update_may_update_others_and_batch() {
    let store = ReactonStore::new();
    let log = Log::new();
    let seen = log.clone();
    store.effect(move |cx| seen.push((cx.get(&LENGTH), cx.get(&A), cx.get(&B))));
    store.update(&LIST, |list| {
        list.push(2);
        store.update(&A, |a| {
            *a += 1;
            store.set(&B, 20);
        });
        store.batch(|store| store.set(&A, 5));
        list.push(3);
    });
    assert_eq!(log.take(), [(1, 1, 10), (3, 5, 20)], "both writes are one transaction");
}

#[test]
fn s6_plain_data_may_be_read_and_written_inside_its_own_update() {
    let store = ReactonStore::new();
    store.update(&A, |a| {
        *a = 5;
        assert_eq!(
            (store.get(&A), store.get(&DOUBLE)),
            (1, 2),
            "a read in the closure returns the value from before"
        );
        store.update(&A, |inner| *inner += 1);
        assert_eq!((store.get(&A), store.get(&DOUBLE)), (2, 4));
        store.set(&A, 50);
        assert_eq!(store.replace(&A, 60), 50);
    });
    assert_eq!((store.get(&A), store.get(&DOUBLE)), (5, 10), "the outer update is written last");
}

#[test]
fn s6_a_value_that_update_copies_anyway_may_be_read_inside_it() {
    let store = ReactonStore::new();
    store.set(&LIST, vec![1, 2]);
    let snapshot = store.snapshot();
    store.update(&LIST, |list| {
        list.push(3);
        assert_eq!((store.get(&LIST), store.get(&LENGTH)), (vec![1, 2], 2));
    });
    assert_eq!(snapshot.get(&LIST), Some(&vec![1, 2]));
    assert_eq!(store.get(&LENGTH), 3);
}

#[test]
fn s6_a_read_of_a_value_that_is_lent_to_update_panics_with_its_name() {
    let store = ReactonStore::new();
    store.get(&LENGTH);
    let local = store.reacton(String::from("a"));
    let words = panic_of(|| store.update(&LIST, |list| list.push(store.get(&LIST)[0])));
    assert!(words.contains("LIST") && words.contains("update"), "{words}");
    let words = panic_of(|| store.update(&local, |text| *text = store.get(&local)));
    assert!(words.contains("local reacton") && words.contains("update"), "{words}");
    assert_eq!((store.get(&LIST), store.get(&local), store.get(&LENGTH)), (vec![1], "a".into(), 1));
}

#[test]
fn s6_a_computed_that_met_a_lent_value_recovers_though_nothing_changed() {
    let store = ReactonStore::new();
    let log = Log::new();
    let heard = log.clone();
    let fresh = store.computed(|cx| cx.with(&LIST, Vec::len));
    store.get(&LIST);
    store.update_if(&LIST, |_| {
        panic_of(|| store.get(&fresh));
        false
    });
    assert_eq!(store.get(&fresh), 1);
    store.effect(move |cx| heard.push(cx.get(&fresh)));
    store.update_if(&LIST, |_| {
        assert_eq!(store.get(&fresh), 1, "a cached value is returned");
        false
    });
    store.update(&LIST, |list| list.push(2));
    assert_eq!(log.take(), [1, 2]);
}

#[test]
fn s6_a_write_to_the_reacton_inside_its_own_update_is_overwritten() {
    let store = ReactonStore::new();
    store.update(&LIST, |list| {
        store.set(&LIST, vec![7, 8]);
        store.touch(&LIST);
        list.push(2);
    });
    assert_eq!((store.get(&LIST), store.get(&LENGTH)), (vec![1, 2], 2));
}

#[test]
fn s6_the_reacton_may_be_removed_or_the_store_disposed_inside_an_update() {
    let store = ReactonStore::new();
    let log = Log::new();
    let (dropped, handle) = (log.clone(), store.clone());
    let bomb = store
        .reacton_with(vec![Rc::new(OnDrop(move || dropped.push(handle.get(&A))))], |_, _| false);
    store.update(&bomb, |_| store.remove(&bomb));
    assert_eq!(log.take(), [1]);
    assert!(panic_of(|| store.with(&bomb, Vec::len)).contains("removed"));

    store.update(&LIST, |list| {
        list.push(2);
        store.remove(&LIST);
    });
    assert_eq!(store.get(&LIST), [1]);
    store.update(&A, |a| {
        *a = 9;
        store.remove(&A);
    });
    store.update(&LIST, |list| {
        list.push(2);
        store.dispose();
    });
    assert_eq!(store.get(&LIST), [1]);
}

#[test]
fn s6_a_snapshot_inside_an_update_that_has_a_value_lent_to_it_is_refused_by_name() {
    let store = ReactonStore::new();
    store.set(&LIST, vec![1, 2]);
    store.set(&A, 7);
    let words = panic_of(|| store.update(&LIST, |_| store.snapshot()));
    assert!(words.contains("LIST") && words.contains("take the snapshot before"), "{words}");
    let words = panic_of(|| {
        store.batch(|store| {
            store.update(&LIST, |list| list.push(2));
            store.update(&LIST, |_| store.batch(ReactonStore::snapshot));
        });
    });
    assert!(words.contains("LIST"), "{words}");
    store.set(&LIST, vec![1, 2]);
    // Of `A`, which the update has copied, the snapshot has the old value; of `LIST`, the one with the edit before it.
    let inside = store.update(&A, |a| {
        *a += 1;
        store.update(&LIST, |list| list.push(3));
        store.snapshot()
    });
    assert_eq!((inside.get(&A), inside.get(&LIST)), (Some(&7), Some(&vec![1, 2, 3])));
    let inside = store.batch(|store| {
        store.set(&B, 11);
        store.update(&LIST, |list| {
            list.push(4);
            store.snapshot()
        })
    });
    assert_eq!((inside.get(&B), inside.get(&LIST)), (Some(&11), Some(&vec![1, 2, 3])));
    store.restore(&inside);
    assert_eq!(store.get(&LIST), [1, 2, 3]);
    assert_eq!(inside.diff(&store.snapshot()), []);
}

#[test]
fn s8_a_computed_that_was_refused_a_snapshot_recovers_though_nothing_changed() {
    let store = ReactonStore::new();
    store.get(&LIST);
    let count = store.computed(|cx| cx.store().snapshot().get(&LIST).map(Vec::len));
    store.update_if(&LIST, |_| {
        panic_of(|| store.get(&count));
        false
    });
    assert_eq!(store.get(&count), Some(1));
}

#[test]
fn s6_an_effect_that_is_refused_a_snapshot_in_its_own_update_panics_once() {
    let store = ReactonStore::new();
    let (go, runs) = (store.reacton(0), Rc::new(Cell::new(0)));
    let count = Rc::clone(&runs);
    store.effect(move |cx| {
        count.set(count.get() + 1);
        if cx.get(&go) == 1 {
            cx.store().update(&LIST, |_| cx.store().snapshot());
        }
    });
    let words = panic_of(|| store.set(&go, 1));
    assert!(words.contains("take the snapshot before"), "{words}");
    assert_eq!(runs.get(), 2);
    store.set(&LIST, vec![5]);
    assert_eq!(runs.get(), 2, "a snapshot has made the effect depend on its values");
    store.set(&go, 2);
    assert_eq!(runs.get(), 3, "the effect is usable after the panic");
}

/// Returns the file and the line at which `f` panics.
fn line_of_panic<U>(f: impl FnOnce() -> U) -> (String, u32) {
    thread_local! {
        static PLACE: RefCell<Option<(String, u32)>> = const { RefCell::new(None) };
    }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            PLACE.set(place);
            before(info);
        }));
    });
    panic_of(f);
    PLACE.take().expect("the update has panicked")
}

#[test]
fn s6_a_read_inside_its_own_update_panics_at_the_line_of_the_read() {
    let store = ReactonStore::new();
    let mut lines = Vec::new();
    store.update(&LIST, |_| {
        lines.push((line!(), line_of_panic(|| store.get(&LIST))));
        lines.push((line!(), line_of_panic(|| store.with(&LIST, Vec::len))));
        lines.push((line!(), line_of_panic(|| store.effect(|cx| _ = cx.get(&LIST)))));
        lines.push((line!(), line_of_panic(|| store.snapshot())));
    });
    for (line, place) in lines {
        assert_eq!(place, (file!().to_owned(), line));
    }
}

#[test]
fn s6_what_is_restored_inside_an_update_of_the_same_reacton_is_overwritten() {
    let store = ReactonStore::new();
    store.set(&A, 7);
    let before = store.snapshot();
    store.set(&A, 8);
    store.update(&LIST, |list| {
        list.push(2);
        store.restore(&before);
        list.push(3);
    });
    assert_eq!((store.get(&A), store.get(&LIST)), (7, vec![1, 2, 3]));
}
