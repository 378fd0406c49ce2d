use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let isolate = IsolateStore::spawn(&store, shared![COUNT], |store| {
        store.set(&COUNT, "7".parse()?);
        Ok(())
    })?;
    isolate.detach();
    Ok(())
}
