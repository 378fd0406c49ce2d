//! C9 over links: lists that several stores edit at the same time end the same everywhere.

use reacton::collections::Merge;
use reacton::prelude::*;
use reacton::testing::{Simulation, sweep};
use reacton_support::{Log, Random, from_env, receive, wait_until};

use crate::{ON_THREAD, end};

#[reacton]
static LINES: ReactonList<String> = ReactonList::from(["declared".to_owned()]);

#[reacton(zero_copy)]
static PICTURES: ReactonList<Vec<u8>> = ReactonList::new();

/// Items whose serialized form looks empty.
#[reacton]
static MAYBE: ReactonList<Option<u8>> = ReactonList::new();

fn lines(store: &ReactonStore) -> Vec<String> {
    store.with(&LINES, |lines| lines.iter().cloned().collect())
}

fn items(store: &ReactonStore) -> Vec<(ItemId, String)> {
    store.with(&LINES, |lines| lines.ids().zip(lines.iter().cloned()).collect())
}

fn spawn(
    simulation: &Simulation,
    store: &ReactonStore,
    delivery: Delivery,
) -> (IsolateStore, ReactonStore) {
    let builder = IsolateStore::builder().shared(shared![LINES, MAYBE]).delivery(delivery);
    let worker = builder.spawn(store, |store| ON_THREAD.set(Some(store.clone())));
    simulation.settle();
    (worker.expect("the worker starts"), ON_THREAD.take().expect("the worker has begun"))
}

fn insert(store: &ReactonStore, index: usize, line: &str) {
    store.update(&LINES, |lines| _ = lines.insert(index, line.into()));
}

#[test]
fn c9_runs_that_two_stores_insert_at_one_place_stay_together() {
    for delivery in [Delivery::Every, Delivery::Latest] {
        let simulation = Simulation::new(1);
        let store = ReactonStore::new();
        let (_one, first) = spawn(&simulation, &store, delivery);
        let (_two, second) = spawn(&simulation, &store, delivery);
        for step in 0..5 {
            insert(&first, 1 + step, &format!("first {step}"));
            insert(&second, 1, &format!("second {}", 4 - step));
            insert(&store, 1 + step, &format!("main {step}"));
        }
        simulation.settle();
        let all = lines(&store);
        assert_eq!((lines(&first), lines(&second)), (all.clone(), all.clone()));
        assert_eq!((all.len(), all[0].as_str()), (16, "declared"));
        for name in ["first", "second", "main"] {
            let begin = all
                .iter()
                .position(|line| line.starts_with(name))
                .expect("a line with that name is printed");
            let run: Vec<_> = (0..5).map(|step| format!("{name} {step}")).collect();
            assert_eq!(all[begin..begin + 5], run);
        }
    }
}

#[test]
fn c9_moves_removals_and_replacements_of_one_item_are_merged() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    store.set(&LINES, ["a", "b", "c", "d"].map(String::from).into());
    let (_worker, below) = spawn(&simulation, &store, Delivery::Every);
    let ids: Vec<_> = store.with(&LINES, |lines| lines.ids().collect());
    let log = Log::new();
    let heard = log.clone();
    below.subscribe(&LINES.at(ids[0]), move |_, line| heard.push(line.clone()));
    store.update(&LINES, |lines| lines.move_to(ids[0], 3));
    below.update(&LINES, |lines| lines.move_to(ids[0], 2));
    below.update(&LINES, |lines| lines.set(ids[0], "A".into()));
    store.update(&LINES, |lines| lines.remove(ids[1]));
    below.update(&LINES, |lines| lines.move_to(ids[1], 0));
    below.update(&LINES, |lines| lines.set(ids[1], "B".into()));
    simulation.settle();
    assert_eq!(items(&store), items(&below));
    let mut all = lines(&store);
    assert_eq!(log.take(), [Some("A".to_owned())]);
    all.sort();
    assert_eq!(all, ["A", "c", "d"]);
    // An undo of the removal makes a new item in both lists.
    let before = store.snapshot();
    store.update(&LINES, |lines| lines.remove(0));
    simulation.settle();
    store.restore(&before);
    simulation.settle();
    assert_eq!((items(&store), lines(&store).len()), (items(&below), 3));
}

#[test]
fn c9_a_batch_that_puts_everything_back_is_not_sent() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    insert(&store, 1, "second");
    simulation.settle();
    let (sent, before) = (worker.stats().transactions_sent, items(&store));
    store.batch(|store| {
        store.update(&LINES, |lines| lines.move_to(0, 1));
        insert(store, 0, "more");
        store.update(&LINES, |lines| lines.remove(0));
        store.update(&LINES, |lines| lines.move_to(0, 1));
    });
    store.set(&LINES, ["declared", "second"].map(String::from).into());
    assert_eq!((items(&store), worker.stats().transactions_sent), (before, sent));
    // The other store understands what is edited afterwards.
    store.update(&LINES, |lines| lines.move_to(0, 1));
    below.update(&LINES, |lines| lines.set(1, "last".into()));
    simulation.settle();
    assert_eq!(items(&store), items(&below));
    assert_eq!(lines(&store), ["last", "declared"]);
}

#[test]
fn c9_items_that_are_none_arrive() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    store.update(&MAYBE, |list| list.push(None));
    let (worker, below) = spawn(&simulation, &store, Delivery::Every);
    store.update(&MAYBE, |list| list.extend([Some(7), None]));
    store.update(&MAYBE, |list| list.set(1, None));
    below.update(&MAYBE, |list| list.set(0, Some(8)));
    simulation.settle();
    assert_eq!(store.get(worker.last_error()), None);
    assert_eq!(below.get(&MAYBE), store.get(&MAYBE));
    assert!(store.with(&MAYBE, |list| list.iter().eq(&[Some(8), None, None])));
}

/// A value that changes when it is serialized is reported, and stays in the store that wrote it.
#[cfg(debug_assertions)]
#[reacton]
static LOSSY: ReactonList<Option<()>> = ReactonList::new();

#[cfg(debug_assertions)]
#[test]
fn c18_an_item_that_serde_changes_is_reported() {
    let simulation = Simulation::new(1);
    let store = ReactonStore::new();
    let worker = IsolateStore::spawn(&store, shared![LOSSY], |store| {
        ON_THREAD.set(Some(store.clone()));
    });
    let worker = worker.expect("the worker starts");
    simulation.settle();
    let below = ON_THREAD.take().expect("the worker has begun");
    let id = store.update(&LOSSY, |list| {
        list.push(None);
        list.push(Some(()))
    });
    simulation.settle();
    let error = store.get(worker.last_error());
    assert!(matches!(error, Some(LinkError::Lossy { .. })), "{error:?}");
    assert_eq!(below.with(&LOSSY, ReactonList::len), 1);
    // The next edit of the item sends the whole item.
    store.update(&LOSSY, |list| list.set(id, None));
    store.update(&LOSSY, |list| list.move_to(id, 0));
    simulation.settle();
    let ids = |store: &ReactonStore| store.with(&LOSSY, |list| list.ids().collect::<Vec<_>>());
    assert_eq!((ids(&below), ids(&store)[0]), (ids(&store), id));
}

#[test]
fn c9_items_of_a_zero_copy_list_are_handed_over_by_count() {
    let store = ReactonStore::new();
    store.update(&PICTURES, |list| list.push(vec![1; 1000]));
    let (tell, told) = std::sync::mpsc::channel();
    let place = |store: &ReactonStore, index: usize| {
        store.with(&PICTURES, |list| list.get(index).map(|one| one.as_ptr().addr()))
    };
    let worker = IsolateStore::spawn(&store, shared![PICTURES], move |store| {
        tell.send(place(store, 0)).expect("the channel is open");
        store.subscribe(&PICTURES, move |store, list| {
            if list.get(1).is_some_and(|one| one[0] == 2) {
                tell.send(place(store, 1)).expect("the channel is open");
                store.update(&PICTURES, |list| list.move_to(1, 0));
            }
        });
    });
    let worker = worker.expect("the worker starts");
    assert_eq!(receive(&told), place(&store, 0));
    store.update(&PICTURES, |list| list.push(vec![2; 1000]));
    assert_eq!(receive(&told), place(&store, 1));
    wait_until(&store, |store| {
        store.with(&PICTURES, |list| list.get(0).is_some_and(|one| one[0] == 2))
    });
    end(worker);
}

#[test]
fn c9_any_thread_edits_a_list() {
    #[worker(shared = [LINES])]
    fn writer(store: &ReactonStore, number: usize) {
        for step in 0..100 {
            store.update(&LINES, |lines| {
                lines.insert(number % 2 * lines.len(), format!("{number} {step}"));
                if step % 3 == 0 {
                    lines.move_to(lines.len() / 2, step / 2);
                    lines.remove(0);
                }
            });
        }
    }
    let store = ReactonStore::new();
    let workers = [1, 2, 3].map(|number| writer::spawn(&store, number).expect("the worker starts"));
    workers.into_iter().for_each(end);
    while store.pump() > 0 {}
    let all = lines(&store);
    let (late, before) = std::sync::mpsc::channel();
    let worker = IsolateStore::spawn(&store, shared![LINES], move |store| {
        late.send(lines(store)).expect("the channel is open");
    });
    assert_eq!(receive(&before), all);
    end(worker.expect("the worker starts"));
}

/// Random edits of three stores and of some that start late, with pauses, sweeps and both deliveries.
fn play(seed: u64) {
    let mut random = Random::new(seed);
    let simulation = Simulation::new(seed);
    let delivery = if random.chance(2) { Delivery::Every } else { Delivery::Latest };
    let store = ReactonStore::new();
    let mut links = Vec::new();
    let mut stores = vec![store.clone()];
    let mut snapshots = Vec::new();
    for number in 0..2 + random.index(40) {
        let at = random.index(stores.len());
        let here = &stores[at];
        let index = random.index(here.with(&LINES, ReactonList::len) + 1);
        match random.below(20) {
            0 if links.len() < 3 => {
                let above = stores[random.index(stores.len())].clone();
                let (link, below) = spawn(&simulation, &above, delivery);
                links.push(link);
                stores.push(below);
            }
            1 if !links.is_empty() => links[random.index(links.len())].pause(&LINES),
            2 if !links.is_empty() => links[random.index(links.len())].resume(&LINES),
            3 => sweep(&store),
            4 => here.update(&LINES, ReactonList::clear),
            5 => here.set(&LINES, [format!("set {number}")].into()),
            6 => snapshots.push((at, here.snapshot())),
            7 if !snapshots.is_empty() => {
                let (at, snapshot) = &snapshots[random.index(snapshots.len())];
                stores[*at].restore(snapshot);
            }
            8..11 => drop(here.update(&LINES, |lines| lines.remove(index))),
            11..14 => {
                here.batch(|store| {
                    store.update(&LINES, |lines| lines.move_to(index, number % 5));
                    store.update(&LINES, |lines| lines.set(0, format!("set {number}")));
                });
            }
            14 | 15 => _ = simulation.settle(),
            16 => (0..random.below(6)).for_each(|_| _ = simulation.step()),
            _ => insert(here, index, &number.to_string()),
        }
    }
    for link in &links {
        link.resume(&LINES);
    }
    simulation.settle();
    let expected = items(&store);
    for other in &stores {
        assert_eq!(items(other), expected);
    }
    sweep(&store);
    simulation.settle();
    for other in &stores {
        assert_eq!((items(other), other.with(&LINES, Merge::removals)), (expected.clone(), 0));
    }
}

#[test]
fn c9_all_stores_end_with_one_list_after_random_edits() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(300),
    };
    for seed in seeds {
        let played = std::panic::catch_unwind(|| play(seed));
        assert!(played.is_ok(), "REACTON_SEED={seed}");
    }
}
