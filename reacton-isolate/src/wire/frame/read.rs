//! Bytes that arrive, cut anywhere, to frames.

use std::sync::Arc;

use super::bounds::Bounds;
use super::{Frame, MAX_HEAD, decode, head};
use crate::wire::message::IsolateMessage;
use crate::wire::value::{Encoded, MAX_KEPT};

/// Bytes that cannot come from this library. The road ends with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// So much is read at once, of small frames.
const READ: usize = 64 * 1024;

/// A payload of at least this size is read into a place of its own.
const APART: usize = 16 * 1024;

/// A payload makes room for as much as has arrived of it, and at first for this.
const FIRST_ROOM: usize = 64 * 1024;

/// How much room to make for a payload of which so much has arrived: about as much again, or all that is left.
fn room(arrived: usize, len: usize) -> usize {
    let (left, more) = (len - arrived, arrived.max(FIRST_ROOM));
    // A rest that is small does not need another move of the whole.
    if left <= more + more / 4 { left } else { more }
}

/// An empty place for a payload: that of an earlier one, if it is free and not much too large.
fn spare(kept: Option<Arc<Vec<u8>>>, len: usize) -> Vec<u8> {
    let kept = kept.and_then(Arc::into_inner);
    let mut spare = kept.filter(|kept| kept.capacity() / 2 <= len).unwrap_or_default();
    spare.clear();
    spare
}

/// What has arrived and is no frame yet.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    buffer: Vec<u8>,
    /// Of the buffer, so much has been read.
    begin: usize,
    /// The numbers of the head that was read last, behind the lengths of its payloads.
    numbers: Vec<u64>,
    /// The frame whose head has been read and whose payloads have not all arrived.
    open: bool,
    payloads: Vec<Encoded>,
    /// A large payload that is arriving, and its length.
    large: Option<(Vec<u8>, usize)>,
    /// The last large payload. When nothing else holds it any more, the next one is read into its memory.
    kept: Option<Arc<Vec<u8>>>,
    /// Earlier frames of a message of several.
    unfinished: Option<IsolateMessage>,
    /// The bytes of the last frame.
    frame_len: usize,
    /// A payload has at most so many bytes; no limit if it is `None`.
    max_value: Option<u64>,
    bounds: Bounds,
}

impl FrameReader {
    /// Limits the length of a payload. Texts are payloads, too, so the limit is 64 KiB or more.
    pub(crate) fn set_max_value(&mut self, max_value: u64) {
        self.max_value = Some(max_value.max(MAX_HEAD as u64));
    }

    /// Limits a message of several frames to what a link with so many reactons can send.
    pub(crate) fn set_shared(&mut self, count: usize, has_entries: bool) {
        self.bounds = Bounds::of(count, has_entries);
    }

    /// The number of bytes of the last frame.
    pub(crate) fn frame_len(&self) -> usize {
        self.frame_len
    }

    /// Reads more: `read` appends to a vector what fits into its capacity, and returns how much that was.
    pub(crate) fn fill<E>(
        &mut self,
        read: impl FnOnce(&mut Vec<u8>) -> Result<usize, E>,
    ) -> Result<usize, E> {
        if let Some((large, len)) = &mut self.large {
            if large.len() == large.capacity() {
                large.reserve_exact(room(large.len(), *len));
            }
            return read(large);
        }
        if self.begin == self.buffer.len() {
            self.buffer.clear();
            self.begin = 0;
        } else if self.begin > 0 && self.buffer.capacity() - self.buffer.len() < READ / 2 {
            self.buffer.drain(..self.begin);
            self.begin = 0;
        }
        if self.buffer.capacity() == self.buffer.len() || self.buffer.capacity() < READ {
            self.buffer.reserve(READ);
        }
        read(&mut self.buffer)
    }

    /// The next frame; `None` if it has not arrived whole.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        loop {
            if !self.open && !self.read_head()? {
                return Ok(None);
            }
            if !self.read_payloads()? {
                return Ok(None);
            }
            self.open = false;
            let unfinished = self.unfinished.take();
            let lens = self.payloads.len();
            let kind = self.numbers[0];
            let numbers = &self.numbers[2 + lens..];
            let decoded = decode::frame(kind, numbers, self.payloads.drain(..), unfinished);
            match decoded.map_err(Malformed)? {
                decode::Decoded::Whole(frame) => return Ok(Some(frame)),
                decode::Decoded::Part(message) if self.bounds.allow(&message) => {
                    self.unfinished = Some(message);
                }
                decode::Decoded::Part(_) => {
                    return Err(Malformed("a message is about more than is shared"));
                }
            }
        }
    }

    /// Returns `false` if it has not arrived whole.
    fn read_head(&mut self) -> Result<bool, Malformed> {
        let arrived = &self.buffer[self.begin..];
        let Some((len, rest)) = arrived.split_first_chunk::<4>() else { return Ok(false) };
        let len = u32::from_le_bytes(*len) as usize;
        if len > MAX_HEAD {
            return Err(Malformed("its head is longer than 64 KiB"));
        }
        let Some(bytes) = rest.get(..len) else { return Ok(false) };
        head::read(bytes, &mut self.numbers).ok_or(Malformed("its head is no list of numbers"))?;
        let [_, payloads, rest @ ..] = &self.numbers[..] else {
            return Err(Malformed("its head has no kind"));
        };
        if usize::try_from(*payloads).map_or(true, |payloads| payloads > rest.len()) {
            return Err(Malformed("its head has not all lengths of its payloads"));
        }
        let (payloads, lens) = (&self.numbers[1], &self.numbers[2..]);
        let lens = &lens[..usize::try_from(*payloads).unwrap_or_default()];
        if lens.iter().any(|len| self.max_value.is_some_and(|max_value| *len > max_value)) {
            return Err(Malformed("a value in it is longer than `max_value`"));
        }
        if !self.bounds.allow_payloads(lens.len()) {
            return Err(Malformed("it has more payloads than what is shared can have"));
        }
        let sum = lens.iter().fold(len as u64, |sum, len| sum.saturating_add(*len));
        self.frame_len = usize::try_from(sum).unwrap_or(usize::MAX);
        self.begin += 4 + len;
        self.open = true;
        self.payloads.clear();
        Ok(true)
    }

    /// Returns `false` if they have not all arrived.
    fn read_payloads(&mut self) -> Result<bool, Malformed> {
        // It is at most the number of lengths in the head.
        let count = usize::try_from(self.numbers[1]).unwrap_or_default();
        while self.payloads.len() < count {
            let Ok(len) = usize::try_from(self.numbers[2 + self.payloads.len()]) else {
                return Err(Malformed("a payload is longer than the memory"));
            };
            if let Some((mut large, len)) = self.large.take() {
                if large.len() < len {
                    self.large = Some((large, len));
                    return Ok(false);
                }
                // A vector may have had more room than was asked for: what follows belongs to the next payload.
                self.buffer.extend(large.drain(len..));
                let large = Arc::new(large);
                self.kept = (large.capacity() <= MAX_KEPT).then(|| Arc::clone(&large));
                self.payloads.push(Encoded::from(large));
                continue;
            }
            let arrived = &self.buffer[self.begin..];
            if let Some(payload) = arrived.get(..len) {
                self.payloads.push(Encoded::from(payload));
                self.begin += len;
            } else if len >= APART {
                let mut large = spare(self.kept.take(), len);
                large.reserve_exact(arrived.len() + room(arrived.len(), len));
                large.extend_from_slice(arrived);
                self.buffer.clear();
                self.begin = 0;
                self.large = Some((large, len));
            } else {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
