use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

struct Counter {
    step: u32,
}

impl Counter {
    #[worker(shared = [COUNT])]
    fn run(store: &ReactonStore, counter: Box<Self>) {
        store.update(&COUNT, |n| *n += counter.step);
    }
}

fn main() {
    let _ = Counter { step: 1 };
}
