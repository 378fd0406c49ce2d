//! Snapshots of chosen reactons and families.

use std::collections::BTreeMap;

use reacton::prelude::*;
use reacton_support::panic_of;

use crate::{A, DOUBLE, LIST};

#[reacton]
static ROWS: Family<(u8, u8), Vec<u32>> = |_| Vec::new();

#[reacton(zero_copy)]
static PICTURE: Vec<u8> = vec![1, 2];

#[test]
fn a_snapshot_of_reactons_stays_what_it_was_and_dereferences_to_the_values() {
    let store = ReactonStore::new();
    store.set(&LIST, vec![1, 2]);
    let (list, double, picture) = store.snapshot_of((&LIST, &DOUBLE, &PICTURE));
    store.update(&LIST, |list| list.push(3));
    store.set(&A, 7);
    assert_eq!((list.len(), *double, picture.as_slice()), (2, 2, [1, 2].as_slice()));
    assert_eq!((list.reacton_ref(), format!("{list:?}")), (LIST.reacton_ref(), "[1, 2]".into()));
    let inside = store.batch(|store| {
        store.set(&LIST, vec![9]);
        store.snapshot_of(&LIST)
    });
    assert_eq!(*inside, [9]);
}

#[test]
fn a_snapshot_of_a_family_lists_keys_and_values_of_what_was_written() {
    let store = ReactonStore::new();
    store.set(&ROWS.of((1, 2)), vec![12]);
    store.set(&ROWS.of((3, 4)), vec![34]);
    store.get(&ROWS.of((5, 6)));
    store.watch(&ROWS.of((7, 8)), |_, _| ());
    let rows = store.snapshot_of(&ROWS);
    store.update(&ROWS.of((1, 2)), |row| row.push(13));
    store.remove(&ROWS.of((3, 4)));
    let listed: BTreeMap<_, _> = rows.iter().collect();
    assert_eq!(listed, BTreeMap::from([(&(1, 2), &vec![12]), (&(3, 4), &vec![34])]));
    assert_eq!((rows.len(), rows.is_empty(), rows.iter().len()), (2, false, 2));
    assert_eq!(rows.reacton_ref(), ROWS.reacton_ref());
    assert_eq!(format!("{:?}", store.snapshot_of(&ROWS)), "{(1, 2): [12, 13]}");
    assert!(ReactonStore::new().snapshot_of(&ROWS).is_empty());
}

#[test]
fn s6_a_snapshot_of_a_value_that_is_lent_is_refused_by_name_and_others_are_not() {
    let store = ReactonStore::new();
    store.set(&ROWS.of((1, 2)), vec![12]);
    let words = panic_of(|| store.update(&ROWS.of((1, 2)), |_| store.snapshot_of(&ROWS)));
    assert!(words.contains("ROWS") && words.contains("take the snapshot before"), "{words}");
    let words = panic_of(|| store.update(&LIST, |_| store.snapshot_of(&LIST)));
    assert!(words.contains("LIST"), "{words}");
    let rows = store.update(&LIST, |_| store.snapshot_of(&ROWS));
    assert_eq!(rows.len(), 1);
}

#[test]
fn s9_a_snapshot_of_a_disposed_store_holds_initial_values_and_no_members() {
    let store = ReactonStore::new();
    store.set(&LIST, vec![5]);
    store.set(&ROWS.of((1, 2)), vec![12]);
    store.dispose();
    let (list, double, rows) = store.snapshot_of((&LIST, &DOUBLE, &ROWS));
    assert_eq!((list.as_slice(), *double, rows.len()), ([1].as_slice(), 2, 0));
}
