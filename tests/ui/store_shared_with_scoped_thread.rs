use reacton::prelude::*;
use std::thread;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    thread::scope(|scope| {
        scope.spawn(|| store.set(&COUNT, 1));
    });
}
