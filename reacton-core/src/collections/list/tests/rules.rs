//! M6: the registers of items are joined in any order and more than once, and the list follows from them.

use std::collections::{BTreeMap, BTreeSet};

use super::{List, items};
use crate::collections::list::item::{ItemKey, Place, Register, SentKey};
use crate::collections::list::{ItemId, ListItem};
use crate::collections::position::Position;
use crate::collections::tests::{Random, Replica, Sent, all, each_seed, owned, play};
use crate::merge::{Edit, Merge, Version, Which, Writer};

fn edit(list: &mut List, kept: &mut Vec<List>, random: &mut Random) {
    let (value, index, to) = (random.below(100), random.index(list.len() + 1), random.index(8));
    match random.below(20) {
        0 => list.clear(),
        1 => list.replace(List::from([value, value + 1])),
        2 if !kept.is_empty() => list.restore(&kept[random.index(kept.len())]),
        3 => kept.push(list.clone()),
        4..8 => drop(list.remove(index)),
        8..12 => _ = list.move_to(index, to),
        12 | 13 => drop(list.set(index, value)),
        // An item that is inserted and removed in one edit.
        14 => {
            let id = list.insert(index, value);
            list.move_to(id, to);
            list.remove(id);
        }
        _ => _ = list.insert(index, value),
    }
}

/// Joins all edits, in a random order and some of them twice.
pub(super) fn join_all(list: &mut List, sent: &[Sent<List>], random: &mut Random) {
    let mut left: Vec<_> = sent.iter().collect();
    while !left.is_empty() {
        let at = random.index(left.len());
        let (edit, version) = left[at];
        list.join(edit.clone(), *version);
        if random.below(4) > 0 {
            left.swap_remove(at);
        }
    }
}

fn of(key: &SentKey) -> ItemKey {
    ItemKey::of(*key).expect("the key is an item's key")
}

/// Computes the list from the text of M6: an item is in it if it was put after the last reset and not removed since. Its
/// position and its value are the newest.
fn by_the_rule(sent: &[Sent<List>]) -> Vec<(ItemId, u64)> {
    let resets = sent.iter().filter(|(edit, _)| matches!(edit, Edit::Reset));
    let floor = resets.map(|(_, version)| *version).max().unwrap_or_default();
    let mut there: BTreeMap<ItemId, Version> = BTreeMap::new();
    let mut gone: BTreeMap<ItemId, Version> = BTreeMap::new();
    let latest = |versions: &mut BTreeMap<ItemId, Version>, id, version: Version| {
        let newest = versions.entry(id).or_insert(version);
        *newest = version.max(*newest);
    };
    let mut positions: BTreeMap<ItemId, (Version, Position)> = BTreeMap::new();
    let mut held: BTreeMap<ItemId, (Version, u64)> = BTreeMap::new();
    let mut put = |id, version, position: Option<Position>, value: Option<u64>| {
        let is_newer = |before: Option<Version>| before.is_none_or(|before| version > before);
        if let Some(position) = position
            && is_newer(positions.get(&id).map(|(version, _)| *version))
        {
            positions.insert(id, (version, position));
        }
        if let Some(value) = value
            && is_newer(held.get(&id).map(|(version, _)| *version))
        {
            held.insert(id, (version, value));
        }
    };
    for (edit, version) in sent {
        let id = |key| of(key).id;
        match edit {
            Edit::Put(key, ListItem::New(position, value)) if *version >= floor => {
                latest(&mut there, id(key), *version);
                put(id(key), *version, Some(position.clone()), Some(**value));
            }
            Edit::Put(key, ListItem::At(position)) => {
                put(id(key), *version, Some(position.clone()), None);
            }
            Edit::Put(key, ListItem::Holds(value)) => put(id(key), *version, None, Some(**value)),
            Edit::Put(_, ListItem::New(..)) | Edit::Reset => {}
            Edit::Put(_, ListItem::Exists) => panic!("an edit has the form of a snapshot"),
            Edit::Remove(key) => latest(&mut gone, id(key), *version),
        }
    }
    let place = |id: ItemId| Place { position: positions[&id].1.clone(), id };
    let is_there = |(id, put): &(&ItemId, &Version)| gone.get(id).is_none_or(|gone| gone < *put);
    let places: BTreeSet<_> = there.iter().filter(is_there).map(|(id, _)| place(*id)).collect();
    places.into_iter().map(|Place { id, .. }| (id, held[&id].1)).collect()
}

/// Lets several stores edit a list, and checks that all of them end with what the rules say: whatever the order in which
/// edits are joined, more than once, and also a store that is spawned late.
pub(super) fn check_replicas(random: &mut Random, edit: impl FnMut(&mut List, &mut Random)) {
    let (sent, replicas) = play(random, List::new, edit);
    let expected = by_the_rule(&sent);
    let clock = sent.iter().map(|(_, version)| version.clock).max().unwrap_or_default();
    let mut fresh = List::new();
    join_all(&mut fresh, &sent, random);
    assert_eq!(items(&fresh), expected);
    // A store that is spawned late receives the present state instead of the edits.
    let mut late = List::new();
    join_all(&mut late, &all(&fresh), random);
    let mut lists: Vec<_> = replicas.into_iter().map(|replica| replica.value).collect();
    lists.extend([fresh, late]);
    for list in &mut lists {
        join_all(list, &sent, random);
        assert_eq!(items(list), expected);
        list.sweep(clock);
        assert_eq!((items(list), list.removals()), (expected.clone(), 0));
    }
    let states: Vec<_> = lists.iter().map(|list| of_items(&all(list))).collect();
    assert!(states.iter().all(|state| *state == states[0]), "{states:?}");
}

#[test]
fn c9_edits_of_lists_are_joined_in_any_order_and_more_than_once() {
    each_seed(|random| {
        let mut kept = Vec::new();
        check_replicas(random, |list, random| edit(list, &mut kept, random));
    });
}

/// Returns the registers of each item, without the last reset.
fn of_items(shown: &[Sent<List>]) -> Vec<String> {
    let puts = shown.iter().filter(|(edit, _)| !matches!(edit, Edit::Reset));
    puts.map(|sent| format!("{sent:?}")).collect()
}

fn values_of(list: &List) -> Vec<u64> {
    items(list).into_iter().map(|(_, value)| value).collect()
}

fn version(clock: u64, site: u64) -> Version {
    Version { clock, site }
}

/// Three stores with the same list of three items.
fn three() -> (Vec<Replica<List>>, [ItemId; 3]) {
    let mut stores: Vec<_> =
        (1..=3).map(|site| Replica { site, clock: 0, value: List::new() }).collect();
    let sent = stores[0].commit(1, |list| list.extend([10, 20, 30]));
    for store in &mut stores[1..] {
        for sent in &sent {
            store.join(sent);
        }
    }
    let ids: Vec<_> = stores[0].value.ids().collect();
    (stores, ids.try_into().expect("the list has three items"))
}

/// Each store joins the edits of the others, in any order.
fn settle(stores: &mut [Replica<List>], sent: &[Sent<List>]) -> Vec<u64> {
    let mut random = Random(sent.len() as u64);
    for store in &mut *stores {
        join_all(&mut store.value, sent, &mut random);
    }
    let shown = items(&stores[0].value);
    assert!(stores.iter().all(|store| items(&store.value) == shown));
    shown.into_iter().map(|(_, value)| value).collect()
}

#[test]
fn c9_a_removal_wins_over_any_move_or_set_of_that_item() {
    for later in [0, 1, 2] {
        let (mut stores, [_, second, _]) = three();
        stores[later].clock = 100;
        let mut sent = stores[0].commit(1, |list| drop(list.remove(second)));
        sent.extend(stores[1].commit(1, |list| _ = list.move_to(second, 0)));
        sent.extend(stores[2].commit(1, |list| drop(list.set(second, 21))));
        assert_eq!(sent.len(), 3);
        assert_eq!(settle(&mut stores, &sent), [10, 30]);
    }
}

#[test]
fn c9_two_moves_of_one_item_never_double_it() {
    for later in [0, 1] {
        let (mut stores, [first, ..]) = three();
        stores[later].clock = 100;
        let mut sent = stores[0].commit(1, |list| _ = list.move_to(first, 1));
        sent.extend(stores[1].commit(1, |list| _ = list.move_to(first, 2)));
        let expected = if later == 0 { [20, 10, 30] } else { [20, 30, 10] };
        assert_eq!(settle(&mut stores, &sent), expected);
    }
}

#[test]
fn c9_a_move_and_a_set_of_one_item_are_both_done() {
    let (mut stores, [first, ..]) = three();
    let mut sent = stores[0].commit(1, |list| _ = list.move_to(first, 2));
    sent.extend(stores[1].commit(1, |list| drop(list.set(first, 11))));
    assert_eq!(settle(&mut stores, &sent), [20, 30, 11]);
}

#[test]
fn c9_concurrent_runs_of_insertions_stay_whole() {
    let (mut stores, _) = three();
    let mut sent = Vec::new();
    for store in &mut stores {
        let (site, mut step) = (store.site, 0);
        // The items are inserted one after the other, or each before the previous one.
        sent.extend(store.commit(4, |list| {
            let index = if site == 2 { 1 } else { 1 + step };
            list.insert(index, 1000 * site + step as u64);
            step += 1;
        }));
    }
    let list = settle(&mut stores, &sent);
    let groups = list.chunk_by(|one, two| one / 1000 == two / 1000).count();
    assert_eq!((list.len(), groups), (15, 5), "{list:?}");
    let one: Vec<_> = list.iter().filter(|value| **value / 1000 == 1).collect();
    let two: Vec<_> = list.iter().filter(|value| **value / 1000 == 2).collect();
    assert!(one.is_sorted() && two.is_sorted_by(|one, two| one > two));
}

#[test]
fn c9_a_new_item_is_sent_as_one_record_and_in_a_snapshot_as_three() {
    let mut store = Replica { site: 7, clock: 0, value: List::new() };
    let sent = store.commit(1, |list| {
        let id = list.push(1);
        list.set(id, 2);
        list.push(3);
        list.move_to(id, 1);
    });
    let registers = |sent: &[Sent<List>]| -> Vec<Register> {
        let keys = sent.iter().filter_map(|(edit, _)| match edit {
            Edit::Put(key, _) => Some(of(key).register),
            Edit::Remove(_) | Edit::Reset => None,
        });
        keys.collect()
    };
    assert_eq!(registers(&sent), [Register::Existence; 2]);
    let id = store.value.id_at(0).expect("the position has an item");
    let [existence, position, value] = id.keys().map(ItemKey::sent);
    let three = [Register::Existence, Register::Position, Register::Value];
    assert_eq!(registers(&all(&store.value)), [three, three].concat());
    let show = |keys: &[SentKey]| {
        let mut shown = Vec::new();
        store.value.show(Which::Keys(keys), &mut |edit, version| {
            shown.push((owned(&edit), version));
        });
        registers(&shown)
    };
    assert_eq!((show(&[existence]), show(&[position])), (three.to_vec(), vec![Register::Position]));
    assert_eq!(show(&[value]), [Register::Value]);
    // Later edits are records of one register.
    let sent = store.commit(1, |list| _ = list.move_to(0, 1));
    assert_eq!(registers(&sent), [Register::Position]);
}

#[test]
fn c9_an_item_that_is_made_and_removed_in_one_transaction_is_not_sent() {
    let mut store = Replica { site: 7, clock: 0, value: List::new() };
    let sent = store.commit(2, |list| {
        let id = list.push(1);
        list.move_to(id, 0);
        list.remove(id);
    });
    assert_eq!((sent.len(), store.value.removals(), all(&store.value).len()), (0, 0, 0));
    store.commit(1, |list| _ = list.push(1));
    let sent = store.commit(1, |list| drop(list.remove(0)));
    assert_eq!((sent.len(), store.value.removals()), (1, 1));
    // For a register of a removed item, the answer is the removal.
    let Edit::Remove(key) = sent[0].0 else { panic!("{sent:?}") };
    let mut shown = Vec::new();
    let asked = [of(&key).id.key(Register::Value).sent()];
    store.value.show(Which::Keys(&asked), &mut |edit, _| {
        shown.push(matches!(edit, Edit::Remove(_)));
    });
    assert_eq!(shown, [true]);
}

#[test]
fn c9_registers_of_removed_items_are_ignored_and_those_of_unknown_items_are_kept() {
    let (mut stores, [first, ..]) = three();
    let moved = stores[1].commit(1, |list| _ = list.move_to(first, 2));
    let removed = stores[0].commit(1, |list| drop(list.remove(first)));
    stores[2].join(&removed[0]);
    assert!(!stores[2].join(&moved[0]), "the item was removed");
    // Only the removal of the item is kept.
    assert_eq!((stores[2].value.removals(), all(&stores[2].value).len()), (1, 7));
    // A register that arrives before its item is not shown. It is removed when the item cannot arrive any more.
    let mut late = List::new();
    assert!(late.join(moved[0].0.clone(), moved[0].1));
    assert_eq!((late.len(), late.removals()), (0, 1));
    late.sweep(moved[0].1.clock - 1);
    assert_eq!(late.removals(), 1);
    late.sweep(moved[0].1.clock);
    assert_eq!((late.removals(), all(&late).len()), (0, 0));
}

#[test]
fn m9_registers_without_an_item_are_no_answer_about_the_item() {
    let (mut stores, [first, ..]) = three();
    let moved = stores[1].commit(1, |list| _ = list.move_to(first, 2));
    let removed = stores[0].commit(1, |list| drop(list.remove(first)));
    stores[2].join(&removed[0]);
    stores[2].value.sweep(removed[0].1.clock);
    // Moved by a store that has missed the removal, and subscribes now.
    assert!(stores[2].join(&moved[0]), "the item is not known");
    let (existence, mut shown) = (first.key(Register::Existence).sent(), Vec::new());
    stores[2].value.show(Which::Keys(&[existence]), &mut |edit, _| shown.push(owned(&edit)));
    assert_eq!(shown.len(), 0, "an answer that hides that the item is gone");
}

#[test]
fn c9_the_record_of_a_new_item_and_its_three_registers_are_joined_in_any_order() {
    let mut store = Replica { site: 7, clock: 0, value: List::new() };
    let new = store.commit(1, |list| _ = list.push(1));
    let state = all(&store.value);
    for (first, version) in &state {
        let mut list = List::new();
        list.join(first.clone(), *version);
        assert_eq!(list.len(), 0);
        list.join(new[0].0.clone(), new[0].1);
        assert_eq!(values_of(&list), [1]);
    }
}

#[test]
fn c9_a_new_item_that_could_not_be_sent_is_sent_with_its_next_edit() {
    let (mut stores, _) = three();
    let sent = stores[0].commit(1, |list| _ = list.insert(1, 15));
    let (Edit::Put(key, _), _) = &sent[0] else { panic!("{sent:?}") };
    stores[0].value.disown(key);
    let others = stores[0].commit(1, |list| _ = list.push(40));
    let edited = stores[0].commit(1, |list| _ = list.move_to(of(key).id, 0));
    assert_eq!((others.len(), edited.len()), (1, 1));
    assert_eq!(settle(&mut stores, &[others, edited].concat()), [15, 10, 20, 30, 40]);
    let sent = stores[0].commit(1, |list| _ = list.push(50));
    let (Edit::Put(key, _), _) = &sent[0] else { panic!("{sent:?}") };
    stores[0].value.disown(key);
    assert_eq!(stores[0].commit(1, |list| drop(list.remove(of(key).id))).len(), 0);
}

#[test]
fn c9_nothing_is_remembered_of_what_is_not_shared() {
    let mut list = List::new();
    for number in 0..100 {
        list.begin(Writer { site: 9, shares: false });
        list.push(number);
        list.move_to(0, 5);
        list.push(number);
        list.remove(0);
        list.settle();
    }
    assert_eq!((list.removals(), list.len(), all(&list).len()), (0, 100, 300));
    assert!(all(&list).iter().all(|(_, version)| *version == Version::NEVER));
    assert!(list.open.is_none() && list.ahead.len() == 0);
}

#[test]
fn c9_an_undo_of_a_removal_is_a_new_item_if_others_know_the_removal() {
    let (mut stores, [_, second, _]) = three();
    let before = stores[0].value.clone();
    let mut sent = stores[0].commit(1, |list| drop(list.remove(second)));
    let undone = stores[0].commit(1, |list| list.restore(&before));
    assert_eq!(undone.len(), 1);
    sent.extend(undone);
    assert_eq!(settle(&mut stores, &sent), [10, 20, 30]);
    assert_eq!(stores[0].value.index_of(second), None);
    // The second time changes nothing.
    let again = stores[0].commit(1, |list| list.restore(&before));
    assert_eq!(again.len(), 0);
    let mut alone = List::from([1, 2]);
    let (first, before) = (alone.id_at(0).expect("the position has an item"), alone.clone());
    alone.begin(Writer { site: 9, shares: false });
    alone.remove(0);
    alone.restore(&before);
    alone.settle();
    assert_eq!(alone.index_of(first), Some(0));
}

#[test]
fn c9_a_transaction_that_puts_everything_back_leaves_no_trace() {
    each_seed(|random| {
        let mut kept = Vec::new();
        let (sent, mut replicas) =
            play(random, List::new, |list, random| edit(list, &mut kept, random));
        let Replica { site, value: list, .. } = &mut replicas[0];
        let (before, shown) = (format!("{:?}", all(list)), items(list));
        for _ in 0..random.below(4) {
            list.begin(Writer { site: *site, shares: true });
            for _ in 0..random.below(5) {
                edit(list, &mut kept, random);
            }
            list.settle();
        }
        list.revert();
        assert_eq!((items(list), format!("{:?}", all(list))), (shown, before));
        let mut left = 0;
        list.seal(version(1000, *site), &mut |_| left += 1);
        assert_eq!(left, 0);
        // The list can be joined and edited as before.
        join_all(list, &sent, random);
        assert_eq!(items(list), by_the_rule(&sent));
    });
}

#[test]
fn c9_an_existence_is_put_once_so_a_list_that_is_set_has_new_items() {
    let (mut stores, ids) = three();
    let copy = stores[0].value.clone();
    let mut sent = stores[0].commit(1, |list| list.replace(copy.clone()));
    assert_eq!(sent.len(), 4);
    sent.extend(stores[1].commit(1, |list| _ = list.move_to(ids[0], 2)));
    sent.extend(stores[2].commit(1, |list| drop(list.remove(ids[0]))));
    assert_eq!(settle(&mut stores, &sent), [10, 20, 30]);
    assert!(stores[0].value.ids().all(|id| !ids.contains(&id)));
    assert_eq!(version(1, 2).stamp(), (1, 2));
}
