//! C8 with random edits: compares a list, its items, its observers and its snapshots with a `Vec` of std.
//!
//! `REACTON_SEED=<seed>` replays one run; `REACTON_SEEDS` says how many there are.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Random, from_env};

#[reacton]
static LINES: ReactonList<u64> = ReactonList::new();

type Model = Vec<u64>;

/// The list that an observer has made from the steps, and the number of its calls.
#[derive(Clone, Default)]
struct Mirror {
    lines: Rc<RefCell<Model>>,
    calls: Rc<RefCell<u32>>,
}

struct Run {
    store: ReactonStore,
    model: Model,
    mirrors: Vec<Mirror>,
    /// Items that are observed, each with the value that its observer was called with last.
    items: Vec<(ItemId, Rc<RefCell<Option<u64>>>)>,
    snapshots: Vec<(StoreSnapshot, Model)>,
}

impl Run {
    fn lines(&self) -> Model {
        self.store.with(&LINES, |lines| lines.iter().copied().collect())
    }

    /// A new observer, which may remove what it sees at the end.
    fn observe(&mut self, writes: bool) {
        let mirror = Mirror::default();
        *mirror.lines.borrow_mut() = self.lines();
        self.mirrors.push(mirror.clone());
        self.store.subscribe_changes(&LINES, move |store, steps| {
            *mirror.calls.borrow_mut() += 1;
            assert!(!steps.is_empty());
            for step in steps {
                match step {
                    Diff::Remove { index, old } => {
                        assert_eq!(mirror.lines.borrow()[*index], **old, "{steps:?}");
                    }
                    Diff::Set { index, old, new } => {
                        assert_ne!(old, new, "{steps:?}");
                        assert_eq!(mirror.lines.borrow()[*index], **old, "{steps:?}");
                    }
                    Diff::Move { from, to } => assert_ne!(from, to, "{steps:?}"),
                    Diff::Insert { .. } => {}
                }
                step.apply(&mut mirror.lines.borrow_mut());
            }
            // This write happens once for each item, so the rounds end.
            if writes && store.with(&LINES, |lines| lines.last() == Some(&9)) {
                store.update(&LINES, ReactonList::pop);
            }
        });
    }

    fn observe_item(&mut self, id: ItemId) {
        let seen = Rc::new(RefCell::new(self.store.get(&LINES.at(id))));
        self.items.push((id, Rc::clone(&seen)));
        self.store.subscribe(&LINES.at(id), move |_, value| {
            assert_ne!(
                seen.replace(*value),
                *value,
                "the observer of {id:?} was called for an equal value"
            );
        });
    }

    fn write(&mut self, random: &mut Random) {
        let (index, value) = (random.index(self.model.len() + 1), random.below(4));
        let is_there = index < self.model.len();
        let model = &mut self.model;
        match random.below(12) {
            0 => {
                *model = (0..random.below(5)).map(|_| random.below(3)).collect();
                self.store.set(&LINES, model.clone().into());
            }
            1 | 2 => {
                let removed = self.store.update(&LINES, |lines| lines.remove(index));
                assert_eq!(removed.as_deref().copied(), is_there.then(|| model.remove(index)));
            }
            3 | 4 => {
                self.store.update(&LINES, |lines| lines.set(index, value));
                if is_there {
                    model[index] = value;
                }
            }
            5 | 6 => {
                let to = random.index(model.len() + 1);
                self.store.update(&LINES, |lines| lines.move_to(index, to));
                if is_there {
                    let item = model.remove(index);
                    model.insert(to.min(model.len()), item);
                }
            }
            7 => {
                // A copy is edited outside of the store, and then set.
                let mut copy = self.store.get(&LINES);
                copy.push(value);
                copy.move_to(index, 0);
                let item = model.len();
                model.push(value);
                let moved = model.remove(index.min(item));
                model.insert(0, moved);
                self.store.set(&LINES, copy);
            }
            _ => {
                self.store.update(&LINES, |lines| lines.insert(index, value));
                model.insert(index, value);
            }
        }
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(12) {
            0 => self.observe(false),
            1 => {
                let ids: Vec<_> = self.store.with(&LINES, |lines| lines.ids().collect());
                if let Some(at) = random.pick(&ids) {
                    self.observe_item(ids[at]);
                }
            }
            2 => self.snapshots.push((self.store.snapshot(), self.model.clone())),
            3 if !self.snapshots.is_empty() => {
                let (snapshot, model) = &self.snapshots[random.index(self.snapshots.len())];
                self.store.restore(snapshot);
                self.model.clone_from(model);
            }
            4 | 5 => {
                let calls: Vec<_> =
                    self.mirrors.iter().map(|mirror| *mirror.calls.borrow()).collect();
                let (before, store) = (self.lines(), self.store.clone());
                store.batch(|_| {
                    for _ in 0..random.below(5) {
                        self.write(random);
                        assert_eq!(self.lines(), self.model);
                        if random.chance(8) {
                            self.observe(false);
                        }
                    }
                });
                for (mirror, calls) in self.mirrors.iter().zip(calls) {
                    let more = *mirror.calls.borrow() - calls;
                    // An item may be replaced by an equal one without a step.
                    assert!(more == u32::from(before != self.model) || more == 1);
                }
            }
            _ => self.write(random),
        }
    }

    fn check(&self) {
        assert_eq!(self.lines(), self.model);
        for mirror in &self.mirrors {
            assert_eq!(*mirror.lines.borrow(), self.model);
        }
        for (id, seen) in &self.items {
            let held = self.store.with(&LINES, |lines| lines.get(*id).copied());
            assert_eq!((held, self.store.get(&LINES.at(*id))), (*seen.borrow(), held), "{id:?}");
        }
        self.store.with(&LINES, |lines| {
            for (index, id) in lines.ids().enumerate() {
                assert_eq!(lines.index_of(id), Some(index));
            }
        });
        for (snapshot, model) in &self.snapshots {
            assert!(snapshot.get(&LINES).map_or(model.is_empty(), |lines| lines.iter().eq(model)));
        }
    }
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let mut run = Run {
        store: ReactonStore::new(),
        model: Model::new(),
        mirrors: Vec::new(),
        items: Vec::new(),
        snapshots: Vec::new(),
    };
    run.store.with(&LINES, ReactonList::len);
    for _ in 0..40 {
        run.step(&mut random);
        run.check();
    }
}

#[test]
fn c8_a_list_equals_a_vec_after_random_edits_and_its_observers_agree() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(1000),
    };
    for seed in seeds {
        let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
        assert!(played.is_ok(), "REACTON_SEED={seed}");
    }
}

#[test]
fn c8_an_observer_receives_the_changes_that_it_makes_itself() {
    let mut run = Run {
        store: ReactonStore::new(),
        model: Model::new(),
        mirrors: Vec::new(),
        items: Vec::new(),
        snapshots: Vec::new(),
    };
    run.observe(true);
    run.observe(false);
    run.store.update(&LINES, |lines| lines.extend([1, 9, 2, 9]));
    run.store.update(&LINES, |lines| lines.move_to(1, 2));
    run.model = vec![1, 2];
    run.check();
}
