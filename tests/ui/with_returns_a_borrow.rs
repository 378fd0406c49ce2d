use reacton::prelude::*;

#[reacton]
static NAME: String = String::new();

fn main() {
    let store = ReactonStore::new();
    let name: &str = store.with(&NAME, |name| name.as_str());
    println!("{name}");
}
