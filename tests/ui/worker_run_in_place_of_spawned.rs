use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) {
    store.update(&COUNT, |n| *n += 1);
}

fn main() {
    let store = ReactonStore::new();
    let worker: IsolateStore = counter(&store);
    worker.detach();
}
