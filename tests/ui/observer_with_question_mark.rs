use reacton::prelude::*;

#[reacton]
static TEXT: String = String::new();

#[reacton]
static NUMBER: i32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.subscribe(&TEXT, |store, text| {
        store.set(&NUMBER, text.parse()?);
    });
}
