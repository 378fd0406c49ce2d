//! Which writes keep a member, whatever user code does at the same time.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use serde::Serialize;

#[reacton]
static LIST: Family<u32, Vec<u32>> = |_| Vec::new();

#[reacton]
static NUMBER: Family<u32, u32> = |_| 0;

fn panics(f: impl FnOnce()) -> bool {
    catch_unwind(AssertUnwindSafe(f)).is_err()
}

#[test]
fn s6_a_member_that_is_edited_around_a_restore_has_the_edited_value() {
    let store = ReactonStore::new();
    let before = store.snapshot();
    store.set(&LIST.of(1), vec![1]);
    for (key, edited) in [(1, vec![1, 5]), (2, vec![5])] {
        store.update(&LIST.of(key), |list| {
            store.restore(&before);
            list.push(5);
        });
        assert_eq!((store.get(&LIST.of(key)), store.has(&LIST.of(key))), (edited, true));
    }
    store.update(&NUMBER.of(1), |number| {
        store.restore(&before);
        *number = 7;
    });
    assert_eq!(store.find(&NUMBER.of(1)), Some(7));
    store.batch(|store| {
        store.update_if(&LIST.of(3), |list| {
            store.restore(&before);
            list.push(6);
            true
        });
        assert!(store.has(&LIST.of(3)));
    });
    assert_eq!((store.find(&LIST.of(3)), store.keys(&LIST)), (Some(vec![6]), vec![3]));
}

#[test]
fn s6_what_is_written_in_an_update_if_that_changes_nothing_is_kept() {
    let store = ReactonStore::new();
    store.update_if(&NUMBER.of(1), |_| {
        store.set(&NUMBER.of(1), 7);
        false
    });
    store.update_if(&NUMBER.of(2), |_| {
        store.set(&NUMBER.of(2), 0);
        false
    });
    store.update_if(&NUMBER.of(3), |_| {
        store.update_if(&NUMBER.of(3), |_| false);
        false
    });
    assert_eq!([1, 2, 3].map(|key| store.find(&NUMBER.of(key))), [Some(7), Some(0), None]);
    store.update_if(&LIST.of(1), |_| {
        store.set(&LIST.of(1), vec![7]);
        false
    });
    assert_eq!(store.find(&LIST.of(1)), Some(vec![7]));
    let before = store.snapshot();
    store.set(&LIST.of(1), vec![8]);
    store.update_if(&LIST.of(1), |_| {
        store.restore(&before);
        false
    });
    assert_eq!(store.find(&LIST.of(1)), Some(vec![7]));
}

/// A value whose comparison panics.
struct Incomparable;

impl PartialEq for Incomparable {
    fn eq(&self, _: &Self) -> bool {
        panic!("a comparison")
    }
}

#[test]
fn s8_a_first_write_that_cannot_be_compared_keeps_nothing() {
    #[reacton]
    static HELD: Family<u32, Incomparable> = |_| Incomparable;
    let store = ReactonStore::new();
    assert!(panics(|| store.set(&HELD.of(1), Incomparable)));
    assert!(!store.has(&HELD.of(1)) && store.keys(&HELD).is_empty());
    let observer = store.subscribe(&HELD.of(2), |_, _| ());
    assert!(panics(|| store.batch(|store| store.set(&HELD.of(2), Incomparable))));
    observer.unsubscribe();
    assert!(!store.has(&HELD.of(2)) && store.snapshot().is_empty());
    assert!(panics(|| store.update_if(&NUMBER.of(1), |_| panic!("an edit"))));
    assert!(!store.has(&NUMBER.of(1)));
}

thread_local! {
    static TO_DISPOSE: RefCell<Option<ReactonStore>> = const { RefCell::new(None) };
    static ROW_PANICS: Cell<Option<u32>> = const { Cell::new(None) };
}

/// All keys have the same hash. The comparison may dispose a store, or panic.
#[derive(Clone, Debug, Serialize)]
struct Row(#[serde(skip)] u32, ());

fn row(row: u32) -> Row {
    Row(row, ())
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        if let Some(store) = TO_DISPOSE.take() {
            store.dispose();
        }
        assert!(ROW_PANICS.get() != Some(other.0), "a comparison of keys");
        self.0 == other.0
    }
}

#[reacton(eq = never)]
static COUNTED: Family<Row, Rc<()>> = |_| Rc::new(());

#[test]
fn s10_a_store_that_a_key_disposes_in_a_restore_keeps_nothing() {
    let (store, held) = (ReactonStore::new(), Rc::new(()));
    store.set(&COUNTED.of(row(1)), Rc::clone(&held));
    let before = store.snapshot();
    store.remove(&COUNTED.of(row(1)));
    store.set(&COUNTED.of(row(2)), Rc::new(()));
    TO_DISPOSE.set(Some(store.clone()));
    store.restore(&before);
    assert!(store.is_disposed() && store.keys(&COUNTED).is_empty());
    drop(before);
    assert_eq!(Rc::strong_count(&held), 1);
}

#[test]
fn s8_a_restore_is_whole_though_keys_cannot_be_compared() {
    #[reacton]
    static ROWS: Family<Row, u32> = |_| 0;
    let store = ReactonStore::new();
    for row in 1..=4 {
        store.set(&NUMBER.of(row), row);
    }
    store.set(&ROWS.of(row(1)), 1);
    let before = store.snapshot();
    for row in 1..=5 {
        store.set(&NUMBER.of(row), 0);
    }
    store.remove(&ROWS.of(row(1)));
    store.set(&ROWS.of(row(2)), 2);
    ROW_PANICS.set(Some(1));
    assert!(panics(|| store.restore(&before)));
    ROW_PANICS.set(None);
    assert_eq!([1, 2, 3, 4].map(|row| store.get(&NUMBER.of(row))), [1, 2, 3, 4]);
    assert_eq!(
        store.keys(&NUMBER).into_iter().collect::<HashSet<_>>(),
        HashSet::from([1, 2, 3, 4])
    );
}

#[test]
fn r1_the_keys_of_a_family_whose_id_is_taken_are_refused() {
    #[reacton(id = "families::writes::twin")]
    static ONE: Family<u32, u32> = |_| 0;
    #[reacton(id = "families::writes::twin")]
    static TWO: Family<u32, u32> = |_| 0;
    let store = ReactonStore::new();
    assert_eq!((store.keys(&ONE), store.keys(&TWO)), (vec![], vec![]));
    store.set(&ONE.of(1), 1);
    assert_eq!(store.keys(&ONE), [1]);
    assert!(panics(|| _ = store.has(&TWO.of(2))));
    assert!(panics(|| _ = store.keys(&TWO)));
}

#[test]
fn a_comparison_that_removes_keys_of_the_hash_misses_none_of_them() {
    #[derive(Clone)]
    struct Removing(u32, ReactonStore);
    impl PartialEq for Removing {
        fn eq(&self, other: &Self) -> bool {
            if REMOVES.take() {
                for key in [0, 1, 2] {
                    self.1.remove(&PLACE.of(Removing(key, self.1.clone())));
                }
            }
            self.0 == other.0
        }
    }
    impl Serialize for Removing {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_unit()
        }
    }
    thread_local! {
        static REMOVES: Cell<bool> = const { Cell::new(false) };
    }
    #[reacton]
    static PLACE: Family<Removing, u32> = |_| 0;
    let store = ReactonStore::new();
    let of = |key| PLACE.of(Removing(key, store.clone()));
    for key in 0..8 {
        store.set(&of(key), key + 10);
    }
    for sought in 3..8 {
        REMOVES.set(true);
        assert_eq!(store.get(&of(sought)), sought + 10);
        for key in 0..3 {
            store.set(&of(key), key + 10);
        }
    }
    store.dispose();
}
