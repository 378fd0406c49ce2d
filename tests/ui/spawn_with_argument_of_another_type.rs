use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, step: u32) {
    store.update(&COUNT, |n| *n += step);
}

fn main() -> Result<(), SpawnError> {
    counter::spawn(&ReactonStore::new(), "1")?.detach();
    Ok(())
}
