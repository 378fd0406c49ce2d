//! The stack of nested runs: a computed that reads another one for the first time, an effect that creates an effect.
//!
//! Each level is a call of user code, so the depth of a first run costs stack. Later runs cost none: the graph is
//! walked without recursion. If the stack is almost full, the call continues on a new segment on the heap.

use std::cell::Cell;

/// A nested run begins with at least this much stack.
const RESERVE: usize = 128 * 1024;

/// A run may also begin this far above the frame that asked: no farther than the length of the guard page between two
/// segments.
const ABOVE: usize = 4096;

/// The size of a segment. Only pages in use take memory.
const SEGMENT: usize = 2 * 1024 * 1024;

/// The maximum number of segments in use: 1 GiB, enough for a chain of several 100,000 computeds.
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

/// A part of the stack in which a run may begin. It is found once; afterwards, comparing an address shows whether the
/// stack is still there.
#[derive(Clone, Copy, Default)]
pub(crate) struct Room {
    /// The lowest address.
    from: usize,
    length: usize,
}

impl Room {
    /// The room above the reserve; `None` if there is none.
    pub(crate) fn find() -> Option<Self> {
        match stacker::remaining_stack() {
            // The limits of the stack are unknown on this platform.
            None => Some(Self::default()),
            Some(left) => {
                let length = left.checked_sub(RESERVE)?;
                Some(Self { from: here().wrapping_sub(length), length: length + ABOVE })
            }
        }
    }

    /// Whether the current frame is in it.
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
    /// The number of segments that calls of [`with_room`] use on this thread.
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
        assert_eq!((SEGMENTS.get(), depth()), (0, first), "all segments can be used again");
    }
}
