use reacton::prelude::*;

fn main() {
    let store = ReactonStore::new();
    let total = store.reacton(0);
    store.handle().set(&total, 1);
    store.pump();
}
