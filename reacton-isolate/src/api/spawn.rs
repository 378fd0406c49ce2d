//! The shortest ways to start a worker: a shared set and an entry, without options.

use reacton_core::ReactonStore;

use crate::api::begin::Spawning;
use crate::api::builder::IsolateBuilder;
use crate::error::SpawnError;
use crate::isolate::handle::IsolateStore;
use crate::shared::SharedSet;
use crate::worker::outcome::Outcome;

impl IsolateStore {
    /// Starts `entry` on a thread of its own, with a store of its own that shares the reactons of `shared` with `store`.
    ///
    /// Returns after the handshake: the worker's store holds the committed values as of this call, and what is
    /// written from now on reaches it. When `entry` returns, the worker goes on taking turns until it is
    /// disposed or shut down; what `entry` subscribed to goes on being heard.
    ///
    /// # Errors
    /// If the thread cannot be started, ends early or stays silent, and if a shared value does not encode. No
    /// thread is left behind then.
    ///
    /// # Panics
    /// If another reacton in `store` has the id of a shared one.
    pub fn spawn<O: Outcome>(
        store: &ReactonStore,
        shared: impl Into<SharedSet>,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Result<Self, SpawnError> {
        Self::builder().shared(shared).spawn(store, entry)
    }

    /// As [`spawn`](Self::spawn), but waits for the handshake without blocking the thread.
    ///
    /// The thread is started by the call, and takes over the values of that moment; the entry is called once this is
    /// awaited. Dropping the future disposes the isolate.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn) does.
    pub fn spawn_async<O: Outcome>(
        store: &ReactonStore,
        shared: impl Into<SharedSet>,
        entry: impl FnOnce(&ReactonStore) -> O + Send + 'static,
    ) -> Spawning {
        Self::builder().shared(shared).spawn_async(store, entry)
    }

    /// Options for an isolate.
    pub fn builder() -> IsolateBuilder {
        IsolateBuilder::default()
    }
}
