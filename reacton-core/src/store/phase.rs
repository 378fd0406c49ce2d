//! The phase of a store: what is in progress, and what has to wait for it.

use std::cell::Cell;

use crate::stack::{MAX_SEGMENTS, Room};

/// What is in progress in a store.
pub(crate) struct Phase {
    /// The number of nested open batches, plus [`COMMITTING`] for each commit or arriving transaction.
    depth: Cell<u32>,
    /// The number of nested computeds that are running.
    computing: Cell<u32>,
    /// Observers are being called; observers queued meanwhile belong to the next round.
    notifying: Cell<bool>,
    /// An arrived item is being applied.
    turning: Cell<bool>,
    /// The number of nested drops of user values.
    dropping: Cell<u32>,
    /// The number of stack segments that nested runs use.
    segments: Cell<u32>,
    /// The part of the stack in which the outermost run found enough room for nested runs.
    room: Cell<Room>,
    /// After this many rounds, commits or drops in a row, the store panics.
    limit: Cell<u32>,
}

/// The number of rounds after which the store panics, unless the program sets another.
pub(crate) const MAX_ROUNDS: u32 = 100_000;

/// What a commit or an arriving transaction adds to the depth: more than the number of nested batches.
const COMMITTING: u32 = 1 << 16;

impl Default for Phase {
    fn default() -> Self {
        Self {
            depth: Cell::new(0),
            computing: Cell::new(0),
            notifying: Cell::new(false),
            turning: Cell::new(false),
            dropping: Cell::new(0),
            segments: Cell::new(0),
            room: Cell::default(),
            limit: Cell::new(MAX_ROUNDS),
        }
    }
}

impl Phase {
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        self.depth.get() > 0
    }

    /// Whether a turn now would apply writes of other threads in the middle of an operation.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.is_open() || self.computing.get() > 0 || self.notifying.get() || self.turning.get()
    }

    #[inline]
    pub(crate) fn may_notify(&self) -> bool {
        !self.is_open() && self.computing.get() == 0 && !self.notifying.get()
    }

    /// Runs `f` as a batch; the argument of `f` is whether it is the outermost.
    #[inline]
    pub(crate) fn batching<U>(&self, f: impl FnOnce(bool) -> U) -> U {
        let outer = self.depth.get();
        during(&self.depth, outer + 1, || f(outer == 0))
    }

    /// Runs `f`, which commits a transaction or applies an arrived one.
    #[inline]
    pub(crate) fn committing<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.depth, self.depth.get() + COMMITTING, f)
    }

    /// Whether a transaction is being committed or applied. Then what user code writes is a separate transaction, and
    /// committed values of shared reactons still have to be encoded.
    pub(crate) fn is_committing(&self) -> bool {
        self.depth.get() >= COMMITTING
    }

    pub(crate) fn is_computing(&self) -> bool {
        self.computing.get() > 0
    }

    /// The number of nested drops of values.
    #[inline]
    pub(crate) fn drops(&self) -> u32 {
        self.dropping.get()
    }

    /// Runs `f`, which drops a value, at this depth of nested drops.
    #[inline]
    pub(crate) fn dropping<U>(&self, depth: u32, f: impl FnOnce() -> U) -> U {
        during(&self.dropping, depth, f)
    }

    /// Runs `f`, which uses one more segment of stack. `None` if too many are in use.
    pub(crate) fn in_new_segment<U>(&self, f: impl FnOnce() -> U) -> Option<U> {
        let segments = self.segments.get();
        if segments >= MAX_SEGMENTS {
            return None;
        }
        let result =
            during(&self.segments, segments + 1, || during(&self.room, Room::default(), f));
        Some(result)
    }

    /// The part of the stack that is known to have enough room.
    #[inline]
    pub(crate) fn room(&self) -> Room {
        self.room.get()
    }

    pub(crate) fn set_room(&self, room: Room) {
        self.room.set(room);
    }

    #[inline]
    pub(crate) fn limit(&self) -> u32 {
        self.limit.get()
    }

    pub(crate) fn set_limit(&self, rounds: u32) {
        self.limit.set(rounds.max(1));
    }

    pub(crate) fn computing<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.computing, self.computing.get() + 1, f)
    }

    /// Runs `f` as part of a round; also returns whether the round began here.
    #[inline]
    pub(crate) fn notifying<U>(&self, f: impl FnOnce() -> U) -> (U, bool) {
        let outermost = !self.notifying.get();
        (during(&self.notifying, true, f), outermost)
    }

    #[inline]
    pub(crate) fn turning<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.turning, true, f)
    }
}

/// Runs `f` while `flag` is `inside`, and resets it even after a panic.
#[inline]
fn during<T: Copy, U>(flag: &Cell<T>, inside: T, f: impl FnOnce() -> U) -> U {
    struct Back<'c, T: Copy>(&'c Cell<T>, T);

    impl<T: Copy> Drop for Back<'_, T> {
        fn drop(&mut self) {
            self.0.set(self.1);
        }
    }

    let _back = Back(flag, flag.replace(inside));
    f()
}
