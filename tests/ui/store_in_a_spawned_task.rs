use reacton::prelude::*;

#[reacton]
static COUNT: i32 = 0;

fn spawn(_: impl Future<Output = i32> + Send + 'static) {}

fn main() {
    spawn(async {
        let store = ReactonStore::new();
        while store.turn().await > 0 {}
        store.get(&COUNT)
    });
}
