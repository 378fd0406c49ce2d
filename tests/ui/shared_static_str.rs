use reacton::prelude::*;

#[reacton]
static NAME: &'static str = "a";

#[reacton]
static CHOSEN: Option<&'static str> = None;

#[reacton]
static LIST: Vec<&'static [u8]> = Vec::new();

#[worker(shared = [NAME, CHOSEN])]
fn worker(_: &ReactonStore) {}

fn main() {
    let _ = shared![LIST];
}
