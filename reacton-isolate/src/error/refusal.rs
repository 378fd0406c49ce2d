//! Why a host does not start a worker: one on another machine, or this program.

use super::ShutdownError;

/// Why a host on another machine does not start a worker.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The host, or the share of it that one peer may use, is full.
    #[error(
        "{running} of {capacity} workers run there already; wait until one ends, or raise its `capacity` or `per_peer`"
    )]
    #[non_exhaustive]
    Full {
        /// How many workers run.
        running: usize,
        /// How many may run.
        capacity: usize,
    },
    /// The host does not offer the worker under this name.
    #[error("it offers {}; add the worker to an `offer` of the host", offers(.offered))]
    #[non_exhaustive]
    NotOffered {
        /// What it offers to this peer.
        offered: Vec<String>,
    },
    /// The key of this program is not among those that the host allows.
    #[error("it does not allow the key of this program; add the key to `allow` of the host")]
    NotAllowed,
    /// The host is about to end.
    #[error("it is about to end")]
    Ending,
}

impl Refusal {
    /// A host is full.
    #[doc(hidden)]
    #[must_use]
    pub const fn full(running: usize, capacity: usize) -> Self {
        Self::Full { running, capacity }
    }

    /// A host offers other workers.
    #[doc(hidden)]
    #[must_use]
    pub const fn not_offered(offered: Vec<String>) -> Self {
        Self::NotOffered { offered }
    }
}

fn offers(offered: &[String]) -> String {
    if offered.is_empty() { String::from("nothing") } else { format!("`{}`", offered.join("`, `")) }
}

/// Why this program starts no process for a worker.
pub(super) fn not_served(worker: &str, served: Option<&[&str]>) -> String {
    match served {
        None => format!(
            "this program does not serve it; write `reacton::process::serve(workers![{worker}]);` as the first line of `main`, or \
             `reacton::process::test_workers![{worker}];` once in a test program"
        ),
        Some(served) => format!(
            "it is not among `workers![{}]`, which this program serves; add it there",
            served.join(", ")
        ),
    }
}

impl ShutdownError {
    /// The machine of the worker was lost.
    pub(crate) fn lost(worker: &str) -> Self {
        let message = String::from("its machine cannot be reached any more");
        Self::Failed { worker: worker.to_owned(), message, location: None }
    }
}
