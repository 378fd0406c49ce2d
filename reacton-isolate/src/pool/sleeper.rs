//! Wakes a member that has nothing to do.

#[cfg(feature = "process")]
use std::sync::Weak;

use reacton_core::Mailbox;

#[cfg(feature = "process")]
use super::agent::Agent;
use super::member::wake;
use crate::sync::LinkId;

/// What wakes a member.
#[derive(Clone)]
pub(crate) enum Sleeper {
    /// Puts an item into the member's inbox that makes it look for a job.
    Store(Mailbox),
    /// The member is in another process: the agent that represents it here looks for a job.
    #[cfg(feature = "process")]
    Away(Weak<Agent>),
}

impl From<Mailbox> for Sleeper {
    fn from(mailbox: Mailbox) -> Self {
        Self::Store(mailbox)
    }
}

impl Sleeper {
    /// Makes the member behind `link` look. Called outside of all locks.
    #[inline]
    pub(super) fn wake(&self, link: LinkId) {
        match self {
            Self::Store(mailbox) => wake(mailbox, link),
            #[cfg(feature = "process")]
            Self::Away(agent) => {
                if let Some(agent) = agent.upgrade() {
                    agent.look();
                }
            }
        }
    }
}
