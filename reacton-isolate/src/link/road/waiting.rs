//! What waits for a road, once it is known how long a value its other end takes.

use std::convert::Infallible;

use reacton_core::RefId;

use super::{Sender, State};
use crate::wire::change::Change;
use crate::wire::frame::work::Order;
use crate::wire::frame::{Batch, Frame, FrameReader, MAX_HEAD};
use crate::wire::message::IsolateMessage;
use crate::wire::value::within;

impl State {
    /// Called when changes are put among those that are merged: what waits of them is found there, and may be replaced.
    pub(super) fn note_queued(&mut self, changes: &[Change]) {
        if !self.admitted.is_empty() {
            self.admitted.retain(|(id, _)| changes.iter().all(|change| change.id != *id));
        }
    }
}

impl Sender {
    /// Whether a value of this length may be sent, which the caller does next. If not: why. Until it is queued, it counts
    /// as one that waits for the road: its limit may become known in between.
    pub(crate) fn admit(&self, id: RefId, len: usize) -> Result<(), String> {
        if len <= MAX_HEAD {
            // The other end takes it, whatever its limit.
            return within(len, self.max_value());
        }
        let mut state = self.state();
        within(len, self.max_value())?;
        if state.road.is_none() {
            state.admitted.retain(|(admitted, _)| *admitted != id);
            state.admitted.push((id, len));
        }
        Ok(())
    }

    /// From now on no longer value may be sent. Returns the reacton or the call of a longer value that waits, if there
    /// is one, and the length of the value: it was sent before this was known, and the other end would refuse all that
    /// follows.
    pub(crate) fn limit_waiting(&self, max_value: u64) -> Option<(RefId, usize)> {
        if max_value >= self.max_value() {
            return None;
        }
        self.limit(max_value);
        let mut state = self.state();
        state.encode_pending();
        let admitted = state.admitted.iter().find(|(_, len)| *len as u64 > max_value).copied();
        admitted.or_else(|| longer(&state.batch, max_value))
    }
}

/// Finds a value of more than `most` bytes, in whole frames.
fn longer(batch: &Batch, most: u64) -> Option<(RefId, usize)> {
    let mut reader = FrameReader::default();
    for mut rest in batch.pieces() {
        while !rest.is_empty() {
            let Ok(_) = reader.fill(|buffer| {
                let (now, later) = rest.split_at(rest.len().min(buffer.capacity() - buffer.len()));
                buffer.extend_from_slice(now);
                rest = later;
                Ok::<_, Infallible>(now.len())
            });
            while let Ok(Some(frame)) = reader.next() {
                if let Some(found) = longest(&frame).filter(|(_, len)| *len as u64 > most) {
                    return Some(found);
                }
            }
        }
    }
    None
}

/// The longest value of a frame.
fn longest(frame: &Frame) -> Option<(RefId, usize)> {
    match frame {
        Frame::Message(IsolateMessage::ReactonValueChanged { changes, .. }) => {
            let lens = changes.iter().map(|change| (change.id, change.payload.longest_part()));
            lens.max_by_key(|(_, len)| *len)
        }
        Frame::Order(Order::Call { id, question, .. }) => Some((*id, question.len())),
        _ => None,
    }
}
