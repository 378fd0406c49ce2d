//! Compares patches with the lists that they were made from.

use std::sync::Arc;

use super::{Entry, Patch, longest_rising};
use crate::collections::tests::{Random, each_seed};
use crate::merge::Compose;

/// Items by identity, with what they hold.
type List = Vec<(u64, Arc<u64>)>;

/// Compares all items; those that stay are a longest common subsequence, or fewer.
fn between(old: &List, new: &List, random: &mut Random) -> Patch<u64, u64> {
    let is_kept = |list: &List, (id, value): &(u64, Arc<u64>)| {
        list.iter().any(|(other, held)| other == id && Arc::ptr_eq(held, value))
    };
    let mut kept: Vec<u64> = Vec::new();
    let mut after = 0;
    for item in old {
        let found = new.iter().skip(after).position(|(id, _)| *id == item.0);
        if let Some(skipped) = found
            && is_kept(new, item)
            && random.below(4) > 0
        {
            after += skipped + 1;
            kept.push(item.0);
        }
    }
    let rest = |list: &List| {
        let all = list.iter().enumerate().filter(|(_, (id, _))| !kept.contains(id));
        let entry = |(index, (id, value)): (usize, &(u64, Arc<u64>))| {
            (index, Entry { id: *id, value: Arc::clone(value) })
        };
        all.map(entry).collect::<Vec<_>>()
    };
    Patch::new(rest(old), rest(new))
}

fn change(list: &mut List, random: &mut Random, newest: &mut u64) {
    for _ in 0..random.below(6) {
        let at = random.index(list.len() + 1);
        let item = (at < list.len()).then(|| random.below(4));
        match item {
            Some(0) => drop(list.remove(at)),
            Some(1) => list[at].1 = Arc::new(random.below(3)),
            Some(2) => {
                let item = list.remove(at);
                list.insert(random.index(list.len() + 1), item);
            }
            _ => {
                *newest += 1;
                list.insert(at, (*newest, Arc::new(random.below(3))));
            }
        }
    }
}

fn values(list: &List) -> Vec<u64> {
    list.iter().map(|(_, value)| **value).collect()
}

#[test]
fn the_steps_of_composed_patches_lead_from_the_old_list_to_the_new_one() {
    each_seed(|random| {
        let (mut list, mut newest) = (Vec::new(), 0);
        for _ in 0..random.below(3) {
            change(&mut list, random, &mut newest);
        }
        let before = list.clone();
        let mut patch = between(&list, &list, random);
        patch.drop_equal(&mut |_, _| false);
        assert!(patch.is_empty());
        let compares = random.below(2) == 0;
        for _ in 0..random.below(8) {
            let old = list.clone();
            change(&mut list, random, &mut newest);
            patch.then(&between(&old, &list, random));
            if random.below(3) == 0 {
                patch.drop_equal(&mut |old, new| compares && old == new);
            }
            if random.below(6) == 0 {
                patch.then(&between(&list, &before, random));
                list.clone_from(&before);
            }
        }
        patch.drop_equal(&mut |old, new| compares && old == new);
        let mut model = values(&before);
        let steps = patch.list();
        for step in &steps {
            step.apply(&mut model);
        }
        assert_eq!(model, values(&list), "{steps:?}");
        // The smallest number of steps: one for each item, and none if nothing differs.
        let same = |one: &(u64, Arc<u64>), two: &(u64, Arc<u64>)| {
            one.0 == two.0 && (Arc::ptr_eq(&one.1, &two.1) || compares && one.1 == two.1)
        };
        let is_same =
            before.len() == list.len() && before.iter().zip(&list).all(|(one, two)| same(one, two));
        assert_eq!(patch.is_empty(), steps.is_empty());
        assert!(!is_same || steps.is_empty(), "{steps:?}");
        assert!(compares || is_same || !steps.is_empty());
        assert!(steps.len() <= 2 * (before.len() + list.len()));
    });
}

#[test]
fn a_long_batch_of_short_changes_is_composed_in_n_log_n_steps() {
    let item = |id: usize| (id, Entry { id, value: Arc::new(id) });
    let mut patch = Patch::new([], []);
    for id in 0..100_000 {
        patch.then(&Patch::new([], [item(id)]));
    }
    assert!(patch.later.len() < 20, "{}", patch.later.len());
    assert_eq!(patch.list().len(), 100_000);
    for id in 0..100_000 {
        patch.then(&Patch::new([(0, item(id).1)], []));
    }
    patch.drop_equal(&mut |_, _| false);
    assert!(patch.is_empty());
}

#[test]
fn a_longest_rising_subsequence_is_found() {
    let found = longest_rising(&[3, 1, 4, 0, 5, 2, 6]);
    assert_eq!(found.len(), 4);
    assert!(found.is_sorted());
    assert_eq!(longest_rising(&[]), []);
    assert_eq!(longest_rising(&[2, 1, 0]).len(), 1);
}

#[test]
fn one_moved_item_is_one_step() {
    let list: Vec<_> = (0..10).map(|id| (id, Arc::new(id))).collect();
    for (from, to) in (0..10).flat_map(|from| (0..10).map(move |to| (from, to))) {
        let mut new = list.clone();
        let item = new.remove(from);
        new.insert(to, item.clone());
        let entry = || Entry { id: item.0, value: Arc::clone(&item.1) };
        let mut patch = Patch::new([(from, entry())], [(to, entry())]);
        patch.drop_equal(&mut |_, _| true);
        let expected = if from == to { vec![] } else { vec![super::Diff::Move { from, to }] };
        assert_eq!(patch.list(), expected);
    }
}

#[test]
fn a_list_of_equal_items_with_other_ids_has_not_changed() {
    let entry = |id: u64, value: u64| Entry { id, value: Arc::new(value) };
    let old = (0..5).map(|n| (n, entry(n as u64, n as u64)));
    let new = (0..5).map(|n| (n, entry(n as u64 + 10, n as u64)));
    let mut patch = Patch::new(old.clone(), new);
    patch.drop_equal(&mut |old, new| old == new);
    assert!(patch.is_empty());
    // Only items that differ are reported, also if the lengths differ.
    let new = [0, 1, 7, 3, 4].into_iter().enumerate();
    let mut patch = Patch::new(old.clone(), new.map(|(n, value)| (n, entry(n as u64 + 10, value))));
    patch.drop_equal(&mut |old, new| old == new);
    let removed = super::Diff::Remove { index: 2, old: Arc::new(2) };
    assert_eq!(patch.list(), [removed, super::Diff::Insert { index: 2, new: Arc::new(7) }]);
    let new = [0, 1, 3, 4].into_iter().enumerate();
    let mut patch = Patch::new(old, new.map(|(n, value)| (n, entry(n as u64 + 10, value))));
    patch.drop_equal(&mut |old, new| old == new);
    assert_eq!(patch.list(), [super::Diff::Remove { index: 2, old: Arc::new(2) }]);
}

#[test]
fn equal_arcs_in_two_lists_are_moved_whatever_their_ids() {
    let values: Vec<_> = (0..4).map(Arc::new).collect();
    let list = |ids: u64, order: [usize; 4]| {
        let entry = move |at: usize, id: u64, values: &[Arc<u64>]| Entry {
            id: ids + id,
            value: Arc::clone(&values[at]),
        };
        let values = values.clone();
        let entries = order.into_iter().zip(0..).map(move |(at, id)| entry(at, id, &values));
        entries.enumerate()
    };
    let mut patch = Patch::new(list(0, [0, 1, 2, 3]), list(10, [3, 0, 1, 2]));
    patch.drop_equal(&mut |_, _| false);
    assert_eq!(patch.list(), [super::Diff::Move { from: 3, to: 0 }]);
}
