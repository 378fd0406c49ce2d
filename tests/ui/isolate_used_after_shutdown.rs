use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    let worker = counter::spawn(&store)?;
    worker.shutdown(std::time::Duration::from_secs(1))?;
    worker.dispose();
    Ok(())
}
