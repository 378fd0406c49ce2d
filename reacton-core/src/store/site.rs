//! Sites: the number of a store, which decides between two versions with the same clock.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// So many of the low bits are counted; those above are random.
const COUNTED: u32 = 24;

static SITES: LazyLock<Sites> = LazyLock::new(Sites::default);

/// The sites of one process. Two processes share none, but with a probability of 2^-40 for each pair of processes.
#[derive(Default)]
struct Sites {
    /// The standard library draws its keys from the operating system.
    random: RandomState,
    count: AtomicU64,
}

impl Sites {
    /// Never 0, which is the site of what was never written.
    fn next(&self) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        // Another prefix when the count begins anew.
        let prefix = self.random.hash_one(count >> COUNTED);
        let site = (prefix << COUNTED) | (count & ((1 << COUNTED) - 1));
        site.max(1)
    }
}

/// A site that no other store has.
#[must_use]
pub fn next_site() -> u64 {
    SITES.next()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn two_processes_have_no_site_in_common() {
        let (one, other) = (Sites::default(), Sites::default());
        let both = [&one, &other].map(|sites| (0..1000).map(|_| sites.next()).collect());
        let [one, other]: [BTreeSet<u64>; 2] = both;
        assert_eq!((one.len(), other.len()), (1000, 1000));
        assert!(one.is_disjoint(&other) && !one.contains(&0));
    }

    #[test]
    fn sites_stay_different_when_the_count_begins_anew() {
        let sites = Sites::default();
        let before: BTreeSet<_> = (0..10).map(|_| sites.next()).collect();
        sites.count.store(1 << COUNTED, Ordering::Relaxed);
        assert!((0..10).all(|_| !before.contains(&sites.next())));
    }

    #[test]
    fn sites_of_one_process_grow_as_its_stores_are_made() {
        let sites = Sites::default();
        let all: Vec<_> = (0..100).map(|_| sites.next()).collect();
        assert!(all.is_sorted());
    }
}
