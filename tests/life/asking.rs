//! When an async worker that is shut down asks for more: what it has been given and has not read yet is not lost.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use futures::StreamExt as _;
use reacton::prelude::*;

use crate::{INPUT, OUTPUT, SOON, hear};

#[reacton]
static SETTING: u32 = 0;

/// Writes inputs, sends the drain behind them, lets the worker begin to ask, and returns all outputs.
fn drained(
    spawn: impl FnOnce(&ReactonStore, Receiver<()>) -> Result<IsolateStore, SpawnError>,
    inputs: u32,
) -> Vec<u32> {
    let store = ReactonStore::new();
    let outputs = store.reacton(Vec::new());
    store.subscribe(&OUTPUT, move |store, n| store.update(&outputs, |all| all.push(*n)));
    let (go, gone) = channel();
    let worker = spawn(&store, gone).expect("it starts");
    (1..=inputs).for_each(|n| store.set(&INPUT, n));
    let ended = worker.try_shutdown(Duration::ZERO);
    assert!(matches!(ended, Err(ShutdownError::TimedOut { .. })), "{ended:?}");
    go.send(()).expect("it waits");
    assert_eq!(worker.try_shutdown(SOON), Ok(()));
    store.get(&outputs)
}

#[test]
fn l2_shutdown_ends_a_worker_whose_last_turn_took_in_nothing_of_its_stream() {
    #[worker(shared = [INPUT, OUTPUT, SETTING])]
    async fn settings_only(store: ReactonStore, go: Receiver<()>) {
        store.subscribe(&INPUT, |store, n| store.set(&OUTPUT, *n));
        hear(&go);
        let mut settings = store.changes(&SETTING);
        while settings.next().await.is_some() {}
    }
    assert_eq!(drained(|store, go| settings_only::spawn(store, go), 1), [1]);
}
