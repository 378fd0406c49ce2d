//! C12 and C13 of lists: a view of a list has its items in their order, with their ids as keys.
//!
//! `REACTON_SEED=<seed>` replays one run; `REACTON_SEEDS` says how many there are.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::rc::Rc;

use reacton::collections::{ListPosition, Rows};
use reacton::prelude::*;
use reacton_support::{Log, Random, from_env};

#[reacton]
static QUEUE: ReactonList<u64> = ReactonList::new();

#[reacton]
static MOST: u64 = 6;

/// All items with their ids.
fn items(store: &ReactonStore) -> Vec<(ItemId, u64)> {
    store.with(&QUEUE, |queue| queue.ids().zip(queue.iter().copied()).collect())
}

fn read<S: Ord + Clone + 'static>(
    store: &ReactonStore,
    view: &View<ItemId, u64, S>,
) -> Vec<(ItemId, u64)> {
    store.with(view, |rows| rows.iter().map(|(id, value)| (*id, *value)).collect())
}

#[test]
fn c12_a_view_of_a_list_has_its_items_in_their_order() {
    let store = ReactonStore::new();
    let calls = Log::new();
    let called = calls.clone();
    let even: View<ItemId, u64, ListPosition> = store.view(&QUEUE).filter(move |_, value| {
        called.push(*value);
        value % 2 == 0
    });
    store.update(&QUEUE, |queue| queue.extend([4, 1, 2, 3, 6]));
    let values = |rows: &Rows<_, u64, _>| rows.values().copied().collect::<Vec<_>>();
    assert_eq!(store.with(&even, values), [4, 2, 6]);
    assert_eq!(calls.take().len(), 5);
    let last = store.with(&QUEUE, |queue| queue.id_at(4)).expect("the list has five items");
    store.update(&QUEUE, |queue| queue.move_to(last, 0));
    store.update(&QUEUE, |queue| queue.set(2, 8));
    assert_eq!(store.with(&even, values), [6, 4, 8, 2]);
    assert_eq!(calls.take(), [6, 8], "only the items that have changed");
    assert_eq!(
        store.with(&even, |rows| (rows.position(&last), rows.get(&last).copied())),
        (Some(0), Some(6))
    );
    store.update(&QUEUE, |queue| queue.remove(last));
    assert_eq!(
        store.with(&even, |rows| (values(rows), rows.position(&last))),
        (vec![4, 8, 2], None)
    );
    store.remove(&QUEUE);
    assert_eq!(store.with(&even, values), Vec::<u64>::new());
    store.update(&QUEUE, |queue| queue.extend([9, 10]));
    assert_eq!(store.with(&even, values), [10]);
}

#[test]
fn c13_an_item_that_is_moved_in_a_list_is_one_step_in_its_views() {
    let store = ReactonStore::new();
    store.update(&QUEUE, |queue| queue.extend([10, 11, 20, 21, 30]));
    let tens = store.view(&QUEUE).filter(|_, value| value % 10 == 0);
    let log = Log::new();
    let heard = log.clone();
    store.subscribe_changes(&tens, move |_, diffs| heard.push(diffs.to_vec()));
    store.update(&QUEUE, |queue| queue.move_to(4, 1));
    assert_eq!(log.take(), [[Diff::Move { from: 2, to: 1 }]]);
    // Past an item that the view does not show.
    store.update(&QUEUE, |queue| queue.move_to(1, 2));
    store.update(&QUEUE, |queue| queue.set(1, 13));
    assert_eq!(log.take(), Vec::<Vec<Diff<u64>>>::new());
    // Away and back.
    store.batch(|store| {
        store.update(&QUEUE, |queue| queue.move_to(0, 3));
        store.with(&tens, |_| ());
        store.update(&QUEUE, |queue| queue.move_to(3, 0));
    });
    assert_eq!(log.take(), Vec::<Vec<Diff<u64>>>::new());
}

/// The views of one store, each with the list that an observer keeps.
struct Views {
    whole: View<ItemId, u64, ListPosition>,
    some: View<ItemId, u64, ListPosition>,
    sorted: View<ItemId, u64, Reverse<u64>>,
    first: View<ItemId, u64, ListPosition>,
    kept: Vec<Rc<RefCell<Vec<u64>>>>,
}

impl Views {
    fn of(store: &ReactonStore) -> Self {
        let whole = store.view(&QUEUE);
        let some = store.view(&QUEUE).filter_by(&MOST, |most, _, value| value % 10 <= *most);
        let sorted = store.view(&whole).sort_by_key(|_, value| Reverse(value % 10));
        let first = some.clone().head(3);
        let kept = vec![
            follow(store, &whole),
            follow(store, &some),
            follow(store, &sorted),
            follow(store, &first),
        ];
        Self { whole, some, sorted, first, kept }
    }

    fn check(&self, store: &ReactonStore, are_told: bool) {
        let items = items(store);
        let most = store.get(&MOST);
        let mut some = items.clone();
        some.retain(|(_, value)| value % 10 <= most);
        let mut sorted = items.clone();
        sorted.sort_by_key(|(id, value)| (Reverse(value % 10), *id));
        let mut first = some.clone();
        first.truncate(3);
        let all = [
            (read(store, &self.whole), items),
            (read(store, &self.some), some),
            (read(store, &self.sorted), sorted),
            (read(store, &self.first), first),
        ];
        for ((seen, expected), kept) in all.into_iter().zip(&self.kept) {
            assert_eq!(seen, expected);
            if are_told {
                assert!(kept.borrow().iter().eq(expected.iter().map(|(_, value)| value)));
            }
        }
    }
}

fn follow<S: Ord + Clone + 'static>(
    store: &ReactonStore,
    view: &View<ItemId, u64, S>,
) -> Rc<RefCell<Vec<u64>>> {
    let list =
        Rc::new(RefCell::new(read(store, view).into_iter().map(|(_, value)| value).collect()));
    let kept = Rc::clone(&list);
    store.subscribe_changes(view, move |_, diffs| {
        for diff in diffs {
            diff.apply(&mut kept.borrow_mut());
        }
    });
    list
}

/// Each value is used once, so that no two lists with other ids are equal.
fn edit(queue: &mut ReactonList<u64>, random: &mut Random, number: &mut u64) {
    let at = |random: &mut Random| usize::try_from(random.below(12)).unwrap_or(0);
    *number += 1;
    let value = *number * 10 + random.below(10);
    match random.below(16) {
        0..5 => drop(queue.insert(at(random), value)),
        5..8 => drop(queue.remove(at(random))),
        8..11 => drop(queue.move_to(at(random), at(random))),
        11..14 => drop(queue.set(at(random), value)),
        14 => queue.retain(|held| held % 10 != value % 10),
        _ if random.chance(4) => *queue = [value, value + 10].into(),
        _ => queue.clear(),
    }
}

fn run(seed: u64) {
    let mut random = Random::new(seed);
    let store = ReactonStore::new();
    let mut number = 0;
    store.update(&QUEUE, |queue| queue.extend([1, 2, 3]));
    let views = Views::of(&store);
    let mut snapshot = store.snapshot();
    for _ in 0..60 {
        match random.below(10) {
            0 => store.set(&MOST, random.below(10)),
            1 => snapshot = store.snapshot(),
            2 => store.restore(&snapshot),
            3 => store.set(&QUEUE, (number + 1..number + 4).map(|value| value * 10).collect()),
            4 | 5 => store.batch(|store| {
                for _ in 0..random.below(4) {
                    store.update(&QUEUE, |queue| edit(queue, &mut random, &mut number));
                    if random.chance(2) {
                        views.check(store, false);
                    }
                }
            }),
            _ => store.update(&QUEUE, |queue| {
                (0..=random.below(3)).for_each(|_| edit(queue, &mut random, &mut number));
            }),
        }
        number += 4;
        if random.chance(2) {
            views.check(&store, true);
        }
    }
    views.check(&store, true);
}

#[test]
fn c12_views_of_a_list_are_what_is_computed_from_all_items() {
    let seeds = match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(300),
    };
    for seed in seeds {
        let done = std::panic::catch_unwind(|| run(seed));
        assert!(done.is_ok(), "seed {seed}");
    }
}
