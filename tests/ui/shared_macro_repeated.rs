use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let isolate = IsolateStore::spawn(&store, shared![COUNT, COUNT], |store| {
        println!("{}", store.is_disposed());
    })?;
    isolate.detach();
    Ok(())
}
