//! C1 to C4 with random edits: compares a map, its entries, its observers and its snapshots with a `BTreeMap` of std.
//!
//! `REACTON_SEED=<seed>` replays one run; `REACTON_SEEDS` says how many there are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Random, from_env};

#[reacton]
static TABLE: ReactonMap<u64, u64> = ReactonMap::new();

const KEYS: u64 = 12;

type Model = BTreeMap<u64, u64>;

/// The map that an observer has made from the changes, and the number of its calls.
struct Mirror {
    rows: Rc<RefCell<Model>>,
    calls: Rc<RefCell<u32>>,
}

struct Run {
    store: ReactonStore,
    model: Model,
    mirrors: Vec<Mirror>,
    /// The entries that are observed, each with the value that its observer was called with last.
    entries: Vec<(u64, Rc<RefCell<Option<u64>>>)>,
    snapshots: Vec<(StoreSnapshot, Model)>,
}

impl Run {
    fn rows(&self) -> Model {
        self.store.with(&TABLE, |rows| rows.iter().map(|(key, value)| (*key, *value)).collect())
    }

    /// A new observer, which may write in its turn.
    fn observe(&mut self, writes: Option<u64>) {
        let (rows, calls) = (Rc::new(RefCell::new(self.rows())), Rc::default());
        self.mirrors.push(Mirror { rows: Rc::clone(&rows), calls: Rc::clone(&calls) });
        self.store.subscribe_changes(&TABLE, move |store, changes| {
            *calls.borrow_mut() += 1;
            let keys: Vec<_> = changes.iter().map(Change::key).collect();
            assert!(!keys.is_empty() && keys.is_sorted_by(|one, two| one < two), "{changes:?}");
            for change in changes {
                let (old, new) = (change.old().map(|old| **old), change.new().map(|new| **new));
                assert_ne!(old, new, "{changes:?}");
                let before = match new {
                    Some(new) => rows.borrow_mut().insert(*change.key(), new),
                    None => rows.borrow_mut().remove(change.key()),
                };
                assert_eq!(before, old, "{changes:?}");
            }
            // This write happens once for each key, so the rounds end.
            if let Some(key) = writes
                && changes.iter().any(|change| *change.key() == key && change.new().is_some())
            {
                store.update(&TABLE, |rows| rows.remove(&key));
            }
        });
    }

    /// If no other observer writes the entry back in the same round, each call must have a different value.
    fn observe_entry(&mut self, key: u64, is_written_back: bool) {
        let seen = Rc::new(RefCell::new(self.store.get(&TABLE.at(key))));
        self.entries.push((key, Rc::clone(&seen)));
        self.store.subscribe(&TABLE.at(key), move |_, value| {
            let before = seen.replace(*value);
            assert!(
                is_written_back || before != *value,
                "the observer of entry {key} was called for an equal value"
            );
        });
    }

    fn write(&mut self, random: &mut Random) {
        let (key, value) = (random.below(KEYS), random.below(3));
        match random.below(9) {
            0 => {
                let rows: Model =
                    (0..random.below(5)).map(|_| (random.below(KEYS), value)).collect();
                self.store.set(&TABLE, rows.clone().into_iter().collect());
                self.model = rows;
            }
            1 => {
                let held = self.store.get(&TABLE);
                let removed = self.store.update(&TABLE, |rows| rows.remove(&key).map(|row| *row));
                assert_eq!(removed, self.model.remove(&key));
                assert!(held.len() >= self.model.len());
            }
            2 => {
                let edited =
                    self.store.update(&TABLE, |rows| rows.update(&key, |row| *row = value));
                assert_eq!(edited.is_some(), self.model.contains_key(&key));
                if let Some(row) = self.model.get_mut(&key) {
                    *row = value;
                }
            }
            3 => {
                for _ in 0..random.below(6) {
                    let (key, value) = (random.below(KEYS), random.below(3));
                    self.store.update(&TABLE, |rows| rows.insert(key, value));
                    self.store.update(&TABLE, |rows| rows.remove(&(key / 2)));
                    self.model.insert(key, value);
                    self.model.remove(&(key / 2));
                }
            }
            _ => {
                self.store.update(&TABLE, |rows| rows.insert(key, value));
                self.model.insert(key, value);
            }
        }
    }

    fn step(&mut self, random: &mut Random, writer: Option<u64>) {
        match random.below(12) {
            0 => self.observe(None),
            1 => {
                let key = random.below(KEYS);
                self.observe_entry(key, writer == Some(key));
            }
            2 => self.snapshots.push((self.store.snapshot(), self.model.clone())),
            3 if !self.snapshots.is_empty() => {
                let (snapshot, model) = &self.snapshots[random.index(self.snapshots.len())];
                self.store.restore(snapshot);
                self.model.clone_from(model);
            }
            4 | 5 => {
                let before = self.rows();
                let calls: Vec<_> =
                    self.mirrors.iter().map(|mirror| *mirror.calls.borrow()).collect();
                let known = self.mirrors.len();
                let store = self.store.clone();
                store.batch(|_| {
                    for _ in 0..random.below(5) {
                        self.write(random);
                        assert_eq!(self.rows(), self.model);
                        let key = random.below(KEYS);
                        assert_eq!(store.get(&TABLE.at(key)), self.model.get(&key).copied());
                        if random.chance(8) {
                            self.observe(None);
                        }
                    }
                });
                if writer.is_none() {
                    let once = u32::from(before != self.model);
                    for (mirror, calls) in self.mirrors[..known].iter().zip(calls) {
                        assert_eq!(*mirror.calls.borrow(), calls + once);
                    }
                }
            }
            _ => self.write(random),
        }
        if let Some(key) = writer
            && self.mirrors.iter().any(|mirror| *mirror.calls.borrow() > 0)
        {
            self.model.remove(&key);
        }
    }

    fn check(&self) {
        assert_eq!(self.rows(), self.model);
        for mirror in &self.mirrors {
            assert_eq!(*mirror.rows.borrow(), self.model);
        }
        for (key, seen) in &self.entries {
            assert_eq!(*seen.borrow(), self.model.get(key).copied(), "entry {key}");
        }
        for (snapshot, model) in &self.snapshots {
            let rows = snapshot.get(&TABLE).map_or(0, ReactonMap::len);
            assert_eq!(rows, model.len());
        }
    }
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let mut run = Run {
        store: ReactonStore::new(),
        model: Model::new(),
        mirrors: Vec::new(),
        entries: Vec::new(),
        snapshots: Vec::new(),
    };
    // In some runs an observer removes this key whenever it is added.
    let writer = random.chance(3).then(|| random.below(KEYS));
    run.store.with(&TABLE, ReactonMap::len);
    if writer.is_some() {
        run.observe(writer);
    }
    for _ in 0..40 {
        run.step(&mut random, writer);
        run.check();
    }
}

#[test]
fn c2_a_map_equals_a_map_of_std_after_random_edits_and_its_observers_agree() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(1000),
    };
    for seed in seeds {
        let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
        assert!(played.is_ok(), "REACTON_SEED={seed}");
    }
}
