use reacton::prelude::*;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let total = store.reacton(0);
    let isolate = IsolateStore::spawn(&store, shared![total], |store| {
        println!("{}", store.is_disposed());
    })?;
    isolate.detach();
    Ok(())
}
