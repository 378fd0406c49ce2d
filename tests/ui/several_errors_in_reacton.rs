use reacton::prelude::*;

#[reacton(zerocopy, id = "", eq)]
static mut COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.set(&COUNT, store.get(&COUNT) + 1);
}
