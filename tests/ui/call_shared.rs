use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(shared = [DRAW])]
fn draws(store: &ReactonStore) {
    store.answer(&DRAW, |_, n, _| *n);
}

fn main() {}
