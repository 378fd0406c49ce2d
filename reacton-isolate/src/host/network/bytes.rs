//! Two queues of bytes between two ends, like those of a pair of sockets.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::host::random::Random;
use crate::host::simulated::Simulated;
use crate::interrupt::interrupt;
use crate::link::RoadSender;
use crate::wire::frame::FrameReader;

/// One of the two queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Direction {
    /// From main to the worker.
    Down,
    /// From the worker to main.
    Up,
}

/// The two queues of one road.
pub(super) struct Stream {
    host: Arc<Simulated>,
    state: Mutex<State>,
}

struct State {
    down: Queue,
    up: Queue,
    /// The sender sends no more; bytes already sent still arrive.
    ended: bool,
}

struct Queue {
    bytes: VecDeque<u8>,
    /// The maximum number of bytes on their way.
    capacity: usize,
    /// How many of the first bytes arrive even if the sender is killed.
    flushed: usize,
}

impl Queue {
    fn new(random: &Random) -> Self {
        let capacity = match random.below(16) {
            0..=9 => 1 << 16,
            10..=14 => 200 + random.below(1000),
            _ => 16 + random.below(64),
        };
        Self { bytes: VecDeque::new(), capacity, flushed: 0 }
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
}

impl Stream {
    pub(super) fn new(host: &Arc<Simulated>) -> Self {
        let [down, up] = [Queue::new(&host.random), Queue::new(&host.random)];
        Self { host: Arc::clone(host), state: Mutex::new(State { down, up, ended: false }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<U>(&self, direction: Direction, f: impl FnOnce(&mut Queue) -> U) -> U {
        let mut state = self.state();
        f(match direction {
            Direction::Down => &mut state.down,
            Direction::Up => &mut state.up,
        })
    }

    pub(super) fn end(&self) {
        self.state().ended = true;
    }

    /// Returns whether a sender can continue: there is room, or it would notice that the road has ended.
    pub(super) fn takes(&self, direction: Direction) -> bool {
        self.state().ended || self.with(direction, |queue| queue.room() > 0)
    }

    /// Returns whether a receiver can continue: there are bytes, or it would notice that the road has ended.
    pub(super) fn has_arrivals(&self, direction: Direction) -> bool {
        self.state().ended || self.with(direction, |queue| !queue.bytes.is_empty())
    }

    /// Drops some of the last bytes, by the seed. Bytes that were flushed are kept.
    pub(super) fn lose(&self, direction: Direction) {
        let (len, flushed) = self.with(direction, |queue| (queue.bytes.len(), queue.flushed));
        let lost = self.host.random.below(len - flushed + 1);
        self.with(direction, |queue| queue.bytes.truncate(len - lost));
    }

    /// Receives some bytes, cut anywhere by the seed. Returns `false` if none are left and the road has ended.
    pub(super) fn receive(&self, direction: Direction, reader: &mut FrameReader) -> bool {
        let len = self.with(direction, |queue| queue.bytes.len());
        if len == 0 {
            return false;
        }
        let most = match self.host.random.below(4) {
            0 | 1 => len,
            _ => 1 + self.host.random.below(len),
        };
        let filled = reader.fill(|buffer| {
            let count = most.min(buffer.capacity() - buffer.len());
            self.with(direction, |queue| {
                queue.flushed = queue.flushed.saturating_sub(count);
                buffer.extend(queue.bytes.drain(..count));
            });
            Ok::<_, std::convert::Infallible>(count)
        });
        let Ok(_) = filled;
        true
    }
}

/// The sending side of one end of a road.
pub(super) struct End {
    pub(super) stream: Arc<Stream>,
    pub(super) direction: Direction,
}

impl RoadSender for End {
    fn try_send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        // Other threads of this process may run in the meantime.
        interrupt();
        let Self { stream, direction } = self;
        let random = &stream.host.random;
        let offered = bytes.iter().map(|slice| slice.len()).sum();
        let room = stream.with(*direction, |queue| queue.room()).min(offered);
        let taken = match random.below(6) {
            0..=2 => room,
            3 => 0,
            _ => random.below(room + 1),
        };
        if stream.state().ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        stream.with(*direction, |queue| {
            let mut left = taken;
            for slice in bytes {
                let part = &slice[..left.min(slice.len())];
                queue.bytes.extend(part);
                left -= part.len();
            }
        });
        Ok(taken)
    }

    /// Sends all bytes, as if the other end had read meanwhile.
    fn send(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.stream.state().ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.stream.with(self.direction, |queue| {
            for slice in bytes {
                queue.bytes.extend(slice.iter());
            }
            queue.flushed = queue.bytes.len();
        });
        Ok(bytes.iter().map(|slice| slice.len()).sum())
    }

    fn has_no_writer(&self) -> bool {
        true
    }

    fn end(&self) {
        self.stream.end();
    }

    fn now(&self) -> Instant {
        self.stream.host.time.now()
    }
}
