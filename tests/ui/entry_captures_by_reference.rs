use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let step = std::env::args().count() as u32;
    let isolate = IsolateStore::spawn(&store, shared![COUNT], |store| {
        store.update(&COUNT, |n| *n += step);
    })?;
    isolate.detach();
    Ok(())
}
