//! A collection in `shared`, whose rows cannot be sent as serialized copies.

use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Row {
    name: String,
}

#[reacton]
static ROWS: ReactonMap<u32, Row> = ReactonMap::new();

#[worker(shared = [ROWS])]
fn importer(store: &ReactonStore) {
    store.update(&ROWS, |rows| rows.insert(1, Row { name: "one".into() }));
}

fn main() {}
