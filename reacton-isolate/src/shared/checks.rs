//! Whether a packed value may be sent, and whether one that has arrived decodes.

use super::SharedSlot;
#[cfg(feature = "process")]
use super::crossing::wrong_form;
use crate::error::LinkError;
#[cfg(feature = "process")]
use crate::wire::codec;
#[cfg(any(feature = "process", doc))]
use crate::wire::value::Payload;
use crate::wire::value::within;

impl SharedSlot {
    /// Whether a packed value with a [longest part](Payload::longest_part) of this length may be sent where values have
    /// at most `max_value` bytes.
    ///
    /// # Errors
    /// If not, as for one that does not encode.
    #[inline]
    pub(crate) fn check_len(&self, len: usize, max_value: u64) -> Result<(), LinkError> {
        within(len, max_value).map_err(|reason| self.unsent(reason))
    }

    /// The error of a value that is not sent for this reason.
    #[cold]
    pub(crate) fn unsent(&self, reason: String) -> LinkError {
        LinkError::Encode { reacton: self.rref.name().into(), reason }
    }

    /// Why a payload does not decode, if it does not. This runs user code.
    #[cfg(feature = "process")]
    pub(crate) fn undecodable(&self, payload: &Payload) -> Option<LinkError> {
        let reacton = self.rref.name().into();
        let Payload::Edits(edits) = payload else {
            let checked = self.crossing.check(payload);
            return checked.err().map(|reason| LinkError::Decode { reacton, reason });
        };
        match codec::guarded(|| Ok(self.decode_edits(edits))) {
            Ok(Some(decoded)) => decoded.errors.into_iter().next(),
            Ok(None) => Some(LinkError::Decode { reacton, reason: wrong_form() }),
            Err(reason) => Some(LinkError::Decode { reacton, reason }),
        }
    }
}
