//! How long a value may be that is sent: as long as it likes, unless the other end of a road has a limit.

use reacton_core::RefId;

use super::{Lane, Outbox};

impl Outbox {
    /// The longest value that may be sent, in bytes.
    #[inline]
    pub(crate) fn max_value(&self) -> u64 {
        match &self.lane {
            Lane::Every(_) | Lane::Latest(..) | Lane::Sink(_) => u64::MAX,
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.max_value(),
        }
    }

    /// Whether a value of this length may be sent, which the caller does next. If not: why.
    #[inline]
    #[cfg_attr(
        not(feature = "process"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "only a road has a limit")
    )]
    pub(crate) fn admit(&self, id: RefId, len: usize) -> Result<(), String> {
        match &self.lane {
            Lane::Every(_) | Lane::Latest(..) | Lane::Sink(_) => Ok(()),
            #[cfg(feature = "process")]
            Lane::Road(sender) => sender.admit(id, len),
        }
    }
}
