//! M5: numbers of several stores that are joined to a counter.

use super::Counter;
use crate::collections::tests::{all, owned};
use crate::merge::{Change, Compose, Edit, Merge, Version, Writer};

fn version(clock: u64) -> Version {
    Version { clock, site: 7 }
}

#[test]
fn m5_what_is_added_before_a_set_that_comes_out_equal_is_undone_with_it() {
    let mut counter = Counter::new();
    assert!(counter.join(Edit::Put((3, 1, 0), 950), version(3)));
    for added in [-82, 5] {
        counter.begin(Writer { site: 9, shares: true });
        counter.add(added);
        counter.settle();
        counter.begin(Writer { site: 9, shares: true });
        counter.set(1);
        counter.add(1);
        counter.set(950);
        counter.settle();
        counter.revert();
    }
    assert!(counter.join(Edit::Put((3, 1, 7), 109), version(5)));
    assert_eq!(counter.value(), 1059);
    assert_eq!(all(&counter).len(), 2, "site 9 has an entry");
}

#[test]
fn c6_joined_numbers_are_reported_as_added_ones_are() {
    let mut counter = Counter::new();
    let mut joined = |part, added, at| {
        counter.begin(Writer { site: 9, shares: true });
        counter.join(Edit::Put(part, added), version(at));
        counter.settle().map_or_else(Vec::new, |changes| changes.list())
    };
    let moved = |old, new| vec![Change::Replaced { key: (), old, new }];
    assert_eq!(joined((0, 0, 7), 5, 1), moved(0, 5));
    assert_eq!(joined((0, 0, 7), 5, 1), []);
    assert_eq!(joined((2, 7, 0), 3, 2), moved(5, 3));
    assert_eq!(joined((0, 0, 7), 8, 3), []);
}

#[test]
fn m5_what_arrives_stays_below_an_open_set() {
    for older in [(0, 0, 7), (1, 7, 0)] {
        let (mut counter, mut other) = (Counter::new(), Counter::new());
        counter.begin(Writer { site: 9, shares: true });
        counter.set(10);
        counter.settle();
        counter.begin(Writer { site: 9, shares: true });
        assert!(counter.join(Edit::Put(older, 5), version(1)));
        assert!(counter.settle().is_none_or(|changes| changes.is_empty()));
        assert_eq!(counter.value(), 10);
        other.join(Edit::Put(older, 5), version(1));
        let mut sent = Vec::new();
        counter.seal(version(4), &mut |edit| sent.push(owned(&edit)));
        for edit in sent {
            assert!(other.join(edit, version(4)));
        }
        assert_eq!((counter.value(), other.value()), (10, 10));
        assert_eq!(all(&counter), all(&other));
    }
}

#[test]
fn m5_the_numbers_of_stores_that_share_a_counter_no_more_are_one_number() {
    let mut counter = Counter::new();
    for site in 1..100 {
        counter.join(Edit::Put((3, 1, site), 2), version(site));
    }
    assert_eq!((counter.value(), counter.newest_clock()), (198, 99));
    counter.sweep(5);
    assert_eq!(all(&counter).len(), 99);
    counter.sweep(u64::MAX);
    assert_eq!((counter.value(), all(&counter).len()), (198, 1));
    // Stores that share it from now on add to that.
    assert!(counter.join(Edit::Put((0, 0, 4), 2), version(5)));
    assert_eq!(counter.value(), 200);
}
