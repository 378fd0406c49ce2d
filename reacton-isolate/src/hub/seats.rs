//! Seats of workers: a new worker takes the seat of one that has ended, and adds to counters under its number (M5). So the
//! records of a counter do not grow with the workers that ever were.

use std::collections::BTreeSet;

/// A place among the workers that one store has at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seat(u64);

impl Seat {
    /// The number under which the worker on this seat counts, if its main store counts under `main`. The successor of
    /// that store has the same number, and the same number for each seat: it knows the records that were begun there.
    pub(super) fn counts_as(self, main: u64) -> u64 {
        // SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
        let mut mixed = main.wrapping_add((self.0 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        // 0 stands for what a counter was set to.
        (mixed ^ (mixed >> 31)).max(1)
    }
}

/// The seats of one store.
#[derive(Default)]
pub(super) struct Seats {
    count: u64,
    free: BTreeSet<Seat>,
}

impl Seats {
    /// The first seat on which no worker is. So workers that begin in one order again get their seats again.
    pub(super) fn take(&mut self) -> Seat {
        self.free.pop_first().unwrap_or_else(|| {
            self.count += 1;
            Seat(self.count - 1)
        })
    }

    /// Called when nothing of the worker on this seat can arrive any more.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.free.insert(seat);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seat_is_taken_again_when_it_was_left() {
        let mut seats = Seats::default();
        let [first, second] = [seats.take(), seats.take()];
        assert_ne!(first, second);
        seats.leave(first);
        seats.leave(second);
        assert_eq!([seats.take(), seats.take()], [first, second]);
        assert!(![first, second].contains(&seats.take()));
    }

    #[test]
    fn workers_of_several_stores_and_workers_below_them_count_under_numbers_of_their_own() {
        let mut numbers = BTreeSet::new();
        for main in (1 << 40)..(1 << 40) + 50 {
            numbers.insert(main);
            for seat in (0..50).map(Seat) {
                let worker = seat.counts_as(main);
                numbers.insert(worker);
                numbers.extend((0..10).map(|below| Seat(below).counts_as(worker)));
            }
        }
        assert_eq!(numbers.len(), 50 + 50 * 50 * 11);
    }
}
