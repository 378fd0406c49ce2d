use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let total = store.reacton(0);
    let isolate = IsolateStore::spawn(&store, shared![COUNT], move |store| {
        store.set(&total, store.get(&COUNT));
    })?;
    isolate.detach();
    Ok(())
}
