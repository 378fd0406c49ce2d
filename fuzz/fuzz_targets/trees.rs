//! Bytes read as edits of a map and of its clones. Each edit has the same effect as on a `BTreeMap`, and the difference
//! of two maps is exact.
#![no_main]
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};

use libfuzzer_sys::fuzz_target;
use reacton::collections::{Compose, Merge, Writer};
use reacton::prelude::*;

/// The number of clones that exist at a time.
const HELD: usize = 6;

#[derive(Clone, Default)]
struct Pair {
    map: ReactonMap<u16, u32>,
    model: BTreeMap<u16, u32>,
}

/// The input, byte after byte.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn key(&mut self) -> Option<u16> {
        // Few enough keys that some are used twice, and enough of them for three levels.
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]) % 0x3000)
    }
}

impl Pair {
    fn insert(&mut self, key: u16, value: u32) {
        let old = self.map.insert(key, value).map(|old| *old);
        assert_eq!(old, self.model.insert(key, value));
    }

    fn remove(&mut self, key: u16) {
        let old = self.map.remove(&key).map(|old| *old);
        assert_eq!(old, self.model.remove(&key));
    }

    fn look_up(&self, key: u16) {
        assert_eq!(self.map.get(&key), self.model.get(&key));
        let rank = self.map.rank(&key);
        assert_eq!(rank, self.model.range(..key).count());
        assert_eq!(self.map.nth(rank), self.model.range(key..).next());
        assert_eq!(self.map.first(), self.model.first_key_value());
        assert_eq!(self.map.last(), self.model.last_key_value());
    }

    fn range(&self, one: u16, other: u16, steps: u8) {
        let (start, end) = (one.min(other), one.max(other));
        assert!(self.map.range(start..end).eq(self.model.range(start..end)));
        assert!(self.map.range(start..=end).rev().eq(self.model.range(start..=end).rev()));
        let (from, to) = (self.map.rank(&start), self.map.rank(&end));
        assert!(self.map.positions(from, to).eq(self.model.range(start..end)));
        // Both ends of one iterator, and skips.
        let (mut ours, mut theirs) = (self.map.range(start..), self.model.range(start..));
        for step in 0..steps {
            match step.wrapping_mul(steps) % 3 {
                0 => assert_eq!(ours.next(), theirs.next()),
                1 => assert_eq!(ours.next_back(), theirs.next_back()),
                _ => assert_eq!(ours.nth(usize::from(step)), theirs.nth(usize::from(step))),
            }
            assert_eq!(ours.len(), theirs.clone().count());
        }
    }

    /// Checks that the difference to another map consists of the keys that differ.
    fn difference(&self, other: &Self) {
        let mut edited = self.map.clone();
        edited.begin(Writer { site: 1, shares: false });
        edited.restore(&other.map);
        let changes = edited.settle().map(|mut changes| {
            changes.drop_equal(&mut |old, new| old == new);
            changes.list()
        });
        let found = changes.unwrap_or_default().into_iter().map(|change| {
            (*change.key(), change.old().map(|old| **old), change.new().map(|new| **new))
        });
        let keys: BTreeSet<_> = self.model.keys().chain(other.model.keys()).collect();
        let both = keys.into_iter().map(|key| (*key, self.model.get(key), other.model.get(key)));
        let differing = both.filter(|(_, old, new)| old != new);
        assert!(found.eq(differing.map(|(key, old, new)| (key, old.copied(), new.copied()))));
        assert_eq!(edited, other.map);
    }

    fn check(&self) {
        assert_eq!(self.map.len(), self.model.len());
        assert!(self.map.iter().eq(&self.model));
        assert!(self.map.iter().rev().eq(self.model.iter().rev()));
    }
}

/// One step; `None` at the end of the input.
fn step(input: &mut Input<'_>, pair: &mut Pair, held: &mut Vec<Pair>, number: u32) -> Option<()> {
    match input.byte()? % 16 {
        0..3 => pair.insert(input.key()?, number),
        3..6 => pair.remove(input.key()?),
        6 => {
            let key = input.key()?;
            let edited = pair.map.update(&key, |value| *value ^= number);
            let expected = pair.model.get_mut(&key).map(|value| *value ^= number);
            assert_eq!(edited, expected);
        }
        7 => {
            // Keys that ascend or descend, next to each other or with room between them.
            let (start, count, apart) = (input.key()?, input.byte()?, input.byte()?);
            for at in 0..u16::from(count) {
                let way = at * u16::from(apart % 8 + 1);
                let key = if apart >= 128 { start.wrapping_sub(way) } else { start + way };
                pair.insert(key % 0x3000, number);
            }
        }
        8 => {
            let (start, end) = (input.key()?, input.key()?);
            let over: Vec<_> = pair.model.range(start.min(end)..start.max(end)).map(|(key, _)| *key).collect();
            over.into_iter().for_each(|key| pair.remove(key));
        }
        9 => {
            let (divisor, rest) = (u16::from(input.byte()?) + 1, u16::from(input.byte()?));
            pair.map.retain(|key, _| key % divisor != rest);
            pair.model.retain(|key, _| key % divisor != rest);
        }
        10 => {
            held.truncate(HELD - 1);
            held.insert(0, pair.clone());
        }
        11 => {
            let at = usize::from(input.byte()?);
            if let Some(other) = held.get_mut(at % HELD) {
                std::mem::swap(pair, other);
            }
        }
        12 => pair.look_up(input.key()?),
        13 => pair.range(input.key()?, input.key()?, input.byte()? % 32),
        14 => {
            let at = usize::from(input.byte()?);
            if let Some(other) = held.get(at % HELD) {
                pair.difference(other);
                other.difference(pair);
            }
        }
        _ => pair.check(),
    }
    Some(())
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    let (mut pair, mut held) = (Pair::default(), Vec::new());
    let mut number = 1;
    while step(&mut input, &mut pair, &mut held, number).is_some() {
        number += 1;
    }
    held.iter().chain([&pair]).for_each(Pair::check);
});
