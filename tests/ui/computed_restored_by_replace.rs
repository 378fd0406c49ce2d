use reacton::prelude::*;

#[computed]
static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.replace(&TWICE, 1));
}
