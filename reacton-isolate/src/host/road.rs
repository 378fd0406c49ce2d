//! The two ends of a road to a worker elsewhere: how each end handles arriving frames. They use no socket and no clock,
//! so the simulation runs the same code.

mod gate;
mod main_end;
mod orders;
mod worker_end;

use crate::link::Delivery;
use crate::wire::frame::{FRAMES, Hello};
use crate::worker::setup::WorkerSetup;

pub(crate) use self::main_end::{Limits, MainEnd, Step, Stop};
pub(crate) use self::worker_end::{Introduced, WorkerEnd};

/// Returns the first frame of a road, which describes the worker to its process.
pub(crate) fn hello(setup: &WorkerSetup) -> Hello {
    Hello {
        version: FRAMES,
        name: setup.name.clone(),
        every: setup.delivery == Delivery::Every,
        queue: setup.agent.as_ref().and_then(|agent| agent.queue()),
        max_value: u64::MAX,
        ..Hello::default()
    }
}

/// Returns the delivery that a `Hello` asks for.
pub(crate) fn delivery(hello: &Hello) -> Delivery {
    if hello.every { Delivery::Every } else { Delivery::Latest }
}
