//! G4 and G5: random transactions, undo, redo, and what a worker writes meanwhile, beside a model that keeps copies of everything.

use std::collections::BTreeMap;

use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::{Random, from_env};

#[reacton]
static NAME: String = String::new();
#[reacton]
static SIZE: i64 = 0;
#[reacton]
static ROWS: ReactonMap<u8, u32> = ReactonMap::new();
#[reacton]
static VISITS: Counter = Counter::new();
#[reacton]
static NOTE: Family<u8, u32> = |_| 0;
const ALL: Group = group![NAME, SIZE, ROWS, VISITS, NOTE];

#[worker(shared = [..ALL])]
fn other(_: &ReactonStore) {}

/// All values, without any cleverness.
#[derive(Clone, Default, PartialEq, Debug)]
struct Values {
    name: String,
    size: i64,
    rows: BTreeMap<u8, u32>,
    visits: i64,
    notes: BTreeMap<u8, u32>,
}

/// What one transaction has made of each of them.
#[derive(Clone, Debug)]
enum Done {
    Name(String, String),
    Size(i64, i64),
    Row(u8, Option<u32>, Option<u32>),
    Visits(i64),
    Note(u8, Option<u32>, Option<u32>),
}

fn put<T>(map: &mut BTreeMap<u8, T>, key: u8, value: Option<T>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

impl Done {
    fn replay(&self, values: &mut Values, back: bool) {
        match self.clone() {
            Self::Name(old, new) => values.name = if back { old } else { new },
            Self::Size(old, new) => values.size = if back { old } else { new },
            Self::Row(key, old, new) => put(&mut values.rows, key, if back { old } else { new }),
            Self::Visits(added) => values.visits += if back { -added } else { added },
            Self::Note(key, old, new) => put(&mut values.notes, key, if back { old } else { new }),
        }
    }
}

/// What differs.
fn difference(old: &Values, new: &Values) -> Vec<Done> {
    let mut done = Vec::new();
    if old.name != new.name {
        done.push(Done::Name(old.name.clone(), new.name.clone()));
    }
    if old.size != new.size {
        done.push(Done::Size(old.size, new.size));
    }
    if old.visits != new.visits {
        done.push(Done::Visits(new.visits - old.visits));
    }
    for key in 0..8 {
        let (before, after) = (old.rows.get(&key), new.rows.get(&key));
        if before != after {
            done.push(Done::Row(key, before.copied(), after.copied()));
        }
        let (before, after) = (old.notes.get(&key), new.notes.get(&key));
        if before != after {
            done.push(Done::Note(key, before.copied(), after.copied()));
        }
    }
    done
}

/// Without the members that hold their initial value: whether those are there is not compared.
fn values_of(store: &ReactonStore) -> Values {
    let notes = store.keys(&NOTE).into_iter().map(|key| (key, store.get(&NOTE.of(key))));
    Values {
        name: store.get(&NAME),
        size: store.get(&SIZE),
        rows: store.with(&ROWS, |rows| rows.iter().map(|(key, row)| (*key, *row)).collect()),
        visits: store.with(&VISITS, Counter::value),
        notes: notes.filter(|(_, note)| *note != 0).collect(),
    }
}

/// A random write, also to the model.
fn write(store: &ReactonStore, values: &mut Values, random: &mut Random) {
    let key = u8::try_from(random.below(6)).unwrap_or_default();
    let value = u32::try_from(random.below(4)).unwrap_or_default();
    match random.below(10) {
        0 => {
            values.name = value.to_string();
            store.set(&NAME, value.to_string());
        }
        1 => {
            values.size = value.into();
            store.set(&SIZE, value.into());
        }
        2 | 3 => {
            values.rows.insert(key, value);
            store.update(&ROWS, |rows| rows.insert(key, value));
        }
        4 => {
            values.rows.remove(&key);
            store.update(&ROWS, |rows| rows.remove(&key));
        }
        5 => {
            values.visits += i64::from(value);
            store.update(&VISITS, |visits| visits.add(value.into()));
        }
        6 | 7 => {
            put(&mut values.notes, key, (value != 0).then_some(value));
            store.set(&NOTE.of(key), value);
        }
        8 => {
            values.notes.remove(&key);
            store.remove(&NOTE.of(key));
        }
        _ => {
            values.name.push('x');
            store.update(&NAME, |name| name.push('x'));
        }
    }
}

struct Model {
    now: Values,
    done: Vec<Vec<Done>>,
    undone: Vec<Vec<Done>>,
}

impl Model {
    fn record(&mut self, before: &Values) {
        let done = difference(before, &self.now);
        if !done.is_empty() {
            self.done.push(done);
            self.undone.clear();
        }
    }

    fn undo(&mut self) -> bool {
        let Some(step) = self.done.pop() else { return false };
        for done in &step {
            done.replay(&mut self.now, true);
        }
        self.undone.push(step);
        true
    }

    fn redo(&mut self) -> bool {
        let Some(step) = self.undone.pop() else { return false };
        for done in &step {
            done.replay(&mut self.now, false);
        }
        self.done.push(step);
        true
    }
}

fn run(seed: u64, steps: usize) {
    let mut random = Random::new(seed);
    let simulation = Simulation::new(seed);
    let store = ReactonStore::new();
    let history = store.history(ALL).keep(usize::MAX);
    let worker =
        (!seed.is_multiple_of(3)).then(|| other::spawn(&store).expect("the worker starts"));
    simulation.settle();
    let mut model = Model { now: Values::default(), done: Vec::new(), undone: Vec::new() };
    for step in 0..steps {
        let before = model.now.clone();
        match random.below(10) {
            0..4 => {
                write(&store, &mut model.now, &mut random);
                model.record(&before);
            }
            4 => {
                store.batch(|store| {
                    for _ in 0..=random.below(4) {
                        write(store, &mut model.now, &mut random);
                    }
                });
                model.record(&before);
            }
            5 => {
                // In a batch: what it has written until now is a step.
                store.batch(|store| {
                    write(store, &mut model.now, &mut random);
                    model.record(&before);
                    assert_eq!(history.undo(), model.undo(), "seed {seed}, step {step}");
                    let before = model.now.clone();
                    write(store, &mut model.now, &mut random);
                    model.record(&before);
                });
            }
            6 | 7 => assert_eq!(history.undo(), model.undo(), "seed {seed}, step {step}"),
            8 => assert_eq!(history.redo(), model.redo(), "seed {seed}, step {step}"),
            _ => {
                if let Some(its) = worker.as_ref().and_then(|worker| simulation.store_of(worker)) {
                    its.batch(|its| {
                        for _ in 0..=random.below(3) {
                            write(its, &mut model.now, &mut random);
                        }
                    });
                }
            }
        }
        simulation.settle();
        let shown = (store.get(history.can_undo()), store.get(history.can_redo()));
        let expected = (!model.done.is_empty(), !model.undone.is_empty());
        assert_eq!(
            (values_of(&store), shown),
            (model.now.clone(), expected),
            "seed {seed}, step {step}"
        );
        if let Some(its) = worker.as_ref().and_then(|worker| simulation.store_of(worker)) {
            assert_eq!(values_of(&its), model.now, "seed {seed}, step {step}");
        }
    }
}

#[test]
fn g4_random_transactions_are_undone_as_by_a_model_that_copies_everything() {
    let (seed, seeds) = (from_env("REACTON_SEED").unwrap_or(0), from_env("REACTON_SEEDS"));
    for seed in seed..seed + seeds.unwrap_or(300) {
        run(seed, 60);
    }
}

#[test]
fn g5_long_histories_are_undone_to_the_beginning() {
    for seed in 0..20 {
        run(1_000_000 + seed, 400);
    }
}
