use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
async fn counter(store: ReactonStore, name: &str) {
    store.turn().await;
    println!("{name}");
}

fn main() {}
