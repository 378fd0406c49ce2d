use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

struct Counter;

impl Counter {
    #[worker(shared = [COUNT])]
    fn run(store: &ReactonStore) {
        store.update(&COUNT, |n| *n += 1);
    }
}

fn main() {
    let _ = Counter;
}
