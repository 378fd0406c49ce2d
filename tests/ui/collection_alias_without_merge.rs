//! A collection under a name of the program's own, which the attribute takes for any other type.

use reacton::prelude::*;

type Rows = ReactonMap<u32, String>;

#[reacton]
static ROWS: Rows = Rows::new();

#[worker(shared = [ROWS])]
fn importer(store: &ReactonStore) {
    store.update(&ROWS, |rows| rows.insert(1, "one".into()));
}

fn main() {}
