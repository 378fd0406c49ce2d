use reacton::prelude::*;

#[reacton]
static COUNT: i32 = 0;

fn next(handle: &StoreHandle) -> i32 {
    handle.get(&COUNT) + 1
}

fn main() {}
