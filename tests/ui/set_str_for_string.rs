use reacton::prelude::*;

#[reacton]
static NAME: String = String::new();

fn main() {
    let store = ReactonStore::new();
    store.set(&NAME, "Ada");
}
