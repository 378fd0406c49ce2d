use reacton::prelude::*;

#[reacton]
static SCORE: Family<u32, i64> = |_| 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let isolate = IsolateStore::spawn(&store, shared![SCORE.of(1)], |store| {
        println!("{}", store.is_disposed());
    })?;
    isolate.detach();
    Ok(())
}
