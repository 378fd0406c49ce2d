//! What goes over a link. The messages keep the names that the Dart package gave them.

use std::borrow::Cow;
use std::time::Duration;

use reacton_core::RefId;

use super::change::{ChangeList, Version};
use super::edits::Held;
use super::ticket::Answered;
use super::value::Payload;
use crate::error::{LinkError, Mismatch};

/// The version of these messages, the same at both ends.
pub(crate) const PROTOCOL: u32 = 2;

/// How the main side introduces one shared reacton in the handshake.
#[derive(Debug, Clone)]
pub struct Introduction {
    /// Its id.
    pub id: RefId,
    /// The path of its declaration.
    pub name: Cow<'static, str>,
    /// The name of its values' type.
    pub type_name: Cow<'static, str>,
    /// What the `Deserialize` of its values asks for, if they cross as bytes to another program: the name of a type is not the
    /// same in each build, and does not say what its fields are. `None` between the threads of one program.
    pub shape: Option<String>,
    /// The version of the value.
    pub version: Version,
    /// The committed value, as of the moment of the spawn.
    pub payload: Payload,
    /// Whether main is subscribed to it. It is not if main has paused it before a restart.
    pub subscribed: bool,
}

impl Introduction {
    /// The largest clock in it.
    pub(crate) fn newest_clock(&self) -> u64 {
        let entries = match &self.payload {
            Payload::Edits(edits) => edits.newest_clock(),
            Payload::Bytes(_) | Payload::Counted(_) => 0,
        };
        entries.max(self.version.clock)
    }

    /// The first value of a reacton with this id that holds a number.
    #[cfg(all(test, feature = "process"))]
    pub(crate) fn of_number(id: u64) -> Self {
        Self {
            id: RefId::from_u64(id),
            name: "state::R".into(),
            type_name: "u64".into(),
            shape: None,
            version: Version::NEVER,
            payload: Payload::Bytes(crate::wire::value::Encoded::from(&[1][..])),
            subscribed: true,
        }
    }
}

/// Why a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// It was shut down, and has sent everything.
    Drained,
    /// It was disposed, from either side.
    Disposed,
    /// Its function returned an error.
    #[non_exhaustive]
    Failed {
        /// The text of the error.
        message: String,
    },
    /// It panicked.
    #[non_exhaustive]
    Panicked {
        /// The message of the panic.
        message: String,
        /// The place, as `file:line:column`, if the panic hook of this library was called.
        location: Option<String>,
        /// How long it had run.
        after: Duration,
        /// Whether it had applied a transaction and called all observers of it before it panicked.
        worked: bool,
    },
    /// It ran on another machine that cannot be reached any more, or that has ended it. The worker sends no such reason:
    /// the side that spawned it finds out.
    #[non_exhaustive]
    Lost {
        /// Which machine, and how it was lost.
        message: String,
        /// For how long the worker had run.
        after: Duration,
        /// As in `Panicked`.
        worked: bool,
    },
}

impl CloseReason {
    /// The message and the place of a failure; `None` if the worker has ended as it was asked to.
    pub(crate) fn failure(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Failed { message } | Self::Lost { message, .. } => Some((message, None)),
            Self::Panicked { message, location, .. } => Some((message, location.as_deref())),
            Self::Drained | Self::Disposed => None,
        }
    }
}

/// The mark of a `Marked` that answers none, and only raises the clock of its receiver. No store reaches this clock.
pub(crate) const NO_MARK: u64 = u64::MAX;

/// A message on a link. In each direction a link delivers them in order.
#[derive(Debug)]
#[non_exhaustive]
pub enum IsolateMessage {
    /// From the store that spawns to its worker, first of all and once: who speaks, and what the shared
    /// reactons are. The worker's store takes the values over before anything else happens in it.
    #[non_exhaustive]
    HandshakeInit {
        /// The version of the messages that the main side speaks.
        protocol: u32,
        /// The site that the worker's store writes as.
        site: u64,
        /// The number under which the worker's store adds to counters.
        counts_as: u64,
        /// The clock of the main store.
        clock: u64,
        /// The shared set, with committed values.
        reactons: Vec<Introduction>,
    },
    /// From the worker in answer, before its function is called: `spawn` returns when this arrives.
    #[non_exhaustive]
    HandshakeAck {
        /// What the two sides do not agree on; then the worker ends.
        mismatches: Vec<Mismatch>,
    },
    /// From either side, when a transaction has written to shared reactons: all of them that the peer is
    /// subscribed to, in one message. Also sent on by a store that shares them with others, and in answer to
    /// a subscription, with all that is newer.
    #[non_exhaustive]
    ReactonValueChanged {
        /// The sender's clock.
        clock: u64,
        /// What was written.
        changes: ChangeList,
    },
    /// From either side, when it wants to receive reactons again: [`IsolateStore::resume`](crate::IsolateStore::resume).
    #[non_exhaustive]
    ReactonSubscribe {
        /// Which, and what the subscriber holds of each.
        held: Vec<(RefId, Held)>,
    },
    /// From either side, when it wants to receive reactons no longer:
    /// [`IsolateStore::pause`](crate::IsolateStore::pause), and `dispose`.
    #[non_exhaustive]
    ReactonUnsubscribe {
        /// Which.
        ids: Vec<RefId>,
    },
    /// From a worker, when a value did not encode or decode: main shows it as
    /// [`IsolateStore::last_error`](crate::IsolateStore::last_error).
    #[non_exhaustive]
    ValueError {
        /// What went wrong.
        error: LinkError,
    },
    /// From a worker: the answer of a call that was made on the thread of its main store.
    Answered(Answered),
    /// From the store that spawned to those below it: all of them answer, so that removals up to this clock can be forgotten.
    #[non_exhaustive]
    Mark {
        /// The clock of the store that asks.
        clock: u64,
    },
    /// From a store to the one that spawned it, when the stores below it have answered: nothing that is older than the mark comes from
    /// there any more, but of what is paused. Also sent when the clock of a store was raised by very much: then it answers no mark
    /// (`u64::MAX`), and comes before all that has that clock.
    #[non_exhaustive]
    Marked {
        /// The clock in the mark.
        mark: u64,
        /// The sender's clock.
        clock: u64,
        /// The reactons that a store there has paused, or of which it waits for what it has missed.
        paused: Vec<RefId>,
    },
    /// From the store that spawned to those below it: every store has the removals up to this clock.
    #[non_exhaustive]
    Sweep {
        /// The clock in the mark.
        clock: u64,
        /// The reactons whose removals are swept.
        ids: Vec<RefId>,
    },
    /// From the main side, as its last message before `Closed`, when it shuts the worker down: the worker applies all
    /// earlier messages, drains its own isolates, and ends.
    Drain,
    /// From either side, as the last item of the link.
    #[non_exhaustive]
    Closed {
        /// Why.
        reason: CloseReason,
    },
}
