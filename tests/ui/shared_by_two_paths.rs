use reacton::prelude::*;

mod state {
    use reacton::prelude::*;

    #[reacton]
    pub static COUNT: u32 = 0;
}

use state::COUNT;

#[worker(shared = [COUNT, state::COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
