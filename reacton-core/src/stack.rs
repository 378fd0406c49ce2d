//! The stack of runs inside of runs: a computed that reads a computed for the first time, an effect that makes an effect.
//!
//! Each level is a call of user code, so the depth of a first run costs stack. Later runs cost none: the graph is
//! walked without recursion. If the stack is almost full, the call continues on a new segment on the heap.

use std::cell::Cell;

/// A run inside of another one begins with at least this much stack.
const RESERVE: usize = 128 * 1024;

/// So far above the frame that asks a run may begin as well: no farther than the guard page between two segments is long.
const ABOVE: usize = 4096;

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
fn is_short() -> bool {
    stacker::remaining_stack().is_some_and(|left| left < RESERVE)
}

/// A part of the stack in which a run may begin: it was asked for once, and a look at an address tells whether the stack is there
/// still.
#[derive(Clone, Copy, Default)]
pub(crate) struct Room {
    /// The lowest address.
    from: usize,
    length: usize,
}

impl Room {
    /// What is left above the reserve. `None` if nothing is.
    pub(crate) fn find() -> Option<Self> {
        match stacker::remaining_stack() {
            // Not known on this platform.
            None => Some(Self::default()),
            Some(left) => {
                let length = left.checked_sub(RESERVE)?;
                Some(Self { from: here().wrapping_sub(length), length: length + ABOVE })
            }
        }
    }

    /// Whether the stack is in it now.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        here().wrapping_sub(self.from) < self.length
    }
}

/// An address in the frame of the caller, or near it.
#[inline]
fn here() -> usize {
    let place = 0_u8;
    std::ptr::from_ref(&place).addr()
}

/// Calls `f` in a new segment.
pub(crate) fn grow<U>(f: impl FnOnce() -> U) -> U {
    stacker::grow(SEGMENT, f)
}

thread_local! {
    /// How many segments calls of [`with_room`] use on this thread.
    static SEGMENTS: Cell<u32> = const { Cell::new(0) };
}

/// Calls `f`, which may lead to another call of this function: in a new segment if this one is almost full. `None`, and `f` is
/// dropped, if the calls on this thread use too many segments.
pub fn with_room<U>(f: impl FnOnce() -> U) -> Option<U> {
    struct Back(u32);

    impl Drop for Back {
        fn drop(&mut self) {
            SEGMENTS.set(self.0);
        }
    }

    if !is_short() {
        return Some(f());
    }
    let segments = SEGMENTS.get();
    if segments >= MAX_SEGMENTS {
        return None;
    }
    SEGMENTS.set(segments + 1);
    let _back = Back(segments);
    Some(grow(f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_inside_of_calls_end_without_a_panic_when_too_many_segments_are_used() {
        fn depth() -> u32 {
            with_room(|| 1 + depth()).unwrap_or_default()
        }
        let first = depth();
        assert!(first > MAX_SEGMENTS, "{first}");
        assert_eq!((SEGMENTS.get(), depth()), (0, first), "all of it is there again");
    }
}
