//! The stream of bytes between the two ends of a road, and what sends to main on it.

use std::sync::Arc;

use super::Road;
use crate::host::network::bytes::Stream;
use crate::host::simulated::Simulated;
use crate::link::{Delivery, SendCounter, Sender};

/// A road has one after another: a stream for each machine that the client asks for a place.
pub(super) struct Way {
    delivery: Delivery,
    stream: Arc<Stream>,
    /// Sends from the worker to main.
    up: Arc<Sender>,
    counter: SendCounter,
}

impl Way {
    pub(super) fn new(host: &Arc<Simulated>, delivery: Delivery) -> Self {
        let counter = SendCounter::default();
        let up = Arc::new(Sender::new(delivery, counter.clone()));
        Self { delivery, stream: Arc::new(Stream::new(host)), up, counter }
    }
}

impl Road {
    /// Opens another stream. What was sent on the present one is thrown away.
    pub(super) fn open_stream(&self) {
        let delivery = self.way.borrow().delivery;
        self.way.replace(Way::new(&self.host, delivery));
    }

    pub(super) fn stream(&self) -> Arc<Stream> {
        Arc::clone(&self.way.borrow().stream)
    }

    pub(super) fn up(&self) -> Arc<Sender> {
        Arc::clone(&self.way.borrow().up)
    }

    /// Counts what the worker sends.
    pub(super) fn counter(&self) -> SendCounter {
        self.way.borrow().counter.clone()
    }
}
