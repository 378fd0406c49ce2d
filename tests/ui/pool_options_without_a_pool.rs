use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    counter::builder().for_all(shared![COUNT]).spawn(&store)?.detach();
    Ok(())
}
