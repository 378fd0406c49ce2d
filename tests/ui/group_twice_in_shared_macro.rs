use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

const IMAGES: Group = group![PATH, THEME];

fn spawn(store: &ReactonStore) -> Result<IsolateStore, SpawnError> {
    IsolateStore::spawn(store, shared![..IMAGES, PATH], |_| ())
}

fn main() {}
