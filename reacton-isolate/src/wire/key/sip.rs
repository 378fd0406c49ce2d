//! SipHash-1-3 over words: the hash of a key.
//!
//! By Aumasson and Bernstein, "`SipHash`: a fast short-input PRF" (2012), with the constants in place of a secret, because the
//! hash is to be the same everywhere. Two texts of one hash can still be found, by trying 2^32; many of one hash, which would
//! make a look-up slow, cannot be put together from these, as they can with a hash whose state is as short as its result.

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

    /// Another hash for each seed.
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

    /// One that has nothing written into it, with the same seed.
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

    /// Eight at a time; the last, which may be none, with the length above them.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let (whole, rest) = bytes.as_chunks::<8>();
        for chunk in whole {
            self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last) | (bytes.len() as u64) << 56);
    }

    /// What has no order.
    pub(super) fn sorted(&mut self, mut words: Vec<u64>) {
        words.sort_unstable();
        for word in &words {
            self.word(*word);
        }
        self.word(words.len() as u64);
    }

    pub(super) fn finish(mut self) -> u64 {
        // The number of words goes in here and not in a last word of its own, which would cost a key of one word a third more.
        self.v[2] ^= 0xff ^ self.words << 8;
        for _ in 0..3 {
            self.round();
        }
        let [a, b, c, d] = self.v;
        a ^ b ^ c ^ d
    }
}
