use reacton::prelude::*;

#[reacton]
static COUNT: i32 = 0;

async fn save(_: i32) {}

fn main() {
    let store = ReactonStore::new();
    store.subscribe(&COUNT, async |_, count| save(*count).await);
}
