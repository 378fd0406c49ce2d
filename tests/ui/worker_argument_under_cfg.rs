use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore, #[cfg(windows)] step: u32) {
    #[cfg(windows)]
    store.set(&COUNT, step);
    #[cfg(not(windows))]
    store.set(&COUNT, 1);
}

fn main() {}
