//! Compares the tree with a `BTreeMap` of std, also with keys whose copies panic.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::Tree;
use super::node::Child;
use super::node::{CAPACITY, Inner, Node, count};
use crate::collections::tests::Random;

/// Checks the counts, widths and separators of a subtree, and returns its height.
fn height<K: Ord + Debug, V>(child: &Child<K, V>, low: Option<&K>, high: Option<&K>) -> usize {
    assert_eq!(child.len, count(&child.node));
    assert!(child.len > 0, "a node is empty");
    assert!((1..=CAPACITY).contains(&child.node.width()));
    let is_within =
        |key: &K| low.is_none_or(|low| low <= key) && high.is_none_or(|high| key < high);
    match &*child.node {
        Node::Leaf(leaf) => {
            assert_eq!(leaf.keys.len(), leaf.values.len());
            assert!(leaf.keys.is_sorted_by(|one, two| one < two));
            assert!(leaf.keys.iter().all(is_within));
            0
        }
        Node::Inner(Inner { separators, children }) => {
            assert_eq!(separators.len() + 1, children.len());
            let bound = |at: usize| separators.get(at);
            let heights: Vec<_> = children
                .iter()
                .enumerate()
                .map(|(at, child)| {
                    let low = at.checked_sub(1).and_then(bound).or(low);
                    height(child, low, bound(at).or(high))
                })
                .collect();
            assert!(heights.iter().all(|height| *height == heights[0]), "{heights:?}");
            heights[0] + 1
        }
    }
}

fn check(tree: &Tree<u64, u64>, model: &BTreeMap<u64, u64>) {
    if let Some(root) = &tree.root {
        height(root, None, None);
    }
    assert_eq!((tree.len(), tree.root.is_none()), (model.len(), model.is_empty()));
    assert!(tree.iter().eq(model.iter()));
}

/// Compares all entries of two trees, including those in shared nodes.
fn expected_difference(
    old: &BTreeMap<u64, u64>,
    new: &BTreeMap<u64, u64>,
) -> Vec<(u64, Option<u64>, Option<u64>)> {
    let keys: std::collections::BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let all = keys.into_iter().map(|key| (*key, old.get(key).copied(), new.get(key).copied()));
    all.filter(|(_, old, new)| old != new).collect()
}

fn play(seed: u64) {
    let mut random = Random(seed);
    let keys = 1 << (4 + random.below(9));
    let (mut tree, mut model) = (Tree::new(), BTreeMap::new());
    let mut kept: Vec<(Tree<u64, u64>, BTreeMap<u64, u64>)> = Vec::new();
    // Ascending keys produce full nodes. Removals and clones come between them.
    let mut removals = 1 + random.below(6);
    for step in 0..600 + random.below(3000) {
        let key = random.below(keys);
        match random.below(10) {
            action if action < removals => {
                let expected = model.remove_entry(&key);
                assert_eq!(tree.remove(&key), expected);
            }
            9 => {
                let from = random.below(keys);
                for key in from..from + random.below(80) {
                    assert_eq!(tree.insert(key, step), model.insert(key, step));
                }
            }
            8 => {
                let (tree, model) = (tree.get_mut(&key), model.get_mut(&key));
                let tree = tree.map(|(found, value)| {
                    assert_eq!(*found, key);
                    value
                });
                assert_eq!(tree, model);
                tree.into_iter().chain(model).for_each(|value| *value += 1);
            }
            _ => assert_eq!(tree.insert(key, step), model.insert(key, step)),
        }
        if random.below(100) == 0 {
            removals = 1 + random.below(7);
        }
        if random.below(500) == 0 {
            let kept = random.below(50);
            tree.retain(|key, _| key % 50 != kept);
            model.retain(|key, _| key % 50 != kept);
            check(&tree, &model);
            check(&Tree::from_sorted(model.clone()), &model);
        }
        if random.below(150) == 0 {
            check(&tree, &model);
            kept.push((tree.clone(), model.clone()));
        }
    }
    check(&tree, &model);
    look_up(&tree, &model, keys);
    ranges(&tree, &model, keys, &mut random);
    for (old, old_model) in &kept {
        check(old, old_model);
        let found = old.difference(&tree).filter(|(_, old, new)| old != new);
        let found: Vec<_> =
            found.map(|(key, old, new)| (*key, old.copied(), new.copied())).collect();
        assert_eq!(found, expected_difference(old_model, &model));
    }
    while let Some(key) = model.keys().next().copied() {
        let key =
            if random.below(2) == 0 { key } else { *model.keys().next_back().unwrap_or(&key) };
        assert_eq!(tree.remove(&key), model.remove_entry(&key));
    }
    check(&tree, &model);
}

fn look_up(tree: &Tree<u64, u64>, model: &BTreeMap<u64, u64>, keys: u64) {
    let mut smaller = 0;
    for key in 0..keys {
        assert_eq!(tree.get_entry(&key), model.get_key_value(&key));
        assert_eq!(tree.rank(&key), (smaller, model.contains_key(&key)));
        smaller += usize::from(model.contains_key(&key));
    }
    for (position, entry) in model.iter().enumerate() {
        assert_eq!(tree.nth(position), Some(entry));
    }
    assert_eq!(tree.nth(model.len()), None);
}

fn ranges(tree: &Tree<u64, u64>, model: &BTreeMap<u64, u64>, keys: u64, random: &mut Random) {
    for _ in 0..20 {
        let start = random.below(keys);
        let end = start + random.below(keys);
        assert!(tree.range(&(start..end)).eq(model.range(start..end)));
        assert!(tree.range(&(start..=end)).eq(model.range(start..=end)));
        assert!(tree.range(&(..end)).eq(model.range(..end)));
        assert!(tree.range(&(start..)).rev().eq(model.range(start..).rev()));
        let mut both = (tree.range(&(start..end)), model.range(start..end));
        let mut left = model.range(start..end).count();
        assert_eq!(both.0.len(), left);
        while left > 0 {
            match random.below(3) {
                0 => assert_eq!(both.0.next(), both.1.next()),
                1 => assert_eq!(both.0.next_back(), both.1.next_back()),
                _ => {
                    let n = usize::try_from(random.below(4)).expect("the number fits");
                    assert_eq!(both.0.nth(n), both.1.nth(n));
                }
            }
            left = both.0.len();
        }
        assert_eq!((both.0.next(), both.0.next_back(), both.1.next()), (None, None, None));
    }
    let backwards =
        tree.range(&(std::ops::Bound::Included(keys), std::ops::Bound::<u64>::Excluded(0)));
    assert_eq!(backwards.count(), 0);
}

fn seeds() -> std::ops::Range<u64> {
    let from_env = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(16),
    }
}

#[test]
fn random_operations_do_what_they_do_to_a_b_tree_map_of_std() {
    for seed in seeds() {
        let result = std::panic::catch_unwind(|| play(seed));
        assert!(result.is_ok(), "REACTON_SEED={seed}");
    }
}

#[test]
fn a_difference_skips_the_nodes_that_both_trees_share() {
    let old: Tree<u32, u32> = Tree::from_sorted((0..100_000).map(|key| (key, key)));
    let mut new = old.clone();
    new.insert(50_000, 0);
    new.remove(&70_000);
    new.insert(200_000, 1);
    // Each write copies one leaf, so at most three leaves are compared.
    let looked_at = old.difference(&new).count();
    assert!(looked_at <= 3 * CAPACITY + 1, "{looked_at}");
    assert_eq!(old.difference(&new).filter(|(_, old, new)| old != new).count(), 3);
    assert_eq!(new.difference(&new.clone()).count(), 0);
    assert!(new.is_same(&new.clone()) && !new.is_same(&old));
}

/// A key whose copy panics if a thread local says so.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Fragile(u64);

thread_local! {
    static COPIES_LEFT: std::cell::Cell<u32> = const { std::cell::Cell::new(u32::MAX) };
}

impl Clone for Fragile {
    fn clone(&self) -> Self {
        let left = COPIES_LEFT.get().checked_sub(1);
        COPIES_LEFT.set(left.unwrap_or(u32::MAX));
        assert!(left.is_some(), "broken on purpose");
        Self(self.0)
    }
}

#[test]
fn a_key_whose_copy_panics_leaves_a_tree_that_is_right() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let mut random = Random(7);
    let mut panics = 0;
    let mut tree: Tree<Fragile, u64> = Tree::new();
    for _ in 0..4000 {
        // The clone shares all nodes, so writes copy them.
        let shared = tree.clone();
        COPIES_LEFT.set(u32::try_from(random.below(300)).expect("the number fits"));
        let key = Fragile(random.below(2000));
        let inserts = random.below(10) > 3;
        let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if inserts {
                tree.insert(key, 1);
            } else {
                tree.remove(&key);
            }
        }));
        COPIES_LEFT.set(u32::MAX);
        panics += u32::from(written.is_err());
        for tree in [&shared, &tree] {
            if let Some(root) = &tree.root {
                height(root, None, None);
            }
        }
        assert!(shared.len().abs_diff(tree.len()) <= 1);
    }
    std::panic::set_hook(hook);
    assert!(panics > 100 && tree.len() > 500, "{panics} {}", tree.len());
}
