use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let store = ReactonStore::new();
    store.batch(|store| {
        store.set(&COUNT, "7".parse()?);
        Ok(())
    });
}
