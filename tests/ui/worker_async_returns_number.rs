use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
async fn counter(store: ReactonStore) -> u32 {
    store.turn().await;
    store.get(&COUNT) + 1
}

fn main() {}
