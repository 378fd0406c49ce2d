//! The search for primes: a sieve of Eratosthenes over one part of the range after the other.

use serde::{Deserialize, Serialize};

/// The largest number that can be searched.
pub(crate) const LARGEST: u64 = 1_000_000_000_000;

/// How many numbers one step examines: a few milliseconds of work.
const STEP: u64 = 1 << 20;

/// The results of a search.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub(crate) primes: u64,
    /// Pairs of primes whose difference is two.
    pub(crate) twins: u64,
    pub(crate) largest: Option<u64>,
    /// The widest gap between two primes that follow each other, and the prime before it.
    pub(crate) gap: u64,
    pub(crate) gap_after: u64,
}

impl Findings {
    fn note(&mut self, prime: u64) {
        if let Some(last) = self.largest.replace(prime) {
            let gap = prime - last;
            self.twins += u64::from(gap == 2);
            if gap > self.gap {
                (self.gap, self.gap_after) = (gap, last);
            }
        }
        self.primes += 1;
    }
}

/// A search in progress.
pub(crate) struct Sieve {
    /// The odd primes up to the square root of the end.
    factors: Vec<u64>,
    from: u64,
    next: u64,
    to: u64,
    is_composite: Vec<bool>,
    findings: Findings,
}

impl Sieve {
    /// Returns a search of `from..=to`.
    pub(crate) fn new(from: u64, to: u64) -> Self {
        let factors = odd_primes(to.isqrt());
        let findings = Findings::default();
        Self { factors, from, next: from, to, is_composite: Vec::new(), findings }
    }

    pub(crate) fn findings(&self) -> Findings {
        self.findings
    }

    /// Returns how many numbers were examined.
    pub(crate) fn examined(&self) -> u64 {
        self.next - self.from
    }

    /// Examines the next part. Returns whether something is left.
    pub(crate) fn step(&mut self) -> bool {
        let end = self.next.saturating_add(STEP).min(self.to + 1);
        if (self.next..end).contains(&2) {
            self.findings.note(2);
        }
        let first = self.next.max(3) | 1;
        let odds = usize::try_from(end.saturating_sub(first).div_ceil(2)).unwrap_or(0);
        self.is_composite.clear();
        self.is_composite.resize(odds, false);
        for &factor in self.factors.iter().take_while(|factor| factor.pow(2) < end) {
            let multiple = factor * (first.div_ceil(factor).max(factor) | 1);
            let (begin, step) = (usize::try_from((multiple - first) / 2), usize::try_from(factor));
            let (Ok(begin), Ok(step)) = (begin, step) else { break };
            self.is_composite.iter_mut().skip(begin).step_by(step).for_each(|place| *place = true);
        }
        let places = self.is_composite.iter().zip((first..).step_by(2));
        for (_, prime) in places.filter(|(is_composite, _)| !**is_composite) {
            self.findings.note(prime);
        }
        self.next = end;
        end <= self.to
    }
}

/// Returns the odd primes up to `end`.
fn odd_primes(end: u64) -> Vec<u64> {
    let mut primes: Vec<u64> = Vec::new();
    for number in (3..=end).step_by(2) {
        let mut factors = primes.iter().take_while(|prime| *prime * *prime <= number);
        if !factors.any(|prime| number % prime == 0) {
            primes.push(number);
        }
    }
    primes
}
