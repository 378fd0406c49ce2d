use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

#[worker(answers = [DRAW])]
fn draws(store: &ReactonStore) {
    store.answer_async(&DRAW, |_, n, _| n + 1);
}

fn main() {}
