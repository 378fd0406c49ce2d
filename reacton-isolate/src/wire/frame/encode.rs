//! Frames to bytes: a queue of bytes that have still to go over a road.

mod entries;
mod work;

use std::collections::VecDeque;
use std::io::IoSlice;

use reacton_core::RefId;

use super::work::{Report, far_outcome};
use super::{ENTRIES, Hello, Kind, LastWords, Terms, head};
use crate::error::{LinkError, Mismatch};
use crate::wire::message::{CloseReason, IsolateMessage};
use crate::wire::value::Encoded;

/// Values from this size on are sent from where they are. Copying less costs less than one more slice.
const APART: usize = 16 * 1024;

/// More frames than this begin a vector of their own: a long vector would be moved each time that it grows.
const FULL: usize = 64 * 1024;

/// So many slices go in one call.
const SLICES: usize = 16;

/// Bytes that are to be sent, in order.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    segments: VecDeque<Segment>,
    /// An empty vector with room for the next frames: new memory costs more, because the system clears it.
    spare: Vec<u8>,
}

/// A vector with more room than this is not kept.
const MAX_SPARE: usize = 2 * FULL;

#[derive(Debug)]
enum Segment {
    /// Bytes of frames, of which so many have gone.
    Frames(Vec<u8>, usize),
    /// A payload, of which so many bytes have gone.
    Value(Encoded, usize),
}

impl Segment {
    fn left(&self) -> &[u8] {
        match self {
            Self::Frames(bytes, gone) => &bytes[*gone..],
            Self::Value(value, gone) => &value[*gone..],
        }
    }

    fn advance(&mut self, by: usize) {
        let (Self::Frames(_, gone) | Self::Value(_, gone)) = self;
        *gone += by;
    }
}

/// A payload of a frame.
#[derive(Clone, Copy)]
enum Part<'p> {
    Text(&'p str),
    Bytes(&'p [u8]),
    Value(&'p Encoded),
}

impl Part<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Value(value) => value,
        }
    }
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The bytes that are to go first, in a few slices.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; SLICES], usize) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, segment) in slices.iter_mut().zip(&self.segments) {
            *slice = IoSlice::new(segment.left());
            count += 1;
        }
        (slices, count)
    }

    /// A copy of all bytes, if there are at most `most`.
    pub(crate) fn copied_within(&self, most: usize) -> Option<Vec<u8>> {
        let len: usize = self.pieces().map(<[u8]>::len).sum();
        (len <= most).then(|| self.pieces().collect::<Vec<_>>().concat())
    }

    /// All bytes, in order.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        self.segments.iter().map(Segment::left)
    }

    /// So many bytes have gone.
    pub(crate) fn advance(&mut self, mut by: usize) {
        while let Some(first) = self.segments.front_mut() {
            let left = first.left().len();
            if by < left {
                first.advance(by);
                return;
            }
            by -= left;
            if let Some(Segment::Frames(mut bytes, _)) = self.segments.pop_front()
                && bytes.capacity() <= MAX_SPARE
            {
                bytes.clear();
                self.spare = bytes;
            }
        }
    }

    /// Everything of `other`, after what is in this one.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.segments.append(&mut other.segments);
    }

    /// The bytes of frames to which more can be added.
    fn tail(&mut self) -> &mut Vec<u8> {
        let has_room =
            matches!(self.segments.back(), Some(Segment::Frames(bytes, _)) if bytes.len() < FULL);
        if !has_room {
            let bytes = std::mem::take(&mut self.spare);
            self.segments.push_back(Segment::Frames(bytes, 0));
        }
        match self.segments.back_mut() {
            Some(Segment::Frames(bytes, _)) => bytes,
            _ => unreachable!("the caller has written a length here"),
        }
    }

    /// Adds one frame.
    fn frame<'p>(
        &mut self,
        kind: Kind,
        numbers: impl ExactSizeIterator<Item = u64>,
        parts: impl ExactSizeIterator<Item = Part<'p>> + Clone,
    ) {
        let to = self.tail();
        let begin = to.len();
        to.extend_from_slice(&[0; 4]);
        head::write_array(to, 2 + parts.len() + numbers.len());
        head::write(to, kind as u64);
        head::write(to, parts.len() as u64);
        for part in parts.clone() {
            head::write(to, part.bytes().len() as u64);
        }
        numbers.for_each(|number| head::write(to, number));
        let len = u32::try_from(to.len() - begin - 4).unwrap_or(u32::MAX);
        to[begin..begin + 4].copy_from_slice(&len.to_le_bytes());
        for part in parts {
            match part {
                Part::Value(value) if value.len() >= APART => self.apart(value),
                part => self.tail().extend_from_slice(part.bytes()),
            }
        }
    }

    /// Adds one frame with a head of nine numbers, the third of which is the length of its only payload. Most frames of a
    /// burst are such.
    fn short_frame(&mut self, head: &head::Short, value: &Encoded) {
        let to = self.tail();
        to.extend_from_slice(head.bytes());
        if value.len() >= APART {
            self.apart(value);
        } else {
            to.extend_from_slice(value);
        }
    }

    /// Adds a payload that is sent from where it is.
    fn apart(&mut self, value: &Encoded) {
        self.segments.push_back(Segment::Value(value.clone(), 0));
    }

    pub(crate) fn hello(&mut self, hello: &Hello) {
        let optional = |number: Option<u64>| [u64::from(number.is_some()), number.unwrap_or(0)];
        let nanos =
            |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let numbers = [
            &[hello.version, u64::from(hello.every), nanos(hello.grace), hello.max_value][..],
            &optional(hello.stack_size),
            &optional(hello.spin.map(nanos)),
            &optional(hello.limits.memory),
            &optional(hello.limits.cpu),
            &optional(hello.limits.files),
            &optional(hello.queue.map(u64::from)),
        ]
        .concat();
        let parts = [Part::Text(&hello.path), Part::Text(&hello.name), Part::Bytes(&hello.args)];
        self.frame(Kind::Hello, numbers.into_iter(), parts.into_iter());
    }

    pub(crate) fn terms(&mut self, terms: Terms) {
        self.bare(Kind::Terms, [terms.max_value, u64::from(terms.types_differ)]);
    }

    pub(crate) fn start(&mut self) {
        self.bare(Kind::Start, []);
    }

    pub(crate) fn taken(&mut self, number: u64) {
        self.bare(Kind::Taken, [number]);
    }

    pub(crate) fn last_words(&mut self, words: &LastWords) {
        let parts = [Part::Text(brief(&words.message)), location(words.location.as_deref())];
        let call = words.call.map_or([0; 3], |key| [1, u64::from(key.queued), key.number]);
        let numbers = [&[u64::from(words.location.is_some())][..], &call].concat();
        self.frame(Kind::LastWords, numbers.into_iter(), parts.into_iter());
    }

    fn bare<const N: usize>(&mut self, kind: Kind, numbers: [u64; N]) {
        self.frame(kind, numbers.into_iter(), std::iter::empty());
    }

    /// Adds a message of the link: one frame, or several if it has many entries.
    pub(crate) fn message(&mut self, message: &IsolateMessage) {
        match message {
            IsolateMessage::HandshakeInit { protocol, site, counts_as, clock, reactons } => {
                self.init([u64::from(*protocol), *site, *counts_as, *clock], reactons);
            }
            IsolateMessage::HandshakeAck { mismatches } => self.ack(mismatches),
            IsolateMessage::ReactonValueChanged { clock, changes } => self.changes(*clock, changes),
            IsolateMessage::ReactonSubscribe { held } => self.subscribe(held),
            IsolateMessage::ReactonUnsubscribe { ids } => {
                for ids in ids.chunks(ENTRIES) {
                    let numbers = ids.iter().map(|id| id.as_u64());
                    self.frame(Kind::Unsubscribe, numbers, std::iter::empty());
                }
            }
            IsolateMessage::ValueError { error } => {
                let (numbers, parts) = link_error(error);
                let parts = parts.map(Part::Text);
                self.frame(Kind::ValueError, numbers.into_iter(), parts.into_iter());
            }
            IsolateMessage::Answered(answered) => {
                if let Some((key, outcome)) = answered.far() {
                    self.report(&Report::Answer(key, far_outcome(outcome)));
                }
            }
            IsolateMessage::Mark { clock } => self.bare(Kind::Mark, [*clock]),
            IsolateMessage::Marked { mark, clock, paused } => {
                self.ids(Kind::Marked, [*mark, *clock], paused);
            }
            IsolateMessage::Sweep { clock, ids } => self.ids(Kind::Sweep, [*clock], ids),
            IsolateMessage::Drain => self.bare(Kind::Drain, []),
            IsolateMessage::Closed { reason } => self.closed(reason),
        }
    }

    /// Adds numbers and ids. These are a payload, so that a head has room for any number of them.
    fn ids<const N: usize>(&mut self, kind: Kind, numbers: [u64; N], ids: &[RefId]) {
        let ids: Vec<_> = ids.iter().flat_map(|id| id.as_u64().to_le_bytes()).collect();
        self.frame(kind, numbers.into_iter(), std::iter::once(Part::Bytes(&ids)));
    }

    fn ack(&mut self, mismatches: &[Mismatch]) {
        // So many differences say enough, and fit into one head.
        let mismatches = &mismatches[..mismatches.len().min(ENTRIES)];
        let (mut numbers, mut parts) = (Vec::new(), Vec::new());
        for mismatch in mismatches {
            let (entry, texts) = match mismatch {
                Mismatch::Protocol { ours, theirs } => {
                    ([0, u64::from(*ours), u64::from(*theirs), 0], [""; 3])
                }
                Mismatch::Missing { name } => ([1, 0, 0, 0], [name, "", ""]),
                Mismatch::Type { name, ours, theirs } => {
                    ([2, 0, 0, 0], [name, ours, theirs].map(|text| &**text))
                }
                Mismatch::Value { error } => {
                    let ([tag, clock, own], texts) = link_error(error);
                    ([3, tag, clock, own], texts)
                }
            };
            numbers.extend(entry);
            parts.extend(texts.map(Part::Text));
        }
        self.frame(Kind::Ack, numbers.into_iter(), parts.into_iter());
    }

    fn closed(&mut self, reason: &CloseReason) {
        let (numbers, message, place) = match reason {
            CloseReason::Drained => ([0, 0, 0, 0], "", None),
            // No worker sends `Lost`.
            CloseReason::Disposed | CloseReason::Lost { .. } => ([1, 0, 0, 0], "", None),
            CloseReason::Failed { message } => ([2, 0, 0, 0], &**message, None),
            CloseReason::Panicked { message, location, after, worked } => {
                let after = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
                let numbers = [3, after, u64::from(*worked), u64::from(location.is_some())];
                (numbers, &**message, location.as_deref())
            }
        };
        let parts = [Part::Text(brief(message)), location(place)];
        self.frame(Kind::Closed, numbers.into_iter(), parts.into_iter());
    }
}

fn location(place: Option<&str>) -> Part<'_> {
    Part::Text(place.unwrap_or_default())
}

/// A message of the program, such as that of a panic, has at most so many bytes on a road: far less than any reader lets
/// through, whatever its limit. What is longer is cut off.
const MESSAGE: usize = 16 * 1024;

/// The beginning of a message that is too long.
fn brief(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

/// The kind of an error, its numbers and its texts.
fn link_error(error: &LinkError) -> ([u64; 3], [&str; 3]) {
    let (kind, texts) = match error {
        LinkError::Clock { worker, clock, own } => return ([6, *clock, *own], [worker, "", ""]),
        LinkError::Encode { reacton, reason } => (0, [&**reacton, brief(reason), ""]),
        LinkError::Decode { reacton, reason } => (1, [&**reacton, brief(reason), ""]),
        LinkError::Lossy { reacton, type_name, remedy } => {
            (2, [&**reacton, &**type_name, &**remedy])
        }
        LinkError::ChangedInPlace { reacton } => (3, [reacton, "", ""]),
        LinkError::NeverEqual { reacton } => (4, [reacton, "", ""]),
        LinkError::Malformed { reason } => (5, [brief(reason), "", ""]),
    };
    ([kind, 0, 0], texts)
}
