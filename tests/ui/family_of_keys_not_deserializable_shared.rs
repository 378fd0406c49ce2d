use reacton::prelude::*;
use serde::Serialize;

#[derive(Clone, PartialEq, Serialize)]
struct Player {
    number: u32,
}

#[reacton]
static SCORE: Family<Player, i64> = |_| 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let isolate = IsolateStore::spawn(&store, shared![SCORE], |store| {
        println!("{}", store.is_disposed());
    })?;
    isolate.detach();
    Ok(())
}
