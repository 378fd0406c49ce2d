//! Keys whose comparisons and copies panic, write, read, observe, or contradict each other.

#[path = "user_keys/changes.rs"]
mod changes;

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Log, Random, from_env, panic_of, quietly};

use crate::DONE;

thread_local! {
    /// The number of comparisons and copies until one panics.
    static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
    /// Code that a comparison or a copy runs once.
    static CODE: Cell<Option<fn(&ReactonStore)>> = const { Cell::new(None) };
    static STORE: RefCell<Option<WeakStore>> = const { RefCell::new(None) };
    /// A log of the observers that are made inside of a comparison or a copy.
    static NESTED: RefCell<Log<(u64, Option<u64>)>> = RefCell::new(Log::new());
    /// If set, comparisons return random results.
    static RANDOM: RefCell<Option<Random>> = const { RefCell::new(None) };
}

/// A key that runs code of the test wherever the library compares or copies it.
#[derive(Debug)]
struct Key(u64);

fn step() {
    if let Some(code) = CODE.take() {
        let store = STORE.with_borrow(|store| store.as_ref().and_then(WeakStore::upgrade));
        code(&store.expect("the test holds the store"));
    }
    match LEFT.get() {
        Some(0) => {
            LEFT.set(None);
            panic!("broken on purpose");
        }
        left => LEFT.set(left.map(|left| left - 1)),
    }
}

impl Clone for Key {
    fn clone(&self) -> Self {
        step();
        Self(self.0)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        step();
        let random = RANDOM.with_borrow_mut(|random| random.as_mut().map(|random| random.below(3)));
        random.map_or_else(|| self.0.cmp(&other.0), |random| random.cmp(&1))
    }
}

#[reacton]
static KEYED: ReactonMap<Key, u64> = ReactonMap::new();

#[reacton]
static CHOICE: ReactonSet<Key> = ReactonSet::new();

fn here(store: &ReactonStore) {
    STORE.replace(Some(store.downgrade()));
}

/// Whether `f` panics, which is not printed.
fn breaks(f: impl FnOnce()) -> bool {
    quietly(|| catch_unwind(AssertUnwindSafe(f))).is_err()
}

type Model = BTreeMap<u64, u64>;

/// Reads without a comparison.
fn rows(store: &ReactonStore) -> Model {
    store.with(&KEYED, |rows| rows.iter().map(|(key, value)| (key.0, *value)).collect())
}

/// Returns the map that an observer makes from its changes.
fn mirror(store: &ReactonStore) -> Rc<RefCell<Model>> {
    let mirror = Rc::new(RefCell::new(rows(store)));
    let told = Rc::clone(&mirror);
    store.subscribe_changes(&KEYED, move |_, changes| {
        let mut rows = told.borrow_mut();
        for change in changes {
            match change.new() {
                Some(new) => rows.insert(change.key().0, **new),
                None => rows.remove(&change.key().0),
            };
        }
    });
    mirror
}

fn fill(store: &ReactonStore, end: u64) {
    store.update(&KEYED, |rows| rows.extend((0..end).map(|key| (Key(key), key))));
}

fn edit(rows: &mut ReactonMap<Key, u64>, model: &mut Model, random: &mut Random) {
    let (key, value) = (random.below(80), random.below(1000));
    match random.below(8) {
        0..3 => {
            rows.remove(&Key(key));
            model.remove(&key);
        }
        3 => {
            let edited = rows.update(&Key(key), |row| *row = value);
            model.entry(key).and_modify(|row| *row = value);
            assert_eq!(edited.is_some(), model.contains_key(&key));
        }
        4 => {
            rows.retain(|held, _| held.0 % 16 != key % 16);
            model.retain(|held, _| held % 16 != key % 16);
        }
        _ => {
            rows.insert(Key(key), value);
            model.insert(key, value);
        }
    }
}

/// An edit that a panic interrupts is made or not made. Everything else continues as before.
fn break_at_random(seed: u64) {
    let mut random = Random::new(seed);
    let store = ReactonStore::new();
    fill(&store, 60);
    let calls = Rc::new(Cell::new(0));
    let counter = Rc::clone(&calls);
    store.subscribe(&KEYED, move |_, _| counter.set(counter.get() + 1));
    let entry = Rc::new(Cell::new(store.get(&KEYED.at(Key(7)))));
    let heard = Rc::clone(&entry);
    store.subscribe(&KEYED.at(Key(7)), move |_, row| heard.set(*row));
    for _ in 0..60 {
        let snapshot = random.chance(2).then(|| store.get(&KEYED));
        let before = rows(&store);
        let mut after = before.clone();
        LEFT.set(Some(random.below(200)));
        let edits = 1 + random.below(3);
        let broke = breaks(|| {
            store.update(&KEYED, |rows| {
                (0..edits).for_each(|_| edit(rows, &mut after, &mut random));
            });
        });
        LEFT.set(None);
        if !broke {
            assert_eq!(rows(&store), after, "seed {seed}");
        }
        drop(snapshot);
        // The changes are reported at once or with the next transaction. The map can be searched, and its keys are
        // sorted.
        let is_there = store.with(&KEYED, |rows| rows.contains_key(&Key(0)));
        assert_eq!(is_there, rows(&store).contains_key(&0), "seed {seed}");
        store.with(&KEYED, |rows| {
            assert!(rows.keys().is_sorted() && rows.keys().count() == rows.len());
        });
    }
    let before = calls.get();
    store.update(&KEYED, |rows| rows.insert(Key(7), 5000));
    assert_eq!((calls.get(), entry.get()), (before + 1, Some(5000)), "seed {seed}");
    store.update(&KEYED, ReactonMap::clear);
    let observer = mirror(&store);
    fill(&store, 3);
    assert_eq!((rows(&store), entry.get()), (observer.borrow().clone(), None), "seed {seed}");
}

#[test]
fn c1_a_comparison_or_a_copy_of_a_key_that_panics_leaves_a_map_that_works() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(200),
    };
    seeds.for_each(break_at_random);
}

#[test]
fn c3_a_comparison_may_write_and_read_others_and_is_refused_its_own() {
    let store = ReactonStore::new();
    here(&store);
    fill(&store, 40);
    let observer = mirror(&store);
    CODE.set(Some(|store| {
        store.update(&DONE, |done| done.add(1));
        store.update(&CHOICE, |set| set.insert(Key(1)));
    }));
    store.update(&KEYED, |rows| rows.insert(Key(41), 41));
    assert_eq!((store.get(&DONE).value(), store.with(&CHOICE, ReactonSet::len)), (1, 1));
    let own: [fn(&ReactonStore); 3] = [
        |store| drop(store.get(&KEYED)),
        |store| assert_eq!(store.get(&KEYED.at(Key(1))), None),
        |store| drop(store.update(&KEYED, |rows| rows.insert(Key(50), 50))),
    ];
    for code in own {
        CODE.set(Some(code));
        let words = panic_of(|| store.update(&KEYED, |rows| rows.insert(Key(42), 42)));
        assert!(words.contains("KEYED") && words.contains("update"), "{words}");
    }
    store.update(&KEYED, |rows| rows.insert(Key(43), 43));
    assert_eq!(*observer.borrow(), rows(&store));
}

#[test]
fn c3_a_comparison_of_keys_may_write_the_map_while_it_is_read() {
    let store = ReactonStore::new();
    here(&store);
    fill(&store, 40);
    let observer = mirror(&store);
    CODE.set(Some(|store| drop(store.update(&KEYED, |rows| rows.insert(Key(5), 500)))));
    assert_eq!(store.with(&KEYED, |rows| rows.get(&Key(5)).copied()), Some(5));
    assert_eq!(store.get(&KEYED.at(Key(5))), Some(500));
    assert_eq!(*observer.borrow(), rows(&store));
}

#[test]
fn c4_entries_that_are_observed_while_another_is_are_all_called() {
    let store = ReactonStore::new();
    here(&store);
    let log = Log::new();
    let watch = |store: &ReactonStore, key: u64| {
        let heard = log.clone();
        store.subscribe(&KEYED.at(Key(key)), move |_, row| heard.push((key, *row)));
    };
    watch(&store, 1);
    NESTED.set(log.clone());
    // The same entry, and others, from within its own comparisons and copies.
    for key in [2, 1, 3, 4] {
        CODE.set(Some(|store| {
            for key in [1, 2, 9] {
                let heard = NESTED.with_borrow(Log::clone);
                store.subscribe(&KEYED.at(Key(key)), move |_, row| heard.push((key, *row)));
            }
        }));
        watch(&store, key);
        CODE.take();
    }
    fill(&store, 10);
    let mut heard = log.take();
    heard.sort_unstable();
    let count = |key| heard.iter().filter(|call| **call == (key, Some(key))).count();
    assert_eq!([1, 2, 3, 4, 9].map(count), [6, 5, 1, 1, 4]);
}

#[test]
fn c4_a_panic_while_an_entry_is_observed_leaves_the_others_observed() {
    let store = ReactonStore::new();
    let log = Log::new();
    let watch = |key: u64| {
        let heard = log.clone();
        store.subscribe(&KEYED.at(Key(key)), move |_, row| heard.push((key, *row)));
    };
    let mut observed = Vec::new();
    for key in 0..60 {
        LEFT.set(Some(key * 7 % 60));
        if !breaks(|| watch(key)) {
            observed.push(key);
        }
        LEFT.set(None);
    }
    assert!((10..50).contains(&observed.len()), "{}", observed.len());
    fill(&store, 60);
    let heard: Vec<_> = observed.iter().map(|key| (*key, Some(*key))).collect();
    assert_eq!(log.take(), heard);
}

#[test]
fn c4_a_comparison_that_panics_while_entries_are_written_hides_no_other_entry() {
    let store = ReactonStore::new();
    let log = Log::new();
    for key in 0..3 {
        let heard = log.clone();
        store.subscribe(&KEYED.at(Key(key)), move |_, row| heard.push((key, *row)));
    }
    for left in 0..12 {
        // Many more keys than comparisons that may panic.
        let broke = breaks(|| {
            store.update(&KEYED, |rows| {
                rows.insert(Key(2), left);
                LEFT.set(Some(left));
            });
        });
        LEFT.set(None);
        log.take();
        assert!(!broke || left < 9);
        assert_eq!(rows(&store).get(&2), Some(&left));
        store.update(&KEYED, |rows| rows.insert(Key(1), left));
        assert_eq!(log.take(), [(1, Some(left))]);
    }
}

/// Comparisons without a consistent order cause no endless loop. They may only misplace entries.
#[test]
fn c1_keys_without_an_order_harm_nothing_but_their_map() {
    for seed in 0..from_env("REACTON_SEEDS").unwrap_or(200) {
        let store = ReactonStore::new();
        let mut random = Random::new(seed);
        fill(&store, random.below(200));
        let snapshot = store.snapshot();
        mirror(&store);
        store.subscribe(&KEYED.at(Key(3)), |_, _| ());
        RANDOM.set(Some(Random::new(seed)));
        for _ in 0..40 {
            let key = random.below(200);
            // A sort of std may panic.
            breaks(|| {
                store.update(&KEYED, |rows| {
                    for _ in 0..=random.below(50) {
                        rows.insert(Key(random.below(200)), key);
                        rows.remove(&Key(random.below(200)));
                        rows.update(&Key(random.below(200)), |row| *row += 1);
                    }
                });
            });
            store.with(&KEYED, |rows| {
                assert_eq!(rows.iter().count(), rows.len());
                assert!(rows.range(Key(1)..Key(9)).count() <= rows.len());
            });
            store.get(&KEYED.at(Key(key)));
        }
        if random.chance(2) {
            breaks(|| store.restore(&snapshot));
        }
        breaks(|| store.update(&KEYED, ReactonMap::clear));
        RANDOM.set(None);
        store.update(&KEYED, ReactonMap::clear);
        let observer = mirror(&store);
        fill(&store, 5);
        assert_eq!(rows(&store), *observer.borrow(), "seed {seed}");
        assert_eq!(store.get(&KEYED.at(Key(3))), Some(3), "seed {seed}");
    }
}

#[test]
fn c1_a_row_whose_edit_panics_stays_what_it_was() {
    let store = ReactonStore::new();
    fill(&store, 3);
    let observer = mirror(&store);
    let words = panic_of(|| {
        store.update(&KEYED, |rows| {
            rows.insert(Key(0), 7);
            rows.update(&Key(1), |row| {
                *row = 9;
                panic!("broken on purpose");
            });
        });
    });
    assert_eq!(words, "broken on purpose");
    // What was written before the panic stays written, as in a batch.
    assert_eq!(rows(&store), Model::from([(0, 7), (1, 1), (2, 2)]));
    assert_eq!(*observer.borrow(), rows(&store));
}

#[test]
fn c1_replacing_the_whole_map_in_an_edit_reports_the_entries_that_differ() {
    let replace: [fn(&mut ReactonMap<Key, u64>); 4] = [
        |rows| *rows = ReactonMap::from_iter([(Key(1), 10), (Key(5), 50)]),
        |rows| drop(std::mem::take(rows)),
        |rows| {
            rows.insert(Key(7), 7);
            let mut taken = std::mem::take(rows);
            taken.insert(Key(1), 11);
            *rows = taken;
        },
        |rows| {
            let mut copy = rows.clone();
            copy.insert(Key(8), 8);
            *rows = copy;
        },
    ];
    for replace in replace {
        let store = ReactonStore::new();
        fill(&store, 3);
        let observer = mirror(&store);
        let mut expected = store.get(&KEYED);
        replace(&mut expected);
        let (rows_seen, entry_seen) = (Rc::new(Cell::new(3)), Rc::new(Cell::new(Some(1))));
        let (all, one) = (Rc::clone(&rows_seen), Rc::clone(&entry_seen));
        store.subscribe(&KEYED, move |_, rows| all.set(rows.len()));
        store.subscribe(&KEYED.at(Key(1)), move |_, row| one.set(*row));
        store.update(&KEYED, replace);
        assert_eq!(store.get(&KEYED), expected);
        assert_eq!(rows(&store), *observer.borrow());
        let found = expected.get(&Key(1)).copied();
        assert_eq!((rows_seen.get(), entry_seen.get()), (expected.len(), found));
    }
}
