use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, step: u32) {
    store.update(&COUNT, |n| *n += step);
}

fn main() -> Result<(), SpawnError> {
    counter::builder().spawn(&ReactonStore::new())?.detach();
    Ok(())
}
