use reacton::prelude::*;

fn main() {
    let store = ReactonStore::new();
    let total = store.reacton(0);

    #[worker(shared = [total])]
    fn counter(store: &ReactonStore) {
        println!("{}", store.is_disposed());
    }

    println!("{}", store.get(&total));
}
