use reacton::prelude::*;

#[call]
static DRAW: Call<u32, u32>;

fn main() {
    let store = ReactonStore::new();
    let worker = IsolateStore::builder().answers(&DRAW).spawn(&store, |_: &ReactonStore| {}).unwrap();
    worker.call(&DRAW, "seven").detach();
}
