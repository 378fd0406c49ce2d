//! C12 to C14 with random edits: compares views, views of views, folds and the copies of their observers with results
//! that are computed from all rows.
//!
//! `REACTON_SEED=<seed>` replays one run; `REACTON_SEEDS` says how many there are.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use reacton::prelude::*;
use reacton_support::{Random, from_env, quietly};

#[reacton]
static TABLE: ReactonMap<u64, u64> = ReactonMap::new();

#[reacton]
static MOST: u64 = 9;

#[reacton]
static FACTOR: u64 = 1;

#[computed]
static LEAST: u64 = |cx| cx.get(&MOST) / 4;

/// The closure of one view panics on a row with this value.
const BAD: u64 = 11;

type List = Vec<(u64, u64)>;

/// Reads one view.
type Read = Box<dyn Fn(&ReactonStore) -> List>;

/// All views of one store.
#[derive(Clone)]
struct Views {
    sorted: View<u64, u64, u64>,
    ends: View<u64, u64, Reverse<u64>>,
    scaled: View<u64, u64>,
    first: View<u64, u64, u64>,
    odd: View<u64, u64, u64>,
    again: View<u64, u64, u64>,
    frail: View<u64, u64, u64>,
    sum: LocalComputed<u64>,
    listed: LocalComputed<Vec<u64>>,
}

impl Views {
    fn of(store: &ReactonStore) -> Self {
        let sorted = store
            .view(&TABLE)
            .filter_by(&MOST, |most, _, value| value <= most)
            .sort_by_key(|_, value| value % 5);
        let first = store.view(&sorted).head(4);
        let ends = store
            .view(&TABLE)
            .filter_by(&LEAST, |least, key, value| key % 5 == 0 || value >= least)
            .sort_by_key(|key, value| Reverse(key / 3 + value));
        let frail = store
            .view(&TABLE)
            .map(|_, value| {
                assert!(*value != BAD, "a bad row");
                value / 2
            })
            .sort_by_key(|_, half| *half);
        Self {
            scaled: store
                .view(&TABLE)
                .filter_by(&FACTOR, |factor, key, _| key % factor == 0)
                .map(|_, value| value / 3),
            odd: store.view(&first).filter(|_, value| value % 2 == 1),
            again: first.clone().map(|_, value| value * 10).sort_by_key(|key, _| key % 3).head(3),
            sum: store.fold(&sorted, 0_u64, |sum, diff| match diff {
                Diff::Insert { new, .. } => sum + **new,
                Diff::Remove { old, .. } => sum - **old,
                Diff::Set { old, new, .. } => sum + **new - **old,
                Diff::Move { .. } => sum,
            }),
            listed: store.fold(&ends, Vec::new(), |mut list, diff| {
                diff.apply(&mut list);
                list
            }),
            sorted,
            first,
            ends,
            frail,
        }
    }
}

fn sorted_by<S: Ord>(mut list: List, sort: impl Fn(u64, u64) -> S) -> List {
    list.sort_by_key(|(key, value)| (sort(*key, *value), *key));
    list
}

/// The expected content of each view, computed from all rows.
fn expected(store: &ReactonStore) -> [List; 6] {
    let all: List =
        store.with(&TABLE, |rows| rows.iter().map(|(key, value)| (*key, *value)).collect());
    let (most, least, factor) = (store.get(&MOST), store.get(&LEAST), store.get(&FACTOR));
    let filtered = |keep: &dyn Fn(u64, u64) -> bool| -> List {
        all.iter().copied().filter(|(key, value)| keep(*key, *value)).collect()
    };
    let sorted = sorted_by(filtered(&|_, value| value <= most), |_, value| value % 5);
    let first: List = sorted.iter().copied().take(4).collect();
    let ends = sorted_by(filtered(&|key, value| key % 5 == 0 || value >= least), |key, value| {
        Reverse(key / 3 + value)
    });
    let scaled = filtered(&|key, _| key % factor == 0)
        .into_iter()
        .map(|(key, value)| (key, value / 3))
        .collect();
    let odd = first.iter().copied().filter(|(_, value)| value % 2 == 1).collect();
    let again = first.iter().map(|(key, value)| (*key, value * 10)).collect();
    let again = sorted_by(again, |key, _| key % 3).into_iter().take(3).collect();
    [sorted, first, ends, scaled, odd, again]
}

fn rows<S: Ord + Clone + 'static>(
    view: &View<u64, u64, S>,
) -> impl Fn(&ReactonStore) -> List + 'static {
    let view = view.clone();
    move |store| {
        store.with(&view, |rows| {
            let list: List = rows.iter().map(|(key, value)| (*key, *value)).collect();
            for (at, (key, value)) in list.iter().enumerate() {
                assert_eq!((rows.position(key), rows.get(key)), (Some(at), Some(value)));
            }
            assert_eq!(rows.len(), list.len());
            list
        })
    }
}

impl Views {
    /// Reads each view, in the order of the expected contents.
    fn readers(&self) -> [Read; 6] {
        [
            Box::new(rows(&self.sorted)),
            Box::new(rows(&self.first)),
            Box::new(rows(&self.ends)),
            Box::new(rows(&self.scaled)),
            Box::new(rows(&self.odd)),
            Box::new(rows(&self.again)),
        ]
    }

    fn check(&self, store: &ReactonStore, which: usize) {
        let expected = expected(store);
        for (at, (read, list)) in self.readers().iter().zip(&expected).enumerate() {
            if which & (1 << at) != 0 {
                assert_eq!(&read(store), list, "view {at}");
            }
        }
        if which & 64 != 0 {
            assert_eq!(
                store.get(&self.sum),
                expected[0].iter().map(|(_, value)| value).sum::<u64>()
            );
            assert_eq!(
                store.get(&self.listed),
                expected[2].iter().map(|(_, value)| *value).collect::<Vec<_>>()
            );
        }
        if which & 128 != 0 {
            let all: List =
                store.with(&TABLE, |rows| rows.iter().map(|(key, value)| (*key, *value)).collect());
            let is_bad = all.iter().any(|(_, value)| *value == BAD);
            let frail = quietly(|| catch_unwind(AssertUnwindSafe(|| rows(&self.frail)(store))));
            let halves = all.into_iter().map(|(key, value)| (key, value / 2)).collect();
            match frail {
                Ok(list) => assert_eq!(list, sorted_by(halves, |_, half| half)),
                Err(_) => assert!(is_bad),
            }
        }
    }
}

/// A list that is updated by the changes of one view.
struct Mirror {
    list: Rc<RefCell<Vec<u64>>>,
    read: Read,
}

fn mirror<S: Ord + Clone + 'static>(store: &ReactonStore, view: &View<u64, u64, S>) -> Mirror {
    let read = rows(view);
    let list =
        Rc::new(RefCell::new(read(store).into_iter().map(|(_, value)| value).collect::<Vec<_>>()));
    let (kept, now) = (Rc::clone(&list), rows(view));
    store.subscribe_changes(view, move |store, diffs| {
        assert!(!diffs.is_empty());
        let order = |diff: &Diff<u64>| match diff {
            Diff::Remove { .. } => 0,
            Diff::Insert { .. } | Diff::Move { .. } => 1,
            Diff::Set { .. } => 2,
        };
        assert!(diffs.is_sorted_by_key(order), "{diffs:?}");
        for diff in diffs {
            diff.apply(&mut kept.borrow_mut());
        }
        // When the observer is called, the view has the new rows.
        let now: Vec<_> = now(store).into_iter().map(|(_, value)| value).collect();
        assert_eq!(*kept.borrow(), now, "{diffs:?}");
    });
    Mirror { list, read: Box::new(read) }
}

fn write(store: &ReactonStore, random: &mut Random, snapshots: &mut Vec<StoreSnapshot>) {
    let (key, value) = (random.below(16), random.below(12));
    match random.below(12) {
        0 => {
            let rows = (0..random.below(8)).map(|_| (random.below(16), random.below(12)));
            store.set(&TABLE, rows.collect());
        }
        1 | 2 => drop(store.update(&TABLE, |rows| rows.remove(&key))),
        3 => store.set(&MOST, value),
        4 => store.set(&FACTOR, 1 + value % 3),
        5 => snapshots.push(store.snapshot()),
        6 if !snapshots.is_empty() => store.restore(&snapshots[random.index(snapshots.len())]),
        7 => store.update(&TABLE, |rows| {
            for _ in 0..random.below(30) {
                rows.insert(random.below(16), random.below(12));
                rows.remove(&random.below(16));
            }
        }),
        8 => drop(store.update(&TABLE, |rows| rows.update(&key, |row| *row = value))),
        _ => drop(store.update(&TABLE, |rows| rows.insert(key, value))),
    }
}

fn play(seed: u64) {
    let mut random = Random::new(seed);
    let store = ReactonStore::new();
    let mut views = Views::of(&store);
    let mut mirrors = Vec::new();
    let mut snapshots = Vec::new();
    if random.chance(3) {
        // This observer writes in a round; the rounds end.
        store.subscribe_changes(&views.first, |store, diffs| {
            if diffs.len() > 3 {
                let first = store.with(&TABLE, |rows| rows.first().map(|(key, _)| *key));
                store.update(&TABLE, |rows| first.map(|first| rows.remove(&first)));
            }
        });
    }
    if random.chance(2) {
        let (views, which) = (views.clone(), 1 << random.below(7));
        store.effect(move |cx| {
            // The effect depends on everything that is compared.
            cx.with(&TABLE, |_| ());
            let _ = (cx.get(&MOST), cx.get(&FACTOR));
            cx.untracked(|store| views.check(store, which));
        });
    }
    for _ in 0..40 {
        match random.below(10) {
            0 => mirrors.push(match random.below(6) {
                0 => mirror(&store, &views.sorted),
                1 => mirror(&store, &views.first),
                2 => mirror(&store, &views.ends),
                3 => mirror(&store, &views.scaled),
                4 => mirror(&store, &views.odd),
                _ => mirror(&store, &views.again),
            }),
            1 => {
                let (kept, mut other) = (store.clone(), Vec::new());
                store.batch(|store| {
                    for _ in 0..random.below(6) {
                        write(store, &mut random, &mut other);
                        if random.chance(2) {
                            views.check(store, random.index(256));
                        }
                        if random.chance(8) {
                            mirrors.push(mirror(&kept, &views.odd));
                        }
                    }
                });
            }
            2 => {
                // All values are restored.
                let before = store.snapshot();
                store.batch(|store| {
                    write(store, &mut random, &mut Vec::new());
                    views.check(store, random.index(256));
                    write(store, &mut random, &mut Vec::new());
                    store.restore(&before);
                });
            }
            3 if random.chance(4) => views = Views::of(&store),
            _ => write(&store, &mut random, &mut snapshots),
        }
        if random.chance(2) {
            views.check(&store, random.index(256));
        }
        for (at, mirror) in mirrors.iter().enumerate() {
            let now: Vec<_> = (mirror.read)(&store).into_iter().map(|(_, value)| value).collect();
            assert_eq!(*mirror.list.borrow(), now, "list {at}");
        }
    }
    views.check(&store, 255);
}

#[test]
fn c12_random_views_folds_and_lists_equal_those_computed_from_scratch() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(400),
    };
    for seed in seeds {
        let played = catch_unwind(AssertUnwindSafe(|| play(seed)));
        assert!(played.is_ok(), "REACTON_SEED={seed}");
    }
}
