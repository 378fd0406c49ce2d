//! The phase of a store: what is in progress, and what must wait because of it.

use std::cell::Cell;

use crate::stack::{MAX_SEGMENTS, Room};

/// What the store is in the middle of.
pub(crate) struct Phase {
    /// Batches that are open, one inside the other; plus [`COMMITTING`] for each commit or arriving transaction.
    depth: Cell<u32>,
    /// Computeds that are running, one inside the other.
    computing: Cell<u32>,
    /// Observers are being called; those that are queued meanwhile belong to the next round.
    notifying: Cell<bool>,
    /// Something that arrived is being taken in.
    turning: Cell<bool>,
    /// Values of the user's that are being dropped, one inside the drop of the other.
    dropping: Cell<u32>,
    /// Segments of stack that nested runs are using.
    segments: Cell<u32>,
    /// Where the outermost run that is going on has found room on the stack for runs inside of it.
    room: Cell<Room>,
    /// So many rounds, commits or drops in a row count as never settling.
    limit: Cell<u32>,
}

/// The number of rounds after which observers count as never settling, unless the program sets another.
pub(crate) const MAX_ROUNDS: u32 = 100_000;

/// What a commit, or a transaction that arrives, adds to the depth: more than there are nested batches.
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

    /// Whether a turn taken now would let other threads' writes into the middle of something.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.is_open() || self.computing.get() > 0 || self.notifying.get() || self.turning.get()
    }

    #[inline]
    pub(crate) fn may_notify(&self) -> bool {
        !self.is_open() && self.computing.get() == 0 && !self.notifying.get()
    }

    /// Runs `f` as a batch, with whether that is the outermost.
    #[inline]
    pub(crate) fn batching<U>(&self, f: impl FnOnce(bool) -> U) -> U {
        let outer = self.depth.get();
        during(&self.depth, outer + 1, || f(outer == 0))
    }

    /// Runs `f`, which commits a transaction or applies one that arrived.
    #[inline]
    pub(crate) fn committing<U>(&self, f: impl FnOnce() -> U) -> U {
        during(&self.depth, self.depth.get() + COMMITTING, f)
    }

    /// Whether a transaction is being committed or applied: what user code writes then is a transaction of its own, and the
    /// committed values of shared reactons are still to be packed.
    pub(crate) fn is_committing(&self) -> bool {
        self.depth.get() >= COMMITTING
    }

    pub(crate) fn is_computing(&self) -> bool {
        self.computing.get() > 0
    }

    /// How many values are being dropped inside of each other.
    #[inline]
    pub(crate) fn drops(&self) -> u32 {
        self.dropping.get()
    }

    /// Runs `f`, which drops a value, as the drop of this depth.
    #[inline]
    pub(crate) fn dropping<U>(&self, depth: u32, f: impl FnOnce() -> U) -> U {
        during(&self.dropping, depth, f)
    }

    /// Runs `f`, which uses one more segment of stack. `None` if there are too many.
    pub(crate) fn in_new_segment<U>(&self, f: impl FnOnce() -> U) -> Option<U> {
        let segments = self.segments.get();
        if segments >= MAX_SEGMENTS {
            return None;
        }
        let result =
            during(&self.segments, segments + 1, || during(&self.room, Room::default(), f));
        Some(result)
    }

    /// Where there is room on the stack.
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

    /// Runs `f` as part of a round; says whether the round was begun here.
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

/// Runs `f` while `flag` is `inside`. A panic sets it back too: a store must not be stuck in the middle of something.
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
