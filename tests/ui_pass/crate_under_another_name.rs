//! `crate = path` sets the path of the library.

mod vendored {
    pub use ::reacton as state;
}

use vendored::state::prelude::*;

#[reacton(crate = vendored::state)]
static COUNT: u32 = 0;

#[reacton(crate = crate::vendored::state, zero_copy)]
static BYTES: Vec<u8> = Vec::new();

#[computed(crate = vendored::state)]
static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

#[worker(shared = [COUNT, BYTES], delivery = latest, crate = vendored::state)]
fn counter(store: &ReactonStore, step: u32) {
    store.update(&COUNT, |n| *n += step);
}

#[reacton(crate = vendored::state)]
static SCORE: Family<u8, u32> = |_| 0;

fn nearer(a: &u32, b: &u32) -> bool {
    a == b
}

// One that is nearly `never`, and is there.
#[reacton(crate = vendored::state, eq = nearer)]
static NEAR: u32 = 0;

#[worker(shared = [COUNT], crate = crate::vendored::state)]
async fn later(store: ReactonStore) {
    store.set(&COUNT, 5);
}

// The name that the attributes would use by themselves means something else here.
mod elsewhere {
    use super::vendored::state as rx;

    #[allow(dead_code)]
    mod reacton {}

    #[rx::reacton(crate = rx)]
    pub static LENGTH: usize = 0;

    #[rx::worker(shared = [LENGTH], crate = rx)]
    pub fn measure(store: &rx::ReactonStore) {
        store.set(&LENGTH, 3);
    }
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    counter(&store, 2);
    elsewhere::measure(&store);
    assert_eq!((store.get(&TWICE), store.get(&elsewhere::LENGTH)), (4, 3));
    counter::spawn(&store, 1)?.dispose();
    later::spawn(&store)?.dispose();
    elsewhere::measure::spawn(&store)?.dispose();
    assert_eq!((store.get(&SCORE.of(1)), store.get(&NEAR)), (0, 0));
    let set = vendored::state::shared![COUNT, elsewhere::LENGTH];
    IsolateStore::spawn(&store, set, |_| {})?.dispose();
    Ok(())
}
