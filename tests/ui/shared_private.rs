use reacton::prelude::*;

mod state {
    use reacton::prelude::*;

    #[reacton]
    static COUNT: u32 = 0;
}

#[worker(shared = [state::COUNT])]
fn counter(store: &ReactonStore) {
    println!("{}", store.is_disposed());
}

fn main() {}
