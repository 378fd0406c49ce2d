use reacton::prelude::*;

#[call]
static DRAW: Call<u32, String>;

#[worker(answers = [DRAW])]
fn draws(store: &ReactonStore) {
    store.answer(&DRAW, |_, n, _| n + 1);
}

fn main() {}
