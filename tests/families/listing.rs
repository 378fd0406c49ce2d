//! Lists of the keys of a family, while members are added and removed.

use std::collections::BTreeSet;

use reacton::prelude::*;

#[reacton]
static SMALL: Family<u32, u32> = |_| 0;

#[reacton]
static LARGE: Family<u32, u32> = |_| 0;

fn keys(store: &ReactonStore, family: &'static Family<u32, u32>) -> BTreeSet<u32> {
    let keys = store.keys(family);
    let set: BTreeSet<_> = keys.iter().copied().collect();
    assert_eq!(set.len(), keys.len(), "a key is listed twice");
    set
}

#[test]
fn keys_are_those_of_the_family_in_whatever_order_members_come_and_go() {
    let store = ReactonStore::new();
    let mut expected = BTreeSet::new();
    let mut next = 1_u32;
    for step in 0..2000 {
        next = next.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        let key = (next >> 16) % 64;
        if (next >> 8).is_multiple_of(3) {
            store.remove(&SMALL.of(key));
            expected.remove(&key);
        } else {
            store.set(&SMALL.of(key), step);
            expected.insert(key);
        }
        store.set(&LARGE.of(step), 1);
        store.get(&SMALL.of(1000 + key));
    }
    assert_eq!(keys(&store, &SMALL), expected);
    assert_eq!(store.keys(&LARGE).len(), 2000);
    (0..2000).for_each(|key| store.remove(&LARGE.of(key)));
    assert!(store.keys(&LARGE).is_empty());
    assert_eq!(keys(&store, &SMALL), expected);
}

#[test]
fn a_member_that_is_only_observed_is_not_among_the_keys() {
    let store = ReactonStore::new();
    let subscription = store.subscribe(&SMALL.of(1), |_, _| ());
    store.set(&SMALL.of(2), 2);
    assert_eq!(store.keys(&SMALL), [2]);
    store.set(&SMALL.of(1), 1);
    subscription.unsubscribe();
    assert_eq!(keys(&store, &SMALL), [1, 2].into());
    let snapshot = store.snapshot();
    store.set(&SMALL.of(3), 3);
    store.restore(&snapshot);
    assert_eq!(keys(&store, &SMALL), [1, 2].into());
    let other = ReactonStore::new();
    other.restore(&snapshot);
    assert_eq!(keys(&other, &SMALL), [1, 2].into());
}
