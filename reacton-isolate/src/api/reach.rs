//! What the extension for other machines is made of. Public for the packages of this repository alone: any release may
//! change it.

use std::sync::Arc;
use std::time::Duration;

pub use crate::error::Refusal;
pub use crate::host::choice::{Hearing, Load, Places, Search};
use crate::host::guest::{Served, run_hosted};
use crate::host::relay;
pub use crate::wire::frame::Terms;
pub use crate::worker::carrier::{
    Carrier, CarrierError, Departure, Ending, Received, Road, RoadSender, unparking,
};

use super::process::Workers;

/// A place where workers run. Only the extensions of this library implement it.
pub trait Place {
    /// Returns what starts workers there.
    #[doc(hidden)]
    fn __carrier(&self, offer: &str) -> Arc<dyn Carrier>;
}

/// Checks that processes of this program would run the workers.
///
/// # Errors
/// If not: what to do.
pub fn check_processes(workers: &Workers) -> Result<(), String> {
    workers.0.iter().try_for_each(|worker| relay::processes(worker).map(drop))
}

/// Runs the worker with this path in a process of its own, and passes on its bytes. Returns when it has ended.
///
/// # Errors
/// If the process could not be started.
pub fn run_one_in_process(
    workers: &Workers,
    path: &str,
    road: Box<dyn Road>,
    terms: Terms,
) -> Result<(), CarrierError> {
    let worker = workers.0.iter().find(|worker| Served::path(worker) == path);
    let worker = worker.ok_or_else(|| CarrierError::Failed(format!("`{path}` is not served")))?;
    relay::relay(road, worker, terms)
}

/// Returns the path of the function and the name of each worker.
#[must_use]
pub fn names(workers: &Workers) -> Vec<(&'static str, &'static str)> {
    workers.0.iter().map(|worker| (worker.path(), worker.name())).collect()
}

/// Runs one of the workers on a thread of its own, as the first frames of the road ask, which have to come `within` this
/// time. Returns when the worker has ended.
pub fn run_one(workers: &Workers, road: Box<dyn Road>, terms: Terms, within: Duration) {
    run_hosted(&workers.0, road, terms, within);
}
