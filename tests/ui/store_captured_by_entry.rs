use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let main_store = ReactonStore::new();
    let there = main_store.clone();
    let isolate = IsolateStore::spawn(&main_store, shared![COUNT], move |store| {
        there.set(&COUNT, store.get(&COUNT) + 1);
    })?;
    isolate.detach();
    Ok(())
}
