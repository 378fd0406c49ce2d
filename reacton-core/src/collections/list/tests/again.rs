//! M6: items that several stores put back, remove and edit at once.

use std::sync::Arc;

use super::rules::{check_replicas, join_all};
use super::{List, items, values};
use crate::collections::list::ItemId;
use crate::collections::position::Position;
use crate::collections::tests::{Random, Replica, each_seed};

/// An item that was removed, as a history knows it.
type Gone = (ItemId, Position, Arc<u64>);

fn remove(list: &mut List, index: usize) -> Option<Gone> {
    let id = list.id_at(index)?;
    let (place, value) = list.item(id)?;
    list.remove(id);
    Some((id, place.position, value))
}

fn edit(list: &mut List, gone: &mut Vec<Gone>, random: &mut Random) {
    let (value, index, to) = (random.below(100), random.index(list.len() + 1), random.index(8));
    match random.below(12) {
        0..4 => gone.extend(remove(list, index)),
        4..8 if !gone.is_empty() => {
            let (id, position, value) = gone[random.index(gone.len())].clone();
            if list.knows_removal(id) {
                let now = list.put_back_item(id, position, value);
                assert!(now.was_put_back() && list.contains(now));
            }
        }
        8 => drop(list.set(index, value)),
        9 => _ = list.move_to(index, to),
        _ => _ = list.insert(index, value),
    }
}

#[test]
fn m6_items_that_are_put_back_and_removed_at_once_are_the_same_in_all_stores() {
    each_seed(|random| {
        let mut gone = Vec::new();
        check_replicas(random, |list, random| edit(list, &mut gone, random));
    });
}

/// Two stores with the same items, and what both remove at once: the second item.
fn removed_by_two() -> ([Replica<List>; 2], Gone) {
    let mut stores = [1, 2].map(|site| Replica { site, clock: 0, value: List::new() });
    let sent = stores[0].commit(1, |list| list.extend([10, 20, 30]));
    for sent in &sent {
        stores[1].join(sent);
    }
    let mut gone = None;
    let sent = stores.each_mut().map(|store| store.commit(1, |list| gone = remove(list, 1)));
    for sent in &sent[0] {
        stores[1].join(sent);
    }
    for sent in &sent[1] {
        stores[0].join(sent);
    }
    (stores, gone.expect("there are three"))
}

#[test]
fn m6_an_item_that_two_stores_put_back_is_there_once() {
    for is_heard in [false, true] {
        let ([mut one, mut two], (id, position, value)) = removed_by_two();
        let put_back =
            |list: &mut List| _ = list.put_back_item(id, position.clone(), value.clone());
        let first = one.commit(1, put_back);
        assert_eq!(first.len(), 1, "the item is sent as one record");
        if is_heard {
            for sent in &first {
                two.join(sent);
            }
        }
        let second = two.commit(1, put_back);
        for sent in first.iter().chain(&second) {
            one.join(sent);
            two.join(sent);
        }
        assert_eq!((values(&one.value), values(&two.value)), (vec![10, 20, 30], vec![10, 20, 30]));
        assert_eq!(items(&one.value), items(&two.value));
    }
}

#[test]
fn m6_an_item_is_put_back_again_and_again() {
    let ([mut one, _], (mut id, position, value)) = removed_by_two();
    for _ in 0..100 {
        let mut now = id;
        one.commit(1, |list| now = list.put_back_item(id, position.clone(), value.clone()));
        assert_ne!(now, id);
        assert_eq!(values(&one.value), [10, 20, 30]);
        id = now;
        one.commit(1, |list| drop(list.remove(id)));
    }
    // When the numbers are used up, it is a new item.
    let last = ItemId::from(u128::from(id) | 0xFFFF << 48);
    assert_eq!((last.again(), last.was_put_back()), (None, true));
    assert_eq!(id.again().map(|next| next.number - id.number), Some(1 << 48));
}

#[test]
fn m6_an_edit_that_is_newer_than_a_removal_stays_in_whatever_order_they_arrive() {
    let ([mut one, mut two], (id, position, value)) = removed_by_two();
    let base = two.value.clone();
    let put_back = |list: &mut List| list.put_back_item(id, position.clone(), value.clone());
    let mut now = id;
    two.clock += 10;
    // One store puts the item back and removes it. The other one, later, puts it back and edits it.
    let sent = [
        one.commit(1, |list| now = put_back(list)),
        one.commit(1, |list| drop(list.remove(now))),
        two.commit(1, |list| assert_eq!(put_back(list), now)),
        two.commit(1, |list| drop(list.set(1, 99))),
    ]
    .concat();
    each_seed(|random| {
        let mut third = base.clone();
        join_all(&mut third, &sent, random);
        assert_eq!(values(&third), [10, 99, 30]);
    });
}
