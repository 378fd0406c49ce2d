use reacton::prelude::*;
use std::sync::mpsc::Receiver;
use std::time::Duration;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, steps: Receiver<u32>) {
    store.set(&COUNT, steps.iter().sum());
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let (_sender, steps) = std::sync::mpsc::channel();
    let restart = Restart::OnPanic {
        max: 3,
        within: Duration::from_secs(60),
        backoff: Duration::from_millis(10),
    };
    counter::builder()
        .restart(restart)
        .spawn(&store, steps)?
        .detach();
    Ok(())
}
