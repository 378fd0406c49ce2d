use reacton::prelude::*;

mod state {
    use reacton::prelude::*;

    #[derive(Clone, PartialEq)]
    pub struct Picture {
        pub pixels: Vec<u8>,
    }

    #[reacton]
    pub static PICTURE: Picture = Picture { pixels: Vec::new() };
}

#[worker(shared = [state::PICTURE])]
fn loader(store: &ReactonStore) {
    let pixels = vec![1, 2, 3];
    store.set(&state::PICTURE, state::Picture { pixels });
}

fn main() {}
