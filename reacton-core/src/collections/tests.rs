//! M1 to M5: edits of several writers are joined in any order, and more than once, with the same result.

use std::collections::BTreeMap;
use std::fmt::Debug;

use super::counter::Counter;
use super::map::ReactonMap;
use super::set::ReactonSet;
use crate::merge::{Compose, Edit, Merge, Version, Which, Writer};

/// `SplitMix64`.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).expect("the number fits")
    }
}

pub(super) type EditOf<T> = Edit<<T as Merge>::Key, <T as Merge>::Item>;

/// An edit as it was sent.
pub(super) type Sent<T> = (EditOf<T>, Version);

pub(super) fn owned<K: Clone, I: Clone>(edit: &Edit<&K, &I>) -> Edit<K, I> {
    match edit {
        Edit::Put(key, item) => Edit::Put(K::clone(key), I::clone(item)),
        Edit::Remove(key) => Edit::Remove(K::clone(key)),
        Edit::Reset => Edit::Reset,
    }
}

pub(super) fn all<T: Merge<Item: Clone>>(value: &T) -> Vec<Sent<T>> {
    let mut shown = Vec::new();
    value.show(Which::All, &mut |edit, version| shown.push((owned(&edit), version)));
    shown
}

/// A store with a single value.
pub(super) struct Replica<T> {
    pub(super) site: u64,
    pub(super) clock: u64,
    pub(super) value: T,
}

impl<T: Merge<Key: Clone, Item: Clone>> Replica<T> {
    /// A transaction of several edits.
    pub(super) fn commit(&mut self, edits: u64, mut edit: impl FnMut(&mut T)) -> Vec<Sent<T>> {
        for _ in 0..edits {
            self.value.begin(Writer { site: self.site, shares: true });
            edit(&mut self.value);
            self.value.settle();
        }
        self.clock += 1;
        let version = Version { clock: self.clock, site: self.site };
        let mut sent = Vec::new();
        self.value.seal(version, &mut |edit| sent.push((owned(&edit), version)));
        sent
    }

    pub(super) fn join(&mut self, (edit, version): &Sent<T>) -> bool {
        self.clock = self.clock.max(version.clock);
        self.value.join(edit.clone(), *version)
    }
}

/// Runs several writers that receive each other's edits from time to time. Returns all edits and the replicas.
pub(super) fn play<T: Merge<Key: Clone, Item: Clone>>(
    random: &mut Random,
    new: impl Fn() -> T,
    mut edit: impl FnMut(&mut T, &mut Random),
) -> (Vec<Sent<T>>, Vec<Replica<T>>) {
    let mut replicas: Vec<_> =
        (1..=2 + random.below(3)).map(|site| Replica { site, clock: 0, value: new() }).collect();
    let mut sent: Vec<Sent<T>> = Vec::new();
    for _ in 0..random.below(40) {
        let at = random.index(replicas.len());
        if random.below(2) == 0 {
            let edits = random.below(4);
            sent.extend(replicas[at].commit(edits, |value| edit(value, random)));
        } else if !sent.is_empty() {
            let heard = random.index(sent.len());
            replicas[at].join(&sent[heard]);
        }
    }
    (sent, replicas)
}

/// Joins all edits, in a random order and some of them twice.
fn join_all<T: Merge<Item: Clone>>(value: &mut T, sent: &[Sent<T>], random: &mut Random) {
    let mut left: Vec<_> = sent.iter().collect();
    while !left.is_empty() {
        let at = random.index(left.len());
        let (edit, version) = left[at];
        value.join(edit.clone(), *version);
        if random.below(4) > 0 {
            left.swap_remove(at);
        }
    }
    for (edit, version) in sent {
        assert!(!value.join(edit.clone(), *version), "an edit that was joined already is news");
    }
}

fn check<T>(
    random: &mut Random,
    new: impl Fn() -> T,
    edit: impl FnMut(&mut T, &mut Random),
) -> (T, Vec<Sent<T>>)
where
    T: Merge<Item: Clone + PartialEq + Debug, Key: PartialEq + Debug> + PartialEq + Debug,
{
    let (sent, replicas) = play(random, &new, edit);
    let mut expected = new();
    join_all(&mut expected, &sent, random);
    for mut replica in replicas {
        join_all(&mut replica.value, &sent, random);
        assert_eq!(replica.value, expected);
        assert_eq!(all(&replica.value), all(&expected));
    }
    // A store that is spawned late receives the present state instead of the edits.
    let mut late = new();
    join_all(&mut late, &all(&expected), random);
    assert_eq!((all(&late), &late), (all(&expected), &expected));
    (expected, sent)
}

fn edit_map(map: &mut ReactonMap<u64, u64>, random: &mut Random) {
    let (key, value) = (random.below(6), random.below(100));
    match random.below(12) {
        0 => map.clear(),
        1 => map.replace([(key, value)].into()),
        2 | 3 => drop(map.remove(&key)),
        4 => drop(map.update(&key, |held| *held += 1)),
        5 => map.restore(&[(key, value), (key + 1, value)].into()),
        _ => drop(map.insert(key, value)),
    }
}

/// The newest of all edits: the largest version of each key, unless a reset has a larger one.
fn newest(sent: &[Sent<ReactonMap<u64, u64>>]) -> BTreeMap<u64, u64> {
    let resets = sent.iter().filter(|(edit, _)| matches!(edit, Edit::Reset));
    let floor = resets.map(|(_, version)| *version).max().unwrap_or_default();
    let mut newest = BTreeMap::new();
    for (edit, version) in sent.iter().filter(|(_, version)| *version >= floor) {
        let (key, value) = match edit {
            Edit::Put(key, value) => (*key, Some(*value)),
            Edit::Remove(key) => (*key, None),
            Edit::Reset => continue,
        };
        let held = newest.entry(key).or_insert((*version, value));
        if *version > held.0 {
            *held = (*version, value);
        }
    }
    newest.into_iter().filter_map(|(key, (_, value))| Some((key, value?))).collect()
}

fn seeds() -> std::ops::Range<u64> {
    let from_env = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    match from_env("REACTON_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..from_env("REACTON_SEEDS").unwrap_or(2000),
    }
}

pub(super) fn each_seed(play: impl Fn(&mut Random)) {
    for seed in seeds() {
        let played = crate::panics::guarded(|| play(&mut Random(seed)));
        assert!(played.is_ok(), "REACTON_SEED={seed}");
    }
}

#[test]
fn c6_edits_of_maps_are_joined_in_any_order_and_more_than_once() {
    each_seed(|random| {
        let (mut map, sent) = check(random, ReactonMap::new, edit_map);
        assert!(map.iter().map(|(key, value)| (*key, *value)).eq(newest(&sent)));
        let clock = sent.iter().map(|(_, version)| version.clock).max().unwrap_or_default();
        map.sweep(clock);
        assert_eq!(map.removals(), 0);
        assert!(map.iter().map(|(key, value)| (*key, *value)).eq(newest(&sent)));
    });
}

#[test]
fn c6_edits_of_sets_are_joined_in_any_order_and_more_than_once() {
    each_seed(|random| {
        check(random, ReactonSet::new, |set, random| {
            let element = random.below(6);
            match random.below(8) {
                0 => set.clear(),
                1 | 2 => drop(set.remove(&element)),
                _ => drop(set.insert(element)),
            }
        });
    });
}

#[test]
fn c6_what_is_added_to_a_counter_adds_up_since_it_was_set() {
    each_seed(|random| {
        let (counter, sent) =
            check(random, Counter::new, |counter, random| match random.below(9) {
                0 => counter.set(i64::try_from(random.below(50)).expect("the number fits")),
                _ => counter.add(i64::try_from(random.below(9)).expect("the number fits") - 3),
            });
        let puts = sent.iter().filter_map(|(edit, version)| match edit {
            Edit::Put((clock, by, site), total) => Some(((*clock, *by), *site, *version, *total)),
            Edit::Remove(_) | Edit::Reset => None,
        });
        let mut newest: BTreeMap<_, (Version, i64)> = BTreeMap::new();
        let last = puts.clone().map(|(reset, ..)| reset).max().unwrap_or_default();
        for (_, site, version, total) in puts.filter(|(reset, ..)| *reset == last) {
            let held = newest.entry(site).or_insert((version, total));
            *held = (*held).max((version, total));
        }
        assert_eq!(counter.value(), newest.values().map(|(_, total)| total).sum::<i64>());
    });
}

fn version(clock: u64) -> Version {
    Version { clock, site: 9 }
}

fn sealed(
    map: &mut ReactonMap<u64, u64>,
    clock: u64,
    edit: impl FnOnce(&mut ReactonMap<u64, u64>),
) -> Vec<Edit<u64, u64>> {
    map.begin(Writer { site: 9, shares: true });
    edit(map);
    map.settle();
    let mut sent = Vec::new();
    map.seal(version(clock), &mut |edit| sent.push(owned(&edit)));
    sent
}

#[test]
fn c6_a_transaction_sends_each_key_once_as_it_is_at_its_end() {
    let mut map = ReactonMap::new();
    let sent = sealed(&mut map, 1, |map| {
        map.insert(2, 1);
        map.insert(2, 2);
        map.insert(1, 1);
        map.insert(3, 3);
        map.remove(&3);
    });
    // M1: this includes the key that was put and removed again.
    assert_eq!(sent, [Edit::Put(1, 1), Edit::Put(2, 2), Edit::Remove(3)]);
    let equal = sealed(&mut map, 2, |map| drop(map.insert(1, 1)));
    assert_eq!(equal, [Edit::Put(1, 1)]);
    assert_eq!(sealed(&mut map, 3, |_| ()), []);
}

#[test]
fn c6_a_put_that_is_older_than_a_removal_loses() {
    let mut map = ReactonMap::from([(1, 1)]);
    sealed(&mut map, 5, |map| drop(map.remove(&1)));
    assert!(!map.join(Edit::Put(1, 2), version(4)));
    assert_eq!((map.len(), map.removals()), (0, 1));
    assert!(map.join(Edit::Put(1, 3), version(6)));
    assert_eq!((map.get(&1), map.removals()), (Some(&3), 0));
}

#[test]
fn c6_a_reset_is_a_floor_for_what_did_not_know_of_it() {
    let mut map = ReactonMap::from([(1, 1), (2, 2)]);
    let sent = sealed(&mut map, 5, |map| {
        map.clear();
        map.insert(3, 3);
    });
    assert_eq!(sent, [Edit::Reset, Edit::Put(3, 3)]);
    assert!(!map.join(Edit::Put(1, 7), version(4)));
    assert!(map.join(Edit::Put(2, 8), version(6)));
    assert!(!map.join(Edit::Reset, version(5)));
    assert!(map.join(Edit::Reset, version(6)));
    assert!(map.iter().eq([(&2, &8)]));
}

#[test]
fn m10_a_sweep_forgets_removals_and_keeps_the_reset() {
    let mut map = ReactonMap::from([(1, 1), (2, 2)]);
    sealed(&mut map, 5, |map| drop(map.remove(&2)));
    sealed(&mut map, 6, ReactonMap::clear);
    sealed(&mut map, 7, |map| drop(map.insert(3, 3)));
    sealed(&mut map, 8, |map| drop(map.remove(&3)));
    map.sweep(9);
    assert_eq!(map.removals(), 0);
    // A store that has missed the reset receives it, or sends an older entry.
    let mut late = ReactonMap::new();
    late.join(Edit::Put(1, 1), version(4));
    map.show(Which::Keys(&[]), &mut |edit, version| {
        assert!(matches!(edit, Edit::Reset) && late.join(Edit::Reset, version));
    });
    assert!(late.is_empty() && !map.join(Edit::Put(1, 1), version(4)));
    // No other store shares the map now.
    map.sweep(u64::MAX);
    assert!(map.join(Edit::Put(1, 1), version(4)));
}

#[test]
fn c6_an_entry_that_could_not_be_sent_loses_against_any_later_one() {
    let mut map = ReactonMap::new();
    sealed(&mut map, 3, |map| drop(map.insert(1, 1)));
    sealed(&mut map, 7, |map| drop(map.insert(1, 2)));
    map.disown(&1);
    // This version is older than that of the value before.
    assert!(!map.join(Edit::Put(1, 9), version(2)));
    assert!(map.join(Edit::Put(1, 10), version(3)));
    assert_eq!(map.get(&1), Some(&10));
}

#[test]
fn m2_what_arrives_stays_below_what_the_open_transaction_has_written() {
    type Write = fn(&mut ReactonMap<u64, u64>);
    let put: Write = |map| drop(map.insert(1, 5));
    let removal: Write = |map| drop(map.remove(&1));
    let clear: Write = ReactonMap::clear;
    for (write, held) in [(put, Some(5)), (removal, None), (clear, None)] {
        for arriving in [Edit::Put(1, 9), Edit::Remove(1)] {
            let mut map = ReactonMap::from([(1, 1)]);
            let writer = Writer { site: 9, shares: true };
            map.begin(writer);
            write(&mut map);
            map.settle();
            map.begin(writer);
            assert!(map.join(arriving, version(3)), "{arriving:?} is newer than before");
            assert!(map.settle().is_none_or(|changes| changes.is_empty()), "{arriving:?}");
            assert_eq!(map.get(&1), held.as_ref(), "{arriving:?}");
            let mut sent = 0;
            map.seal(version(4), &mut |_| sent += 1);
            assert_eq!(sent, 1, "the open write is sent");
            assert!(!map.join(arriving, version(3)), "the open write is newer now");
        }
    }
}

#[test]
fn c6_joined_edits_are_reported_as_local_ones_are() {
    let mut map = ReactonMap::from([(1, 1)]);
    map.begin(Writer { site: 9, shares: true });
    map.join(Edit::Put(2, 2), version(3));
    map.join(Edit::Remove(1), version(3));
    let told = map.settle().map(|changes| changes.list().len());
    assert_eq!(told, Some(2));
    // The joined edits are not edits of this store.
    let mut sent = 0;
    map.seal(version(4), &mut |_| sent += 1);
    assert_eq!(sent, 0);
}

#[test]
fn c6_nothing_is_remembered_of_what_is_not_shared() {
    let mut map = ReactonMap::new();
    let mut counter = Counter::new();
    for key in 0..100_u64 {
        map.begin(Writer { site: 9, shares: false });
        map.insert(key, key);
        map.remove(&(key / 2));
        map.settle();
        counter.begin(Writer { site: key, shares: false });
        counter.set(1);
        counter.add(1);
        counter.settle();
    }
    assert_eq!((map.removals(), all(&counter).len()), (0, 2));
    assert!(all(&map).iter().all(|(_, version)| *version == Version::NEVER));
}

#[test]
fn c6_a_store_that_begins_holds_what_was_shown_to_it_in_whatever_order() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let mut writer = Replica { site: 1, clock: 0, value: ReactonMap::<u64, u64>::new() };
        for _ in 0..random.below(40) {
            let edits = 1 + random.below(3);
            let (key, value, kind) = (random.below(50), random.below(9), random.below(12));
            writer.commit(edits, |map| match kind {
                0 => map.clear(),
                1..4 => drop(map.remove(&key)),
                _ => map.extend((key..key + 3).map(|key| (key, value))),
            });
        }
        let mut shown = all(&writer.value);
        if seed % 3 == 0 {
            shown.reverse();
        } else if seed % 3 == 1 && shown.len() > 2 {
            let at = random.index(shown.len() - 1);
            shown.swap(at, at + 1);
        }
        let mut reset = None;
        let entries = shown.into_iter().filter_map(|(edit, version)| match edit {
            Edit::Put(key, item) => Some((key, version, Some(item))),
            Edit::Remove(key) => Some((key, version, None)),
            Edit::Reset => {
                reset = Some(version);
                None
            }
        });
        let entries: Vec<_> = entries.collect();
        let mut begun = ReactonMap::from([(1000, 1)]);
        begun.__begin_with(reset, entries);
        assert_eq!(all(&begun), all(&writer.value), "seed {seed}");
        let newest = all(&begun).iter().map(|(_, version)| version.clock).max();
        assert_eq!(begun.newest_clock(), newest.unwrap_or(0), "seed {seed}");
    }
}
