use reacton::prelude::*;

#[reacton]
static COUNT: Reacton<u32> = 0;

fn main() {
    ReactonStore::new().set(&COUNT, 1);
}
