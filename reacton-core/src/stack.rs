//! The stack of runs inside of runs: a computed that reads a computed for the first time, an effect that makes an effect.
//!
//! Each level is a call of user code, so the depth of a first run costs stack. Later runs cost none: the graph is
//! walked without recursion. What would not fit goes on in a segment of its own, on the heap.

/// A run inside of another one begins with at least this much stack.
const RESERVE: usize = 128 * 1024;

/// The size of a segment. Only the pages that are used take memory.
const SEGMENT: usize = 2 * 1024 * 1024;

/// So many segments are in use at most: 1 GiB, which is a chain of several 100,000 computeds.
pub(crate) const MAX_SEGMENTS: u32 = if cfg!(test) {
    4
} else if usize::BITS < 64 {
    64
} else {
    512
};

/// Whether less than [`RESERVE`] is left.
pub(crate) fn is_short() -> bool {
    stacker::remaining_stack().is_some_and(|left| left < RESERVE)
}

/// Calls `f` in a new segment.
pub(crate) fn grow<U>(f: impl FnOnce() -> U) -> U {
    stacker::grow(SEGMENT, f)
}
