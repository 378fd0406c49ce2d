//! Which keys have one hash, and which keys are one.

use super::*;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

#[test]
fn the_hash_never_changes() {
    // Written down on 2026-11-28: a store of another build looks for the same member.
    assert_eq!(hash(&7_u64), 0xf729_f4f7_3b53_e7dc);
    assert_eq!(hash(&String::from("user/7")), 0xc807_3917_3c79_012d);
    assert_eq!(hash(&vec![1_u8, 2]), 0xe19e_b1f1_183b_ad33);
}

/// A set that lists what it holds by an iterator.
struct Listed<'s>(&'s HashSet<u32>);

impl Serialize for Listed<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|n| n + 1))
    }
}

#[test]
fn equal_keys_have_one_hash_whatever_lists_them() {
    let (up, down): (HashSet<u32>, HashSet<u32>) = ((0..99).collect(), (0..99).rev().collect());
    assert_eq!(hash(&up), hash(&down));
    let tree = |keys: &HashSet<u32>| keys.iter().copied().collect::<BTreeSet<u32>>();
    assert_eq!(hash(&tree(&up)), hash(&tree(&down)));
    assert_eq!(hash(&Listed(&up)), hash(&Listed(&down)));
    let entries = |n: u32| (n, HashSet::from([n, n + 1]));
    let (up, down): (HashMap<_, _>, HashMap<_, _>) =
        ((0..99).map(entries).collect(), (0..99).rev().map(entries).collect());
    assert_eq!(hash(&up), hash(&down));
    assert_eq!(hash(&0.0), hash(&-0.0));
    assert_eq!(hash(&f64::NAN), hash(&-f64::NAN));
    assert_eq!(hash(&f32::NAN), hash(&f32::from_bits(0xffc0_0001)));
}

/// Serializes as a list of another crate does.
struct Sequence<'s>(&'s [u8]);

impl Serialize for Sequence<'_> {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.0.len()))?;
        for element in self.0 {
            serde::ser::SerializeSeq::serialize_element(&mut list, element)?;
        }
        serde::ser::SerializeSeq::end(list)
    }
}

#[test]
fn the_order_of_a_list_counts() {
    assert_ne!(hash(&vec![1, 2]), hash(&vec![2, 1]));
    assert_ne!(hash(&&[1, 2][..]), hash(&&[2, 1][..]));
    assert_ne!(hash(&VecDeque::from([1, 2])), hash(&VecDeque::from([2, 1])));
    assert_ne!(hash(&(1, 2)), hash(&(2, 1)));
    assert_ne!(hash(&BTreeSet::from([1, 2])), hash(&BTreeSet::from([1, 3])));
    assert_ne!(hash(&Sequence(&[1, 2])), hash(&Sequence(&[2, 1])));
    assert_ne!(hash(&vec![vec![1], vec![]]), hash(&vec![vec![], vec![1]]));
    assert_ne!(hash(&BTreeMap::from([(1, 2)])), hash(&BTreeMap::from([(2, 1)])));
}

#[test]
fn what_serializes_alike_in_other_formats_is_told_apart() {
    assert_ne!(hash(&None::<Option<u8>>), hash(&Some(None::<u8>)));
    assert_ne!(hash(&("ab", "c")), hash(&("a", "bc")));
    assert_ne!(hash(&""), hash(&"\0"));
    assert_ne!(hash(&"1234567"), hash(&"1234567\0"));
    assert_ne!(hash(&u128::MAX), hash(&u128::from(u64::MAX)));
}

#[test]
fn a_key_is_compared() {
    assert!(same(&1, &1) && !same(&1, &2));
    assert!(same(&0.0, &-0.0));
    assert!(same(&(f64::NAN, 1), &(f64::NAN, 1)) && !same(&(f64::NAN, 1), &(f64::NAN, 2)));
    assert!(!same(&f64::NAN, &1.0));
    assert!(same(&f32::NAN, &-f32::NAN) && same(&f32::NAN, &f32::from_bits(0x7fc0_0001)));
    let map = || (0..20).map(|n| (n, f64::NAN)).collect::<HashMap<u32, f64>>();
    assert!((0..20).all(|_| same(&map(), &map())));
}

#[test]
fn a_key_that_is_nested_too_deep_is_refused() {
    #[derive(Serialize)]
    struct Nested(Vec<Nested>);
    let mut key = Nested(Vec::new());
    for _ in 0..200 {
        key = Nested(vec![key]);
    }
    let mut sip = Sip::new();
    let refused = key.serialize(Hasher::new(&mut sip));
    assert!(refused.is_err_and(|Refused(reason)| reason.contains("nested")));
}
