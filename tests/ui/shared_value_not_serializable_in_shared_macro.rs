use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Picture {
    pixels: Vec<u8>,
}

#[reacton]
static PICTURE: Picture = Picture { pixels: Vec::new() };

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let loader = IsolateStore::spawn(&store, shared![PICTURE], |store| {
        store.set(
            &PICTURE,
            Picture {
                pixels: vec![1, 2, 3],
            },
        );
    })?;
    loader.detach();
    Ok(())
}
