//! The source of a worker's jobs and queued calls: a queue of this process, or one of the process that spawned it.

use std::sync::Arc;

use reacton_core::Mailbox;

use super::Jobs;
use super::jobs::Job;
#[cfg(feature = "process")]
use super::remote::Remote;
use crate::sync::LinkId;
use crate::wire::ticket::{CallRef, Ticket};

/// The queue of a worker, at its end of the link.
#[derive(Clone)]
pub(crate) enum Queue {
    Here(Arc<Jobs>),
    /// Jobs arrive from the other process, one for each request.
    #[cfg(feature = "process")]
    Away(Arc<Remote>),
}

impl From<Arc<Jobs>> for Queue {
    fn from(jobs: Arc<Jobs>) -> Self {
        Self::Here(jobs)
    }
}

impl Queue {
    /// Returns whether the worker answers `call`.
    pub(super) fn answers(&self, call: CallRef) -> bool {
        match self {
            Self::Here(jobs) => jobs.callee().answers(call),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.call(call).is_some(),
        }
    }

    /// As [`Jobs::next`].
    #[inline]
    pub(super) fn next(
        &self,
        link: LinkId,
        mailbox: impl FnOnce() -> Mailbox,
        begins: impl FnOnce() -> bool,
    ) -> Option<(Job, bool)> {
        match self {
            Self::Here(jobs) => jobs.next(link, || mailbox().into(), begins),
            #[cfg(feature = "process")]
            Self::Away(remote) => {
                remote.ask();
                None
            }
        }
    }

    /// As [`Jobs::begin`].
    #[cfg_attr(not(feature = "process"), expect(unused_variables, reason = "as with processes"))]
    pub(super) fn begin(&self, link: LinkId, number: u64) -> bool {
        match self {
            Self::Here(jobs) => jobs.begin(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.begin(number),
        }
    }

    /// As [`Jobs::finish`].
    pub(super) fn finish(&self, link: LinkId) {
        match self {
            Self::Here(jobs) => jobs.finish(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.finish(),
        }
    }

    /// As [`Jobs::detach`].
    pub(super) fn detach(&self, link: LinkId) {
        match self {
            Self::Here(jobs) => jobs.detach(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.detach(),
        }
    }

    /// As [`Jobs::finish_detached`].
    pub(super) fn finish_detached(&self, link: LinkId, number: u64) {
        match self {
            Self::Here(jobs) => jobs.finish_detached(link, number),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.finish_detached(number),
        }
    }

    /// As [`Jobs::busy`].
    pub(super) fn busy(&self, link: LinkId) -> bool {
        match self {
            Self::Here(jobs) => jobs.busy(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.busy(),
        }
    }

    /// As [`Jobs::drain`].
    pub(super) fn drain(&self, link: LinkId) {
        match self {
            Self::Here(jobs) => jobs.drain(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.drain(),
        }
    }

    /// As [`Jobs::resign`].
    pub(super) fn resign(&self, link: LinkId) -> bool {
        match self {
            Self::Here(jobs) => jobs.resign(link),
            #[cfg(feature = "process")]
            Self::Away(remote) => remote.resign(),
        }
    }

    /// Called when the worker is about to answer a call that came over the link. Returns `false` if the worker is to
    /// end; then the call must not begin.
    #[inline]
    #[cfg_attr(not(feature = "process"), expect(unused_variables, reason = "as with processes"))]
    pub(super) fn begin_call(&self, ticket: &Ticket) -> bool {
        match self {
            Self::Here(_) => true,
            #[cfg(feature = "process")]
            Self::Away(remote) => ticket.key().is_none_or(|key| remote.begin_call(key)),
        }
    }

    /// Reports that the answer of this call panics.
    #[cfg_attr(not(feature = "process"), expect(clippy::unused_self, reason = "as with processes"))]
    pub(super) fn note_fault(&self, ticket: &Ticket) {
        ticket.note_fault();
        #[cfg(feature = "process")]
        if let (Self::Away(remote), Some(key)) = (self, ticket.key()) {
            remote.note_fault(key);
        }
    }

    /// As [`Jobs::fail`]. Does nothing for a queue of another process, which learns by itself how this process ends.
    pub(super) fn fail(&self, link: LinkId, message: &str, location: Option<&str>) {
        match self {
            Self::Here(jobs) => jobs.fail(link, message, location),
            #[cfg(feature = "process")]
            Self::Away(_) => {}
        }
    }
}
