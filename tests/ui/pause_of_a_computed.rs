use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[computed]
static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let worker = counter::spawn(&store)?;
    worker.pause(&TWICE);
    Ok(())
}
