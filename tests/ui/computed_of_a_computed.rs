use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[computed]
static TWICE: Computed<u32> = |cx| cx.get(&COUNT) * 2;

fn main() {
    println!("{}", ReactonStore::new().get(&TWICE));
}
