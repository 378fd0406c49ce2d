//! Counts primes piece by piece: the sieve of Eratosthenes, in segments.

use std::ops::Range;

/// Finds primes below a limit.
pub(crate) struct Sieve {
    /// The odd primes up to the square root of the limit.
    base: Vec<u64>,
    /// Whether each odd number of a piece has a divisor. The memory is reused for each piece.
    is_divided: Vec<bool>,
}

impl Sieve {
    pub(crate) fn new(limit: u64) -> Self {
        let mut sieve = Self { base: Vec::new(), is_divided: Vec::new() };
        // The base is extended with its own primes: 3 alone suffices below 25, and so on.
        let root = limit.isqrt() + 1;
        for candidate in (3..=root).step_by(2) {
            let mut divisors = sieve.base.iter().take_while(|&prime| prime * prime <= candidate);
            if divisors.all(|prime| candidate % prime != 0) {
                sieve.base.push(candidate);
            }
        }
        sieve
    }

    /// Returns how many of these numbers are prime.
    pub(crate) fn count(&mut self, range: Range<u64>) -> u64 {
        // The even prime is counted separately, and 1 is not prime.
        let two = u64::from(range.contains(&2));
        let start = range.start.max(3) | 1;
        let odd = usize::try_from(range.end.saturating_sub(start).div_ceil(2)).unwrap_or(0);
        self.is_divided.clear();
        self.is_divided.resize(odd, false);
        for &prime in &self.base {
            if prime * prime >= range.end {
                break;
            }
            // The first odd multiple of the prime in the piece, but not the prime itself.
            let first = (prime * prime).max(start.div_ceil(prime) * prime);
            let first = if first % 2 == 0 { first + prime } else { first };
            let step = usize::try_from(prime).unwrap_or(usize::MAX);
            let at = usize::try_from((first - start) / 2).unwrap_or(usize::MAX);
            for is_divided in self.is_divided.iter_mut().skip(at).step_by(step) {
                *is_divided = true;
            }
        }
        two + self.is_divided.iter().map(|&is_divided| u64::from(!is_divided)).sum::<u64>()
    }
}

/// Returns how many primes there are below `limit`, if it is a power of ten (OEIS A006880).
pub(crate) fn known(limit: u64) -> Option<u64> {
    const BELOW: [u64; 9] = [
        1_229,
        9_592,
        78_498,
        664_579,
        5_761_455,
        50_847_534,
        455_052_511,
        4_118_054_813,
        37_607_912_018,
    ];
    let power = usize::try_from(limit.ilog10()).ok()?;
    (10_u64.pow(limit.ilog10()) == limit).then(|| BELOW.get(power.checked_sub(4)?).copied())?
}

#[cfg(test)]
mod tests {
    use super::{Sieve, known};

    #[test]
    fn the_count_does_not_depend_on_the_size_of_the_pieces() {
        for piece in [1, 2, 7, 1_000, 9_991, 100_000] {
            let mut sieve = Sieve::new(100_000);
            let pieces = (0..100_000).step_by(piece);
            let count: u64 =
                pieces.map(|start| sieve.count(start..(start + piece as u64).min(100_000))).sum();
            assert_eq!(Some(count), known(100_000), "in pieces of {piece}");
        }
        assert_eq!((known(20_000), known(10_000), known(10)), (None, Some(1_229), None));
    }
}
