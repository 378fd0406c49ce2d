use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let _both = shared![in COUNT, out COUNT];
}
