use reacton::prelude::*;

struct Model {
    count: LocalReacton<u32>,
}

fn main() {
    let store = ReactonStore::new();
    let model = Model { count: store.reacton(0) };
    std::thread::spawn(move || model.count);
}
