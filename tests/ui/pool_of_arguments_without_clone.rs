use reacton::prelude::*;
use std::sync::mpsc::Receiver;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, steps: Receiver<u32>) {
    store.set(&COUNT, steps.iter().sum());
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let (_sender, steps) = std::sync::mpsc::channel();
    counter::builder().pool(2).spawn(&store, steps)?.detach();
    Ok(())
}
