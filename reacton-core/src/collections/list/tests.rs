//! Compares a list with a `Vec`.

mod again;
mod rules;

use super::{ItemId, ReactonList};
use crate::collections::tests::{Random, each_seed};
use crate::merge::{Compose, Merge, Version, Writer};

type List = ReactonList<u64>;

/// Returns the items with their ids, after checking everything that follows from the registers.
fn items(list: &List) -> Vec<(ItemId, u64)> {
    let items: Vec<_> = list.ids().zip(list.iter().copied()).collect();
    assert_eq!(list.len(), items.len());
    for (index, (id, value)) in items.iter().enumerate() {
        assert_eq!((list.index_of(*id), list.id_at(index)), (Some(index), Some(*id)));
        assert_eq!((list.get(*id), list.get(index)), (Some(value), Some(value)));
        let (place, held) = list.item(*id).expect("the item is visible");
        assert_eq!((list.order.get(&place).map(|held| **held), *held), (Some(*value), *value));
    }
    let shown = list.registers.iter().filter(|(key, _)| list.item(key.id).is_some()).count();
    assert_eq!(shown, 3 * items.len());
    items
}

fn values(list: &List) -> Vec<u64> {
    list.iter().copied().collect()
}

/// Makes the same edit in a list and in a `Vec`.
fn edit_both(list: &mut List, vec: &mut Vec<u64>, random: &mut Random) {
    let (value, index) = (random.below(100), random.index(vec.len() + 2));
    let is_there = index < vec.len();
    let id = list.id_at(index);
    assert_eq!(id.is_some(), is_there);
    let by_id = random.below(2) == 0;
    match random.below(14) {
        0 | 1 => {
            let removed = match id {
                Some(id) if by_id => list.remove(id),
                _ => list.remove(index),
            };
            assert_eq!(removed.as_deref().copied(), is_there.then(|| vec.remove(index)));
        }
        2 | 3 => {
            let set = match id {
                Some(id) if by_id => list.set(id, value),
                _ => list.set(index, value),
            };
            let before = vec.get_mut(index).map(|held| std::mem::replace(held, value));
            assert_eq!(set.as_deref().copied(), before);
        }
        4 => {
            let edit = |held: &mut u64| std::mem::replace(held, value);
            assert_eq!(list.update(index, edit), vec.get_mut(index).map(edit));
        }
        5..8 => {
            let to = random.index(vec.len() + 2);
            let moved = match id {
                Some(id) if by_id => list.move_to(id, to),
                _ => list.move_to(index, to),
            };
            assert_eq!(moved, is_there);
            assert!(
                id.is_none() || list.index_of(id.expect("an item")) == Some(to.min(vec.len() - 1))
            );
            if is_there {
                let item = vec.remove(index);
                vec.insert(to.min(vec.len()), item);
            }
        }
        8 => {
            assert_eq!(list.pop().as_deref().copied(), vec.pop());
        }
        9 if random.below(4) == 0 => {
            list.truncate(index);
            vec.truncate(index);
        }
        10 if random.below(4) == 0 => {
            list.retain(|held| held % 3 != value % 3);
            vec.retain(|held| held % 3 != value % 3);
        }
        11 if random.below(10) == 0 => {
            list.clear();
            vec.clear();
        }
        12 => {
            list.extend([value, value + 1]);
            vec.extend([value, value + 1]);
        }
        _ => {
            let id = list.insert(index, value);
            vec.insert(index.min(vec.len()), value);
            assert_eq!(list.index_of(id), Some(index.min(vec.len() - 1)));
        }
    }
}

#[test]
fn c8_a_list_has_the_methods_of_a_vec() {
    each_seed(|random| {
        let (mut list, mut vec) = (List::new(), Vec::new());
        let mut kept = Vec::new();
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..random.below(60) {
            edit_both(&mut list, &mut vec, random);
            assert_eq!(values(&list), vec);
            assert_eq!((list.first(), list.last()), (vec.first(), vec.last()));
            if random.below(10) == 0 {
                kept.push((list.clone(), vec.clone()));
            }
        }
        ids.extend(items(&list));
        assert_eq!(ids.len(), vec.len());
        let (start, end) = (random.index(vec.len() + 1), random.index(vec.len() + 1));
        let window = vec.get(start..end).unwrap_or_default();
        assert!(list.range(start..end).eq(window));
        assert!(list.range(start..).rev().eq(vec[start..].iter().rev()));
        assert!(list.range(..=end).eq(vec.iter().take(end + 1)));
        for (list, vec) in kept {
            assert_eq!(values(&list), vec);
            items(&list);
        }
    });
}

#[test]
fn c8_the_steps_of_an_edit_lead_from_the_old_list_to_the_new_one() {
    each_seed(|random| {
        let shares = random.below(2) == 0;
        let (mut list, mut model, mut vec) = (List::new(), Vec::new(), Vec::new());
        let mut kept = vec![List::new()];
        for _ in 0..random.below(20) {
            let mut all: Option<<List as Merge>::Changes> = None;
            for _ in 0..random.below(3) {
                list.begin(Writer { site: 5, shares });
                for _ in 0..random.below(6) {
                    edit_both(&mut list, &mut vec, random);
                }
                if random.below(6) == 0 {
                    let other = &kept[random.index(kept.len())];
                    match random.below(2) {
                        0 => list.restore(other),
                        _ => list.replace(other.clone()),
                    }
                    assert_eq!(list, *other);
                    vec = values(other);
                }
                let Some(changes) = list.settle() else { continue };
                match &mut all {
                    Some(all) => all.then(&changes),
                    None => all = Some(changes),
                }
            }
            if let Some(mut all) = all {
                all.drop_equal(&mut |old, new| old == new);
                for step in all.list() {
                    step.apply(&mut model);
                }
            }
            assert_eq!((&model, &values(&list)), (&vec, &vec));
            items(&list);
            if random.below(3) == 0 {
                kept.push(list.clone());
            }
            if shares && random.below(2) == 0 {
                list.seal(Version { clock: 1, site: 5 }, &mut |_| ());
            }
        }
        let mut everything = Vec::new();
        for step in list.everything().list() {
            step.apply(&mut everything);
        }
        assert_eq!(everything, vec);
    });
}
