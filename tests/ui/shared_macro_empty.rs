use reacton::prelude::*;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let isolate = IsolateStore::spawn(&store, shared![], |store| {
        println!("{}", store.is_disposed());
    })?;
    isolate.detach();
    Ok(())
}
