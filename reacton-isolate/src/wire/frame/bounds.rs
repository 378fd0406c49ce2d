//! What a message of several frames may be about. Its frames are kept until the last one has come, so a peer could fill
//! the memory of the other side with one that never ends.

use crate::wire::edits::Held;
use crate::wire::message::IsolateMessage;

/// The bounds that follow from what a link shares. Each reacton occurs once in a message. The entries of collections and
/// the members of families have no bound: a peer that shares them may write any number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    most: usize,
    has_entries: bool,
}

impl Default for Bounds {
    /// None: what is shared is not known.
    fn default() -> Self {
        Self { most: usize::MAX, has_entries: true }
    }
}

impl Bounds {
    /// The bounds of a link that shares `count` reactons. The other program may declare a larger shared set, and is then
    /// told what differs (N7).
    pub(super) fn of(count: usize, has_entries: bool) -> Self {
        Self { most: 2 * count + 64, has_entries }
    }

    /// Whether a frame may have so many payloads. A reacton has four at most, in the first message.
    pub(super) fn allow_payloads(&self, count: usize) -> bool {
        self.has_entries || count / 4 <= self.most
    }

    /// Whether more of this message may follow.
    pub(super) fn allow(&self, unfinished: &IsolateMessage) -> bool {
        let (count, has_entries) = match unfinished {
            IsolateMessage::ReactonValueChanged { changes, .. } => {
                let last = changes.as_ref().last();
                (changes.as_ref().len(), last.is_some_and(|change| change.payload.is_edits()))
            }
            IsolateMessage::HandshakeInit { reactons, .. } => {
                (reactons.len(), reactons.last().is_some_and(|one| one.payload.is_edits()))
            }
            IsolateMessage::ReactonSubscribe { held } => {
                (held.len(), matches!(held.last(), Some((_, Held::Missed { .. }))))
            }
            _ => (0, false),
        };
        count <= self.most && (self.has_entries || !has_entries)
    }
}
