//! G5: undo and redo of collections, entry by entry.

use std::collections::BTreeSet;
use std::sync::Arc;

use reacton::Version;
use reacton::collections::{Compose, Edit, Merge, Which, Writer};
use reacton::prelude::*;
use reacton::testing::Simulation;
use reacton_support::Log;

#[reacton]
static ROWS: ReactonMap<u32, u32> = ReactonMap::new();
#[reacton]
static TAGS: ReactonSet<String> = ReactonSet::new();
#[reacton]
static QUEUE: ReactonList<String> = ReactonList::new();
#[reacton]
static VISITS: Counter = Counter::new();
#[reacton]
static TITLE: String = String::new();

const ALL: Group = group![ROWS, TAGS, QUEUE, VISITS, TITLE];

#[worker(shared = [..ALL])]
fn other(store: &ReactonStore) {
    store.subscribe(&TITLE, |store, _| store.update(&ROWS, |rows| drop(rows.insert(99, 99))));
}

fn rows(store: &ReactonStore) -> Vec<(u32, u32)> {
    store.with(&ROWS, |rows| rows.iter().map(|(key, row)| (*key, *row)).collect())
}

fn queue(store: &ReactonStore) -> String {
    store.with(&QUEUE, |queue| queue.iter().cloned().collect())
}

fn push(store: &ReactonStore, item: &str) -> ItemId {
    store.update(&QUEUE, |queue| queue.push(item.into()))
}

/// A store, its history, and a worker with the store of it.
fn shared(simulation: &Simulation) -> (ReactonStore, History, IsolateStore, ReactonStore) {
    let store = ReactonStore::new();
    let history = store.history(ALL);
    let worker = other::spawn(&store).expect("the worker starts");
    simulation.settle();
    let its = simulation.store_of(&worker).expect("the worker runs");
    (store, history, worker, its)
}

#[test]
fn g5_the_entries_of_a_transaction_are_put_back() {
    let store = ReactonStore::new();
    let history = store.history(ALL);
    store.update(&ROWS, |rows| rows.extend([(1, 1), (2, 2), (3, 3)]));
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(2, 20));
        store.update(&ROWS, |rows| rows.remove(&3));
        store.update(&TAGS, |tags| tags.insert("new".into()));
    });
    store.set(&ROWS, [(7, 7)].into());
    assert!(history.undo());
    assert_eq!(rows(&store), [(1, 1), (2, 20)]);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe_changes(&ROWS, move |_, changes| heard.push(changes.to_vec()));
    assert!(history.undo());
    assert_eq!(rows(&store), [(1, 1), (2, 2), (3, 3)]);
    assert!(store.with(&TAGS, ReactonSet::is_empty));
    let replaced = Change::Replaced { key: 2, old: Arc::new(20), new: Arc::new(2) };
    assert_eq!(log.take(), [vec![replaced, Change::Added { key: 3, new: Arc::new(3) }]]);
    assert!(history.redo() && history.redo() && !history.redo());
    assert_eq!(rows(&store), [(7, 7)]);
    history.undo();
    history.undo();
    history.undo();
    assert!(rows(&store).is_empty() && !history.undo());
}

#[test]
fn g5_an_edit_that_comes_to_nothing_is_no_step() {
    let store = ReactonStore::new();
    let history = store.history(ALL);
    store.update(&ROWS, |rows| rows.insert(1, 1));
    store.update(&ROWS, |rows| rows.insert(1, 1));
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(2, 2));
        store.update(&ROWS, |rows| rows.remove(&2));
        store.update(&VISITS, |visits| visits.add(2));
        store.update(&VISITS, |visits| visits.add(-2));
    });
    assert!(history.undo() && !history.undo());
}

#[test]
fn g5_rows_that_a_worker_wrote_stay() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, history, _worker, its) = shared(&simulation);
        store.update(&ROWS, |rows| rows.extend([(1, 1), (2, 2)]));
        simulation.settle();
        its.update(&ROWS, |rows| rows.insert(2, 200));
        its.update(&ROWS, |rows| rows.insert(3, 300));
        simulation.settle();
        store.update(&ROWS, |rows| rows.insert(4, 4));
        // What this store has written is put back, also where the worker has written since.
        assert!(history.undo() && history.undo() && !history.undo(), "seed {seed}");
        simulation.settle();
        assert_eq!((rows(&store), rows(&its)), (vec![(3, 300)], vec![(3, 300)]), "seed {seed}");
        assert!(history.redo(), "seed {seed}");
        simulation.settle();
        assert_eq!(rows(&its), [(1, 1), (2, 2), (3, 300)], "seed {seed}");
    }
}

#[test]
fn g5_what_a_worker_answers_is_not_recorded() {
    let simulation = Simulation::new(5);
    let (store, history, _worker, its) = shared(&simulation);
    store.set(&TITLE, "a".into());
    simulation.settle();
    assert_eq!(rows(&store), [(99, 99)]);
    history.undo();
    simulation.settle();
    assert_eq!((rows(&store), rows(&its)), (vec![(99, 99)], vec![(99, 99)]));
    assert!(!history.undo());
}

#[test]
fn g5_undo_of_a_counter_subtracts_what_was_added() {
    let simulation = Simulation::new(1);
    let (store, history, _worker, its) = shared(&simulation);
    let value = |store: &ReactonStore| store.with(&VISITS, Counter::value);
    store.update(&VISITS, |visits| visits.add(5));
    its.update(&VISITS, |visits| visits.add(100));
    simulation.settle();
    assert_eq!((value(&store), value(&its)), (105, 105));
    store.update(&VISITS, |visits| visits.set(7));
    simulation.settle();
    its.update(&VISITS, |visits| visits.add(1000));
    simulation.settle();
    history.undo();
    assert_eq!(value(&store), 1105);
    history.undo();
    simulation.settle();
    assert_eq!((value(&store), value(&its)), (1100, 1100));
    history.redo();
    simulation.settle();
    assert_eq!(value(&its), 1105);
}

#[test]
fn g5_a_removed_item_comes_back_to_its_place_with_its_id() {
    let store = ReactonStore::new();
    let history = store.history(ALL);
    let ids: Vec<_> = ["a", "b", "c", "d"].map(|item| push(&store, item)).into();
    store.update(&QUEUE, |queue| {
        queue.remove(ids[1]);
        queue.remove(ids[2]);
    });
    store.update(&QUEUE, |queue| queue.move_to(ids[3], 0));
    store.update(&QUEUE, |queue| queue.set(ids[0], "A".into()));
    assert_eq!(queue(&store), "dA");
    history.undo();
    assert_eq!(queue(&store), "da");
    history.undo();
    assert_eq!(queue(&store), "ad");
    history.undo();
    assert_eq!(queue(&store), "abcd");
    assert_eq!(store.with(&QUEUE, |queue| queue.ids().collect::<Vec<_>>()), ids);
    history.undo();
    history.undo();
    assert_eq!(queue(&store), "ab");
    while history.redo() {}
    assert_eq!(queue(&store), "dA");
    assert_eq!(store.with(&QUEUE, |queue| queue.ids().collect::<Vec<_>>()), [ids[3], ids[0]]);
}

#[test]
fn g5_in_a_shared_list_a_removed_item_comes_back_for_all() {
    for seed in 0..100 {
        let simulation = Simulation::new(seed);
        let (store, history, _worker, its) = shared(&simulation);
        let ids: Vec<_> = ["a", "b", "c"].map(|item| push(&store, item)).into();
        simulation.settle();
        store.update(&QUEUE, |queue| queue.remove(ids[1]));
        simulation.settle();
        its.update(&QUEUE, |queue| queue.insert(1, "x".into()));
        simulation.settle();
        assert_eq!((queue(&store), queue(&its)), ("axc".into(), "axc".into()), "seed {seed}");
        history.undo();
        simulation.settle();
        let both = queue(&store);
        assert!(["abxc", "axbc"].contains(&&*both), "seed {seed}: {both}");
        assert_eq!(queue(&its), both, "seed {seed}");
        // The item has another id now, under which the other steps find it.
        history.undo();
        history.undo();
        history.undo();
        simulation.settle();
        assert_eq!((queue(&store), queue(&its)), ("x".into(), "x".into()), "seed {seed}");
        while history.redo() {}
        simulation.settle();
        assert_eq!((queue(&store), queue(&its)), ("axc".into(), "axc".into()), "seed {seed}");
        for _ in 0..10 {
            history.undo();
            simulation.settle();
            assert_eq!(queue(&its), both, "seed {seed}");
            history.redo();
            simulation.settle();
            assert_eq!(queue(&its), "axc", "seed {seed}");
        }
    }
}

#[test]
fn g5_steps_on_an_item_that_has_come_back_still_find_it() {
    let simulation = Simulation::new(9);
    let (store, history, _worker, its) = shared(&simulation);
    let id = push(&store, "a");
    push(&store, "b");
    store.update(&QUEUE, |queue| queue.set(id, "A".into()));
    store.update(&QUEUE, |queue| queue.move_to(id, 1));
    store.update(&QUEUE, |queue| queue.remove(id));
    simulation.settle();
    assert_eq!(queue(&its), "b");
    for expected in ["bA", "Ab", "ab", "a", ""] {
        assert!(history.undo());
        simulation.settle();
        assert_eq!((queue(&store), queue(&its)), (expected.into(), expected.into()));
    }
    for expected in ["a", "ab", "Ab", "bA", "b"] {
        assert!(history.redo());
        simulation.settle();
        assert_eq!((queue(&store), queue(&its)), (expected.into(), expected.into()));
    }
}

#[test]
fn g5_m6_an_item_that_two_stores_remove_and_put_back_is_there_once() {
    for seed in 0..150 {
        let simulation = Simulation::new(seed);
        let (store, history, _worker, its) = shared(&simulation);
        let its_history = its.history(ALL);
        let ids: Vec<_> = ["a", "b", "c"].map(|item| push(&store, item)).into();
        simulation.settle();
        // Neither has heard of the other's removal.
        store.update(&QUEUE, |queue| queue.remove(ids[1]));
        its.update(&QUEUE, |queue| queue.remove(ids[1]));
        simulation.settle();
        let both_are = |expected: &str| {
            simulation.settle();
            let both = (queue(&store), queue(&its));
            assert_eq!(both, (expected.into(), expected.into()), "seed {seed}");
            let ids =
                |store: &ReactonStore| store.with(&QUEUE, |queue| queue.ids().collect::<Vec<_>>());
            assert_eq!(ids(&store), ids(&its), "seed {seed}");
        };
        both_are("ac");
        let (first, second) =
            if seed % 2 == 0 { (&history, &its_history) } else { (&its_history, &history) };
        for is_heard in [seed % 3 == 0, seed % 3 == 1] {
            assert!(first.undo(), "seed {seed}");
            if is_heard {
                both_are("abc");
            }
            assert!(second.undo(), "seed {seed}");
            both_are("abc");
            assert!(first.redo(), "seed {seed}");
            both_are("ac");
            // It is removed already.
            assert!(second.redo(), "seed {seed}");
            both_are("ac");
        }
    }
}

#[test]
fn g5_an_item_that_a_worker_has_removed_stays_removed() {
    let simulation = Simulation::new(2);
    let (store, history, _worker, its) = shared(&simulation);
    let id = push(&store, "a");
    store.update(&QUEUE, |queue| queue.set(id, "A".into()));
    simulation.settle();
    its.update(&QUEUE, |queue| queue.remove(id));
    simulation.settle();
    history.undo();
    history.undo();
    simulation.settle();
    assert_eq!((queue(&store), queue(&its)), (String::new(), String::new()));
}

#[test]
fn g5_undo_in_a_batch_looks_at_the_entries_of_the_batch() {
    let simulation = Simulation::new(4);
    let (store, history, _worker, its) = shared(&simulation);
    store.update(&ROWS, |rows| rows.insert(1, 1));
    let id = push(&store, "a");
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.insert(1, 2));
        store.update(&QUEUE, |queue| queue.remove(id));
        assert!(history.undo());
        assert_eq!((rows(store), queue(store)), (vec![(1, 1)], "a".into()));
        store.update(&ROWS, |rows| rows.insert(2, 2));
    });
    assert!(store.with(&QUEUE, |queue| queue.contains(id)));
    history.undo();
    simulation.settle();
    assert_eq!((rows(&its), queue(&its)), (vec![(1, 1)], "a".into()));
}

#[test]
fn g5_a_reset_of_collections_is_undone() {
    let simulation = Simulation::new(6);
    let (store, history, _worker, its) = shared(&simulation);
    store.batch(|store| {
        store.update(&ROWS, |rows| rows.extend([(1, 1), (2, 2)]));
        store.update(&VISITS, |visits| visits.add(4));
        push(store, "a");
        push(store, "b");
    });
    store.reset(ALL);
    simulation.settle();
    assert_eq!((rows(&its), queue(&its)), (vec![], String::new()));
    history.undo();
    simulation.settle();
    for store in [&store, &its] {
        assert_eq!((rows(store), queue(store)), (vec![(1, 1), (2, 2)], "ab".into()));
        assert_eq!(store.with(&VISITS, Counter::value), 4);
    }
}

/// Texts that are only ever added, and replaced as a whole.
#[derive(Clone, Default)]
struct Diary {
    lines: Arc<BTreeSet<String>>,
    is_edited: bool,
}

#[derive(Clone)]
struct Edited;

impl Compose for Edited {
    type Value = ();
    type Change = ();

    fn then(&mut self, _: &Self) {}

    fn drop_equal(&mut self, _: &mut dyn FnMut(&(), &()) -> bool) {}

    fn is_empty(&self) -> bool {
        false
    }

    fn list(&self) -> Vec<()> {
        vec![()]
    }
}

impl Merge for Diary {
    type Key = String;
    type Item = ();
    type Changes = Edited;

    fn begin(&mut self, _: Writer) {
        self.is_edited = false;
    }

    fn settle(&mut self) -> Option<Edited> {
        std::mem::take(&mut self.is_edited).then_some(Edited)
    }

    fn replace(&mut self, other: Self) {
        (self.lines, self.is_edited) = (other.lines, true);
    }

    fn restore(&mut self, other: &Self) {
        self.replace(other.clone());
    }

    fn everything(&self) -> Edited {
        Edited
    }

    fn seal(&mut self, _: Version, _: &mut dyn FnMut(Edit<&String, &()>)) {}

    fn join(&mut self, _: Edit<String, ()>, _: Version) -> bool {
        false
    }

    fn show(&self, _: Which<'_, String>, _: &mut dyn FnMut(Edit<&String, &()>, Version)) {}

    fn disown(&mut self, _: &String) {}
}

#[reacton(merge)]
static DIARY: Diary = Diary::default();

#[test]
fn g5_a_type_of_the_programs_own_is_restored_as_a_whole() {
    const DIARIES: Group = group![DIARY];
    let store = ReactonStore::new();
    let history = store.history(DIARIES);
    let write = |line: &str| {
        store.update(&DIARY, |diary| {
            diary.is_edited = Arc::make_mut(&mut diary.lines).insert(line.into());
        });
    };
    let lines = || store.with(&DIARY, |diary| diary.lines.iter().cloned().collect::<Vec<_>>());
    write("one");
    write("two");
    history.undo();
    assert_eq!(lines(), ["one"]);
    history.undo();
    assert!(lines().is_empty());
    assert!(history.redo() && history.redo());
    assert_eq!(lines(), ["one", "two"]);
}
