use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let mut seen = Vec::new();
    store.effect(|cx| seen.push(cx.get(&COUNT)));
}
