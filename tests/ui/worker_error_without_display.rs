use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

struct TooMany;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) -> Result<(), TooMany> {
    if store.get(&COUNT) > 9 {
        Err(TooMany)
    } else {
        Ok(())
    }
}

fn main() {}
