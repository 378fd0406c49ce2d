use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(answers = [DRAW, DRAW])]
fn answers(store: &ReactonStore) {
    store.answer(&DRAW, |_, n, _| *n);
}

fn main() {}
