//! How far a road is read ahead of the store that receives: what is read waits in memory, and what is not makes the
//! sender wait.

use std::collections::VecDeque;

/// So many messages wait at most ..
const MESSAGES: u64 = 64;

/// .. and so many bytes, but for the last message.
const BYTES: usize = 256 * 1024;

/// The sizes of the messages that wait.
#[derive(Debug)]
pub(super) struct Gate {
    /// So many messages may wait.
    most: u64,
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self::of(MESSAGES)
    }
}

impl Gate {
    /// Returns a gate that lets so many messages wait.
    pub(super) fn of(most: u64) -> Self {
        Self { most, sizes: VecDeque::new(), bytes: 0 }
    }

    /// Called when a message was put into the inbox.
    pub(super) fn count(&mut self, size: usize) {
        self.sizes.push_back(size);
        self.bytes += size;
    }

    /// Whether nothing more may be read, if so many messages wait at the store. Those that no road has brought are not
    /// counted: a worker that is asked to end reads on, for the frame that lets it begin may be among what is left.
    pub(super) fn is_full(&mut self, waiting: u64) -> bool {
        while self.sizes.len() as u64 > waiting {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
        self.sizes.len() as u64 >= self.most || self.bytes >= BYTES
    }

    /// How many of the messages that wait now may still wait when it opens.
    pub(super) fn left_when_open(&self) -> u64 {
        let (mut left, mut bytes) = (0, 0_usize);
        for size in self.sizes.iter().rev() {
            bytes = bytes.saturating_add(*size);
            if bytes >= BYTES || left + 1 >= MESSAGES {
                break;
            }
            left += 1;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_opens_when_enough_was_taken_in() {
        let mut gate = Gate::default();
        gate.count(BYTES);
        assert!(gate.is_full(1));
        assert!(!gate.is_full(0));
        for _ in 0..2 * MESSAGES {
            gate.count(1);
        }
        assert_eq!(gate.left_when_open(), MESSAGES - 1);
        assert!(gate.is_full(MESSAGES));
        assert!(!gate.is_full(MESSAGES - 1));
        assert_eq!(gate.bytes, 63);
        gate.count(BYTES - 10);
        assert!(gate.is_full(MESSAGES));
        assert_eq!(gate.left_when_open(), 10);
        assert!(!gate.is_full(10));
    }

    #[test]
    fn what_no_road_has_brought_does_not_close_it() {
        let mut gate = Gate::of(1);
        assert!(!gate.is_full(3));
        gate.count(1);
        assert!(gate.is_full(3));
    }

    #[test]
    fn one_large_message_is_let_through() {
        let mut gate = Gate::default();
        assert!(!gate.is_full(0));
        gate.count(10 * BYTES);
        gate.count(1);
        assert!(gate.is_full(2));
        assert_eq!(gate.left_when_open(), 1);
        assert!(!gate.is_full(1));
    }
}
