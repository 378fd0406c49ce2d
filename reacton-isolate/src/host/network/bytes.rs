//! Two queues of bytes between two ends, like those of a pair of sockets, or of a stream to another machine.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::machine::Connection;
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

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::host) enum Side {
    Main,
    /// That of the worker.
    Far,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Main => Self::Far,
            Self::Far => Self::Main,
        }
    }
}

impl Direction {
    /// Returns the end that receives.
    pub(super) fn receiver(self) -> Side {
        self.sender().other()
    }

    /// Returns the end that sends.
    pub(super) fn sender(self) -> Side {
        match self {
            Self::Down => Side::Main,
            Self::Up => Side::Far,
        }
    }
}

/// The two queues of one road.
pub(super) struct Stream {
    host: Arc<Simulated>,
    state: Mutex<State>,
    /// Set for a road to another machine.
    connection: OnceLock<Arc<Connection>>,
}

struct State {
    down: Queue,
    up: Queue,
    ends: [Ended; 2],
}

/// What one end has done, or has noticed.
#[derive(Debug, Clone, Copy, Default)]
struct Ended {
    /// It sends no more. What it has sent still arrives.
    finished: bool,
    /// It receives no more.
    closed: bool,
    /// It has noticed that the connection is lost.
    broken: bool,
}

struct Queue {
    bytes: VecDeque<u8>,
    /// The maximum number of bytes on their way.
    capacity: usize,
    /// How many of the first bytes arrive even if the sender is killed.
    flushed: usize,
    /// How many of the first bytes have crossed the network. Has a meaning only while nothing crosses.
    crossed: usize,
    /// Acknowledgements, which are not among the bytes.
    reports: VecDeque<u64>,
}

impl Queue {
    fn new(random: &Random) -> Self {
        let capacity = match random.below(16) {
            0..=9 => 1 << 16,
            10..=14 => 200 + random.below(1000),
            _ => 16 + random.below(64),
        };
        let (bytes, reports) = (VecDeque::new(), VecDeque::new());
        Self { bytes, capacity, flushed: 0, crossed: 0, reports }
    }

    fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }
}

impl Stream {
    pub(super) fn new(host: &Arc<Simulated>) -> Self {
        let [down, up] = [Queue::new(&host.random), Queue::new(&host.random)];
        let state = State { down, up, ends: Default::default() };
        Self { host: Arc::clone(host), state: Mutex::new(state), connection: OnceLock::new() }
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

    fn ended(&self, side: Side) -> Ended {
        self.state().ends[side as usize]
    }

    /// Makes it a stream of this connection.
    pub(super) fn join(&self, connection: Arc<Connection>) {
        let _ = self.connection.set(connection);
    }

    /// Returns whether bytes and ends cross now.
    fn crosses(&self) -> bool {
        self.connection.get().is_none_or(|connection| connection.crosses())
    }

    /// Returns whether it is a road to another machine.
    fn is_apart(&self) -> bool {
        self.connection.get().is_some()
    }

    /// This end sends no more. The two ends of a socket end together; the end of a stream has to cross the network.
    pub(super) fn end(&self, side: Side) {
        let is_apart = self.is_apart();
        let mut state = self.state();
        let all = if is_apart {
            &mut state.ends[side as usize..=side as usize]
        } else {
            &mut state.ends[..]
        };
        for end in all {
            end.finished = true;
            end.closed |= is_apart;
        }
    }

    /// This end wants no more: what it has sent and has not arrived is dropped, too.
    fn reset(&self, side: Side) {
        if self.is_apart() && !self.ended(side).finished {
            let direction = if side == Side::Main { Direction::Down } else { Direction::Up };
            let len = self.with(direction, |queue| queue.bytes.len());
            let kept = self.host.random.below(len + 1);
            self.with(direction, |queue| queue.bytes.truncate(kept));
        }
        self.end(side);
    }

    /// Called when nothing crosses from now on: decides which bytes have crossed.
    pub(super) fn freeze(&self) {
        for direction in [Direction::Down, Direction::Up] {
            let len = self.with(direction, |queue| queue.bytes.len());
            let crossed = self.host.random.below(len + 1);
            self.with(direction, |queue| queue.crossed = crossed);
        }
    }

    /// This end notices that the connection is lost, with everything that has not crossed.
    pub(super) fn lose_connection(&self, side: Side) {
        let incoming = if side == Side::Main { Direction::Up } else { Direction::Down };
        self.with(incoming, |queue| {
            queue.bytes.truncate(queue.crossed);
            queue.reports.clear();
        });
        self.state().ends[side as usize].broken = true;
    }

    pub(super) fn has_lost_connection(&self, side: Side) -> bool {
        self.ended(side).broken
    }

    /// Returns whether an end notices without receiving that nothing more is received: it has given up itself, or is that
    /// of a machine that has lost its client.
    pub(super) fn is_closed(&self, side: Side) -> bool {
        let Ended { closed, broken, .. } = self.ended(side);
        closed || broken && side == Side::Far
    }

    /// Returns whether a sender would notice that the other end receives no more.
    fn is_refused(&self, direction: Direction) -> bool {
        let [own, other] = [direction.sender(), direction.receiver()].map(|side| self.ended(side));
        own.finished || own.broken || other.finished && self.crosses()
    }

    /// Returns whether a sender can continue: there is room, or it would notice that the road has ended.
    pub(super) fn takes(&self, direction: Direction) -> bool {
        self.is_refused(direction) || self.with(direction, |queue| queue.room() > 0)
    }

    /// Returns how many bytes a receiver can receive now.
    fn arrived(&self, direction: Direction) -> usize {
        if self.ended(direction.receiver()).closed {
            return 0;
        }
        let crosses = self.crosses();
        self.with(direction, |queue| {
            let len = queue.bytes.len();
            if crosses { len } else { queue.crossed.min(len) }
        })
    }

    /// Returns whether a receiver can continue: there are bytes, or it would notice that the road has ended.
    pub(super) fn has_arrivals(&self, direction: Direction) -> bool {
        let Ended { closed, broken, .. } = self.ended(direction.receiver());
        let has_ended =
            closed || broken || self.ended(direction.sender()).finished && self.crosses();
        has_ended || self.arrived(direction) > 0
    }

    /// Drops some of the last bytes, by the seed. Bytes that were flushed are kept.
    pub(super) fn lose(&self, direction: Direction) {
        let (len, flushed) = self.with(direction, |queue| (queue.bytes.len(), queue.flushed));
        let lost = self.host.random.below(len - flushed + 1);
        self.with(direction, |queue| queue.bytes.truncate(len - lost));
    }

    /// Receives some bytes, cut anywhere by the seed. Returns `false` if none are left and the road has ended.
    pub(super) fn receive(&self, direction: Direction, reader: &mut FrameReader) -> bool {
        let len = self.arrived(direction);
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
                queue.crossed = queue.crossed.saturating_sub(count);
                buffer.extend(queue.bytes.drain(..count));
            });
            Ok::<_, std::convert::Infallible>(count)
        });
        let Ok(_) = filled;
        true
    }

    /// Returns whether an acknowledgement has arrived that is not among the bytes.
    pub(super) fn has_report(&self, direction: Direction) -> bool {
        !self.ended(direction.receiver()).closed
            && self.with(direction, |queue| !queue.reports.is_empty())
            && self.crosses()
    }

    /// Receives an acknowledgement.
    pub(super) fn receive_report(&self, direction: Direction) -> Option<u64> {
        self.with(direction, |queue| queue.reports.pop_front())
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
        if stream.is_refused(*direction) {
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
        if self.stream.is_refused(self.direction) {
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
        self.stream.reset(self.direction.sender());
    }

    fn finish(&self) {
        self.stream.end(self.direction.sender());
    }

    fn reports_apart(&self) -> bool {
        self.stream.is_apart()
    }

    fn report_taken(&self, taken: u64) -> bool {
        let Self { stream, direction } = self;
        // A stream of reports that is full takes none.
        if !stream.is_apart() || stream.host.random.one_in(4) {
            return false;
        }
        stream.with(*direction, |queue| queue.reports.push_back(taken));
        true
    }

    fn now(&self) -> Instant {
        self.stream.host.time.now()
    }
}
