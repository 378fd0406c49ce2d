//! Two keys mean the same member exactly if they are equal, whatever their hashes are.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use reacton::prelude::*;
use serde::{Serialize, Serializer};

/// All keys have the same hash, because the skipped field takes no part in it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Name {
    table: u8,
    #[serde(skip)]
    row: u32,
}

fn row(row: u32) -> Name {
    Name { table: 1, row }
}

#[reacton]
static BALANCE: Family<Name, i64> = |name| -i64::from(name.row);

/// Another family whose keys all have the same hash.
#[reacton]
static OWNER: Family<Name, String> = |name| format!("owner of {}", name.row);

#[test]
fn r1_keys_of_one_hash_are_two_members() {
    let store = ReactonStore::new();
    assert_eq!(BALANCE.of(row(1)).reacton_ref(), BALANCE.of(row(2)).reacton_ref());
    store.set(&BALANCE.of(row(1)), 1_000_000);
    assert_eq!(store.get(&BALANCE.of(row(2))), -2);
    store.set(&BALANCE.of(row(2)), 20);
    store.set(&BALANCE.of(row(3)), 30);
    store.update(&BALANCE.of(row(2)), |balance| *balance += 1);
    assert_eq!(store.replace(&BALANCE.of(row(3)), 31), 30);
    assert_eq!(
        (1..5).map(|n| store.get(&BALANCE.of(row(n)))).collect::<Vec<_>>(),
        [1_000_000, 21, 31, -4]
    );
    assert_eq!(store.get(&OWNER.of(row(1))), "owner of 1");
    assert!(store.has(&BALANCE.of(row(1))) && !store.has(&BALANCE.of(row(4))));
}

#[test]
fn a_member_that_is_kept_finds_its_own_value_in_each_store() {
    let (one, other) = (ReactonStore::new(), ReactonStore::new());
    let kept = BALANCE.of(row(2));
    for n in 1..=3 {
        one.set(&BALANCE.of(row(n)), i64::from(n) * 10);
        other.set(&BALANCE.of(row(n)), i64::from(n) * 100);
    }
    for _ in 0..3 {
        assert_eq!((one.get(&kept), other.get(&kept)), (20, 200));
        assert_eq!((one.get(&BALANCE.of(row(1))), one.get(&kept)), (10, 20));
    }
    one.remove(&BALANCE.of(row(2)));
    assert_eq!((one.get(&kept), other.get(&kept)), (-2, 200));
    one.set(&BALANCE.of(row(2)), 21);
    assert_eq!((one.get(&kept), one.get(&kept.clone()), other.get(&kept)), (21, 21, 200));
}

#[test]
fn keys_of_one_hash_are_listed_and_removed_one_by_one() {
    let store = ReactonStore::new();
    let rows = |store: &ReactonStore| {
        let mut rows: Vec<_> = store.keys(&BALANCE).iter().map(|name| name.row).collect();
        rows.sort_unstable();
        rows
    };
    for n in 1..=4 {
        store.set(&BALANCE.of(row(n)), 7);
    }
    assert_eq!(rows(&store), [1, 2, 3, 4]);
    store.remove(&BALANCE.of(row(9)));
    store.remove(&BALANCE.of(row(1)));
    assert_eq!((rows(&store), store.get(&BALANCE.of(row(1)))), (vec![2, 3, 4], -1));
    store.remove(&BALANCE.of(row(3)));
    assert_eq!(rows(&store), [2, 4]);
    store.set(&BALANCE.of(row(1)), 8);
    store.remove(&BALANCE.of(row(2)));
    store.remove(&BALANCE.of(row(4)));
    assert_eq!((rows(&store), store.get(&BALANCE.of(row(1)))), (vec![1], 8));
}

#[test]
fn observers_are_called_for_the_key_that_they_observe() {
    let store = ReactonStore::new();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let log = |what: &'static str| {
        let heard = Rc::clone(&heard);
        move |balance: i64| heard.borrow_mut().push((what, balance))
    };
    let (one, two, both) = (log("one"), log("two"), log("both"));
    let first = store.subscribe(&BALANCE.of(row(1)), move |_, balance| one(*balance));
    store.subscribe(&BALANCE.of(row(2)), move |_, balance| two(*balance));
    store.effect(move |cx| both(cx.get(&BALANCE.of(row(1))) + 1000 * cx.get(&BALANCE.of(row(2)))));
    heard.borrow_mut().clear();
    store.set(&BALANCE.of(row(1)), 1);
    store.set(&BALANCE.of(row(3)), 3);
    assert_eq!(*heard.borrow(), [("one", 1), ("both", -1999)]);
    heard.borrow_mut().clear();
    store.batch(|store| {
        store.set(&BALANCE.of(row(1)), 4);
        store.set(&BALANCE.of(row(2)), 5);
        assert_eq!(store.get(&BALANCE.of(row(1))), 4);
        store.set(&BALANCE.of(row(1)), 1);
    });
    assert_eq!(*heard.borrow(), [("two", 5), ("both", 5001)]);
    first.unsubscribe();
    heard.borrow_mut().clear();
    store.set(&BALANCE.of(row(1)), 6);
    assert_eq!(*heard.borrow(), [("both", 5006)]);
}

#[test]
fn snapshots_tell_keys_of_one_hash_apart() {
    let store = ReactonStore::new();
    store.set(&BALANCE.of(row(1)), 1);
    store.set(&BALANCE.of(row(2)), 2);
    let before = store.snapshot();
    assert_eq!(before.len(), 2);
    assert_eq!(before.get(&BALANCE.of(row(1))), Some(&1));
    assert_eq!(before.get(&BALANCE.of(row(2))), Some(&2));
    assert_eq!(before.get(&BALANCE.of(row(3))), None);
    assert_eq!(before.get(&OWNER.of(row(1))), None);
    store.set(&BALANCE.of(row(2)), 20);
    store.set(&BALANCE.of(row(3)), 30);
    assert_eq!(before.diff(&store.snapshot()).len(), 2);
    for target in [&store, &ReactonStore::new()] {
        target.restore(&before);
        assert!(before.diff(&target.snapshot()).is_empty());
        assert_eq!((1..4).map(|n| target.get(&BALANCE.of(row(n)))).collect::<Vec<_>>(), [1, 2, -3]);
        assert_eq!(target.keys(&BALANCE).len(), 2);
    }
}

#[test]
fn handles_reach_the_key_that_they_name() {
    let store = ReactonStore::new();
    let handle = store.handle();
    let writer = std::thread::spawn(move || {
        handle.set(&BALANCE.of(row(1)), 1);
        handle.set(&BALANCE.of(row(2)), 2);
    });
    writer.join().expect("the thread does not panic");
    store.pump();
    assert_eq!((store.get(&BALANCE.of(row(1))), store.get(&BALANCE.of(row(2)))), (1, 2));
}

#[test]
fn equal_sets_and_maps_are_one_key() {
    #[reacton]
    static MARKS: Family<HashSet<u32>, u32> = |_| 0;
    #[reacton]
    static TABLES: Family<HashMap<String, Vec<u8>>, u32> = |_| 0;
    let store = ReactonStore::new();
    let (up, down): (HashSet<u32>, HashSet<u32>) = ((0..100).collect(), (0..100).rev().collect());
    assert_eq!(MARKS.of(up.clone()).reacton_ref(), MARKS.of(down.clone()).reacton_ref());
    store.set(&MARKS.of(up), 7);
    assert_eq!(store.get(&MARKS.of(down)), 7);
    let entries = |n: u8| (n.to_string(), vec![n, n + 1]);
    store.set(&TABLES.of((0..100).map(entries).collect()), 8);
    assert_eq!(store.get(&TABLES.of((0..100).rev().map(entries).collect())), 8);
    assert_eq!((store.keys(&MARKS).len(), store.keys(&TABLES).len()), (1, 1));
}

#[test]
fn r1_refs_of_lists_depend_on_their_order() {
    #[reacton]
    static PATH: Family<Vec<String>, u32> = |_| 0;
    let of = |path: &[&str]| PATH.of(path.iter().map(ToString::to_string).collect());
    assert_ne!(of(&["a", "b"]).reacton_ref(), of(&["b", "a"]).reacton_ref());
    assert_eq!(of(&["a", "b"]).reacton_ref(), of(&["a", "b"]).reacton_ref());
}

#[test]
fn keys_that_serialize_alike_are_two_members() {
    #[derive(Clone, PartialEq, Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Small(u8),
        Large(u64),
    }
    #[reacton]
    #[expect(clippy::option_option, reason = "the two serialize alike in most formats")]
    static CHOICE: Family<Option<Option<u8>>, u32> = |_| 0;
    #[reacton]
    static NUMBER: Family<Untagged, u32> = |_| 0;
    let store = ReactonStore::new();
    for (n, key) in (1..).zip([None, Some(None), Some(Some(0))]) {
        store.set(&CHOICE.of(key), n);
    }
    assert_eq!([None, Some(None), Some(Some(0))].map(|key| store.get(&CHOICE.of(key))), [1, 2, 3]);
    store.set(&NUMBER.of(Untagged::Small(1)), 1);
    store.set(&NUMBER.of(Untagged::Large(1)), 2);
    assert_eq!(store.get(&NUMBER.of(Untagged::Small(1))), 1);
    assert_eq!(store.get(&NUMBER.of(Untagged::Large(1))), 2);
}

#[test]
fn the_zeros_are_one_key_and_a_nan_is_itself() {
    #[reacton]
    static AT: Family<f64, u32> = |_| 0;
    #[reacton]
    static POINT: Family<(f32, u8), u32> = |_| 0;
    let store = ReactonStore::new();
    store.set(&AT.of(0.0), 1);
    store.set(&AT.of(f64::NAN), 2);
    store.set(&POINT.of((-0.0, 1)), 3);
    store.set(&POINT.of((f32::NAN, 1)), 4);
    assert_eq!((store.get(&AT.of(-0.0)), store.get(&AT.of(f64::NAN))), (1, 2));
    assert_eq!(store.get(&POINT.of((0.0, 1))), 3);
    assert_eq!(store.get(&POINT.of((f32::NAN, 1))), 4);
    assert_eq!(store.get(&POINT.of((f32::NAN, 2))), 0);
    assert_eq!((store.keys(&AT).len(), store.keys(&POINT).len()), (2, 2));
}

#[test]
fn texts_that_had_one_hash_under_fnv_are_two_members() {
    #[reacton]
    static PROFILE: Family<String, String> = |_| String::new();
    let store = ReactonStore::new();
    for (one, two) in [("idkemfebojkhkd0", "daoinjmjpbhjbpZ"), ("249v2PomdzM", "ab8XCRgV7tH")] {
        store.set(&PROFILE.of(one.into()), "secret of one".into());
        assert_eq!(store.get(&PROFILE.of(two.into())), "");
        assert_ne!(PROFILE.of(one.into()).reacton_ref(), PROFILE.of(two.into()).reacton_ref());
    }
}

/// Comparing and serializing keys is user code: it may use the store.
#[test]
fn comparing_keys_may_use_the_store() {
    #[derive(Clone)]
    struct Curious(u32, ReactonStore);
    impl PartialEq for Curious {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(&BALANCE.of(row(99)), 1);
            self.0 == other.0
        }
    }
    impl Serialize for Curious {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            self.1.get(&BALANCE.of(row(98)));
            to.serialize_unit()
        }
    }
    #[reacton]
    static ASKED: Family<Curious, u32> = |key| key.0;
    let store = ReactonStore::new();
    let of = |n| ASKED.of(Curious(n, store.clone()));
    for n in 0..5 {
        store.set(&of(n), n * 10);
    }
    let snapshot = store.snapshot();
    store.set(&of(7), 70);
    store.restore(&snapshot);
    assert_eq!((store.get(&of(3)), store.get(&of(7))), (30, 7));
    assert_eq!(snapshot.get(&of(4)), Some(&40));
    store.dispose();
}

#[test]
fn a_family_of_many_kinds_of_keys_compares_them() {
    #[reacton]
    static KEYED: Family<BTreeMap<char, Option<(i8, bool)>>, u32> = |_| 0;
    let store = ReactonStore::new();
    let key = |n| BTreeMap::from([('a', None), ('b', Some((n, true)))]);
    store.set(&KEYED.of(key(-1)), 1);
    assert_eq!((store.get(&KEYED.of(key(-1))), store.get(&KEYED.of(key(1)))), (1, 0));
}

/// L7: a member that was reported as stale is called again, whichever of the keys with this hash it has.
#[test]
fn l7_a_stale_member_is_called_again_though_another_of_its_hash_has_changed() {
    let store = ReactonStore::new();
    let calls = Rc::new(RefCell::new(0));
    let count = Rc::clone(&calls);
    store.subscribe(&BALANCE.of(row(1)), move |_, _| *count.borrow_mut() += 1);
    let handle = store.handle();
    std::thread::spawn(move || handle.set(&BALANCE.of(row(2)), 2))
        .join()
        .expect("the thread does not panic");
    if store.is_stale(&BALANCE.of(row(1))) {
        store.pump();
        assert_eq!(*calls.borrow(), 1, "the member was reported as stale before");
    }
    assert_eq!(store.get(&BALANCE.of(row(1))), -1);
}

#[test]
fn equal_keys_that_serialize_differently_are_two_members() {
    #[reacton]
    static FILE: Family<std::path::PathBuf, u32> = |_| 0;
    let store = ReactonStore::new();
    let (one, other) = (std::path::PathBuf::from("a/b"), std::path::PathBuf::from("a//b/"));
    assert_eq!(one, other);
    store.set(&FILE.of(one.clone()), 1);
    assert_eq!((store.get(&FILE.of(one)), store.get(&FILE.of(other))), (1, 0));
}

#[test]
fn a_nan_is_one_key_whatever_its_bits_and_wherever_it_stands() {
    #[derive(Clone, PartialEq, Serialize)]
    struct Weight(f64);
    #[reacton]
    static AT: Family<f32, u32> = |_| 0;
    #[reacton]
    static WEIGHTS: Family<HashMap<u32, Weight>, u32> = |_| 0;
    let store = ReactonStore::new();
    for (n, nan) in (1..).zip([f32::NAN, -f32::NAN, f32::from_bits(0x7fc0_0001)]) {
        store.set(&AT.of(nan), n);
    }
    assert_eq!((store.get(&AT.of(f32::NAN)), store.keys(&AT).len()), (3, 1));
    let weights = |last| {
        (0..9).map(|n| (n, Weight(f64::NAN))).chain([(9, Weight(last))]).collect::<HashMap<_, _>>()
    };
    for n in 0..20 {
        store.set(&WEIGHTS.of(weights(1.0)), n);
    }
    assert_eq!((store.get(&WEIGHTS.of(weights(1.0))), store.keys(&WEIGHTS).len()), (19, 1));
    assert_eq!(store.get(&WEIGHTS.of(weights(2.0))), 0);
}

/// Serializes like a list of another crate, and counts comparisons.
#[derive(Clone)]
struct Small(Vec<u8>);

thread_local! {
    static COMPARED: RefCell<u32> = const { RefCell::new(0) };
}

impl PartialEq for Small {
    fn eq(&self, other: &Self) -> bool {
        COMPARED.with_borrow_mut(|compared| *compared += 1);
        self.0 == other.0
    }
}

impl Serialize for Small {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for element in &self.0 {
            list.serialize_element(element)?;
        }
        list.end()
    }
}

#[test]
fn a_look_up_of_a_key_that_is_a_list_compares_no_other_order_of_it() {
    #[reacton]
    static SMALL: Family<Small, u32> = |_| 0;
    let store = ReactonStore::new();
    for at in 0..200 {
        let mut list = vec![0; 200];
        list[at] = 1;
        store.set(&SMALL.of(Small(list)), 1);
    }
    assert_eq!((store.keys(&SMALL).len(), COMPARED.take()), (200, 0));
}
