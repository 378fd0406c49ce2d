//! SipHash-1-3 over words: the hash of a key.
//!
//! By Aumasson and Bernstein, "`SipHash`: a fast short-input PRF" (2012), with constants in place of a secret, because
//! the hash must be the same in every build. Two texts with the same hash can still be found by 2^32 attempts. But
//! unlike with a hash whose state is as short as its result, many texts with the same hash cannot be constructed from
//! these two. Such texts would make a look-up slow.

/// The state of a hash.
pub(super) struct Sip {
    v: [u64; 4],
    words: u64,
    seed: u64,
}

impl Sip {
    pub(super) fn new() -> Self {
        Self::seeded(0)
    }

    /// Begins a hash with a seed. Each seed is a different hash function.
    pub(super) fn seeded(seed: u64) -> Self {
        Self {
            v: [
                0x736f_6d65_7073_6575 ^ seed,
                0x646f_7261_6e64_6f6d,
                0x6c79_6765_6e65_7261 ^ seed,
                0x7465_6462_7974_6573,
            ],
            words: 0,
            seed,
        }
    }

    /// Begins a new hash with the same seed.
    pub(super) fn fresh(&self) -> Self {
        Self::seeded(self.seed)
    }

    #[inline]
    fn round(&mut self) {
        let [a, b, c, d] = &mut self.v;
        *a = a.wrapping_add(*b);
        *c = c.wrapping_add(*d);
        *b = b.rotate_left(13) ^ *a;
        *d = d.rotate_left(16) ^ *c;
        *a = a.rotate_left(32).wrapping_add(*d);
        *c = c.wrapping_add(*b);
        *b = b.rotate_left(17) ^ *c;
        *d = d.rotate_left(21) ^ *a;
        *c = c.rotate_left(32);
    }

    #[inline]
    pub(super) fn word(&mut self, word: u64) {
        self.words += 1;
        self.v[3] ^= word;
        self.round();
        self.v[0] ^= word;
    }

    /// Adds bytes, eight at a time. The last group, which may be empty, contains the length in its upper bits.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        for chunk in whole {
            self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last) | (bytes.len() as u64) << 56);
    }

    /// Adds words in sorted order, for values that have no order.
    pub(super) fn sorted(&mut self, mut words: Vec<u64>) {
        words.sort_unstable();
        for word in &words {
            self.word(*word);
        }
        self.word(words.len() as u64);
    }

    pub(super) fn finish(mut self) -> u64 {
        // The number of words is mixed in here. A separate last word would make the hash of a one-word key slower by a
        // third.
        self.v[2] ^= 0xff ^ self.words << 8;
        for _ in 0..3 {
            self.round();
        }
        let [a, b, c, d] = self.v;
        a ^ b ^ c ^ d
    }
}
