use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
async fn counter(store: &ReactonStore) {
    store.turn().await;
    store.update(&COUNT, |n| *n += 1);
}

fn main() {}
