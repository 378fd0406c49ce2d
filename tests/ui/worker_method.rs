use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

struct Counter {
    step: u32,
}

impl Counter {
    #[worker(shared = [COUNT])]
    fn run(&self, store: &ReactonStore) {
        store.update(&COUNT, |n| *n += self.step);
    }
}

fn main() {
    let _ = Counter { step: 1 };
}
