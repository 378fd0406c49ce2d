use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

trait Counter {
    #[worker(shared = [COUNT])]
    fn run(store: &ReactonStore);
}

fn main() {}
