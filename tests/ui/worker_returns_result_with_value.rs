use reacton::prelude::*;
use std::num::ParseIntError;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) -> Result<u32, ParseIntError> {
    let step: u32 = "1".parse()?;
    Ok(store.get(&COUNT) + step)
}

fn main() {}
