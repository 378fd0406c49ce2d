use reacton::prelude::*;
use std::thread;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    let thread = thread::spawn(move || store.set(&COUNT, 1));
    let _ = thread.join();
}
