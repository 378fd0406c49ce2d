//! M7: positions between their neighbours, in a total order, never equal, and short at the ends of runs.

use std::collections::BTreeSet;

use super::{Position, put_index, put_number, take_index, take_number};
use crate::collections::tests::{Random, each_seed};

/// A store that makes positions.
struct Maker {
    site: u64,
    counter: u64,
}

impl Maker {
    fn new(site: u64) -> Self {
        Self { site, counter: 0 }
    }

    fn insert(&mut self, list: &mut Vec<Position>, index: usize) -> Position {
        self.counter += 1;
        let left = index.checked_sub(1).map(|left| &list[left]);
        let position = Position::between(left, list.get(index), self.site, self.counter);
        list.insert(index, position.clone());
        position
    }
}

fn sites(random: &mut Random) -> Vec<Maker> {
    // Long and short numbers; some of them begin with the same byte.
    let all = [1, 2, 200, 0xF8, 0xFF, 0x100, 1 << 24, 0xDEAD_BEEF_0000_0001, u64::MAX];
    (0..=random.index(3)).map(|n| Maker::new(all[random.index(3) * 3 + n])).collect()
}

#[test]
fn c9_a_position_is_between_its_neighbours_and_no_two_are_equal() {
    each_seed(|random| {
        let mut makers: Vec<_> = sites(random);
        makers.dedup_by_key(|maker| maker.site);
        makers.sort_by_key(|maker| maker.site);
        makers.dedup_by_key(|maker| maker.site);
        let (mut list, mut all) = (Vec::new(), BTreeSet::new());
        for _ in 0..random.below(60) {
            let maker = random.index(makers.len());
            let mut index = random.index(list.len() + 1);
            let is_forward = random.below(2) == 0;
            for _ in 0..=random.below(5) {
                let position = makers[maker].insert(&mut list, index);
                assert_eq!(Position::from_bytes(position.as_bytes()).as_ref(), Some(&position));
                assert!(all.insert(position), "two positions are equal");
                index += usize::from(is_forward);
            }
            while random.below(3) == 0 && !list.is_empty() {
                list.remove(random.index(list.len()));
            }
            assert!(list.is_sorted_by(|one, two| one < two), "{list:?}");
        }
    });
}

#[test]
fn c9_concurrent_runs_at_one_place_stay_whole() {
    each_seed(|random| {
        let mut makers: Vec<_> = [9, 5, 7].map(Maker::new).into();
        let mut common = Vec::new();
        for _ in 0..random.below(30) {
            let index = random.index(common.len() + 1);
            makers[random.index(3)].insert(&mut common, index);
            if random.below(3) == 0 {
                common.remove(random.index(common.len()));
            }
        }
        let place = random.index(common.len() + 1);
        let mut merged = common.clone();
        let mut runs = Vec::new();
        for maker in &mut makers {
            let mut list = common.clone();
            let (first, mut end) = (place, place);
            for _ in 0..=random.below(12) {
                // At the end, at the beginning, or anywhere in between.
                let index = match random.below(3) {
                    0 => end,
                    1 => first,
                    _ => first + random.index(end - first + 1),
                };
                maker.insert(&mut list, index);
                end += 1;
            }
            let run = list[first..end].to_vec();
            merged.extend(run.clone());
            runs.push(run);
        }
        merged.sort();
        for run in runs {
            let begin = merged.iter().position(|position| *position == run[0]);
            let begin = begin.expect("the source was merged");
            assert_eq!(&merged[begin..begin + run.len()], run, "{merged:?}");
        }
    });
}

/// Returns the lengths of the last positions after this number of insertions.
fn length(insertions: usize, index: impl Fn(usize) -> usize) -> usize {
    let mut maker = Maker::new(0xDEAD_BEEF_0000_0001);
    let mut list = Vec::new();
    for step in 0..insertions {
        maker.insert(&mut list, index(step));
    }
    list.iter().map(|position| position.as_bytes().len()).max().unwrap_or_default()
}

#[test]
fn c9_positions_grow_with_the_logarithm_of_a_run() {
    // A site of 9 bytes, an index and a counter, whose lengths depend on the numbers.
    for (insertions, most) in [(100, 11), (1000, 15), (20_000, 17)] {
        assert!(length(insertions, |step| step) <= most, "{}", length(insertions, |step| step));
        assert!(length(insertions, |_| 0) <= most, "{}", length(insertions, |_| 0));
    }
    // At one place in the middle, forwards and backwards.
    assert!(length(20_000, |step| if step < 10 { step } else { step - 5 }) <= 2 * 17);
    assert!(length(20_000, |step| step.min(5)) <= 2 * 17);
}

#[test]
fn c9_positions_of_random_insertions_grow_with_the_depth_of_a_tree() {
    let mut random = Random(3);
    let mut maker = Maker::new(0xDEAD_BEEF_0000_0001);
    let mut list = Vec::new();
    for _ in 0..4000 {
        let index = random.index(list.len() + 1);
        maker.insert(&mut list, index);
    }
    let bytes: usize = list.iter().map(|position: &Position| position.as_bytes().len()).sum();
    assert!(bytes / list.len() < 150, "{}", bytes / list.len());
}

#[test]
fn c9_numbers_are_in_order_and_no_code_begins_another_one() {
    let mut numbers: Vec<u64> = (0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1]).collect();
    numbers.extend([0xF7, 0xF8, 0xF9, 0xFFFF, u64::MAX]);
    numbers.sort_unstable();
    numbers.dedup();
    let code = |number: &u64| {
        let mut bytes = Vec::new();
        put_number(&mut bytes, *number);
        assert_eq!(take_number(&mut &*bytes), Some(*number));
        bytes
    };
    check(&numbers.iter().map(code).collect::<Vec<_>>());
    let mut indices: Vec<i64> = (0..63).flat_map(|bit| [1 << bit, (1 << bit) - 1]).collect();
    indices.extend([0x77, 0x78, 0x79, 0xFF, 0x100, i64::MAX]);
    indices.extend(indices.clone().iter().map(|index| !index));
    indices.sort_unstable();
    indices.dedup();
    let code = |index: &i64| {
        let mut bytes = Vec::new();
        put_index(&mut bytes, *index);
        let mut rest = &*bytes;
        assert_eq!((take_index(&mut rest), rest.len()), (Some(*index), 0), "{bytes:x?}");
        bytes
    };
    check(&indices.iter().map(code).collect::<Vec<_>>());
}

fn check(codes: &[Vec<u8>]) {
    for (one, two) in codes.iter().zip(&codes[1..]) {
        assert!(one < two, "{one:x?} {two:x?}");
        assert!(!two.starts_with(one), "{one:x?} {two:x?}");
    }
}

#[test]
fn c9_bytes_that_are_no_position_are_refused() {
    let position = Position::between(None, None, 300, 5);
    let bytes = position.as_bytes();
    for end in 0..bytes.len() {
        assert_eq!(Position::from_bytes(&bytes[..end]), None);
    }
    assert_eq!(Position::from_bytes(&[bytes, &[0]].concat()), None);
    // There is no position to the left.
    let mut left = bytes.to_vec();
    *left.last_mut().expect("an item is left") &= !1;
    assert_eq!(Position::from_bytes(&left), None);
    // The same number in a longer encoding.
    assert_eq!(Position::from_bytes(&[0xF8, 5, 0x80, 1]), None);
    assert_eq!(Position::from_bytes(&[0xF9, 0, 0xFF, 0x80, 1]), None);
    each_seed(|random| {
        let length = random.below(12);
        let mut byte = || u8::try_from(random.below(256)).expect("the number fits");
        let bytes: Vec<_> = (0..length).map(|_| byte()).collect();
        let Some(position) = Position::from_bytes(&bytes) else { return };
        let next = Position::between(Some(&position), None, 7, 1);
        let before = Position::between(None, Some(&position), 7, 2);
        assert!(before < position && position < next);
    });
}

#[test]
fn c9_a_run_whose_counter_is_used_up_is_followed_by_a_new_run() {
    let last = Position::new(&[], 7, i64::MAX, 1);
    let next = Position::between(Some(&last), None, 7, 2);
    assert!(next > last);
    let first = Position::new(&[], 7, i64::MIN, 3);
    assert!(Position::between(None, Some(&first), 7, 4) < first);
}
