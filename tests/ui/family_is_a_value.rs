use reacton::prelude::*;

#[reacton]
static SCORE: Family<u32, i64> = 0;

fn main() {
    let store = ReactonStore::new();
    println!("{}", store.get(&SCORE.of(1)));
}
