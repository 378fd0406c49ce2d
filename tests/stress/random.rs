//! Where the rounds get their chances from.

/// `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn chance(&mut self, of: u64) -> bool {
        self.next().is_multiple_of(of)
    }

    /// One of them; none if there are none.
    pub(crate) fn pick<T>(&mut self, of: &[T]) -> Option<usize> {
        (!of.is_empty()).then(|| usize::try_from(self.below(of.len() as u64)).expect("an index"))
    }
}
