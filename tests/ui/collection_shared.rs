//! A collection in `shared`, whose entries do not cross links yet.

use reacton::prelude::*;

#[reacton]
static ROWS: ReactonMap<u32, String> = ReactonMap::new();

#[worker(shared = [ROWS])]
fn importer(store: &ReactonStore) {
    store.update(&ROWS, |rows| rows.insert(1, "one".into()));
}

fn main() {}
