use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(store: &ReactonStore) -> Option<()> {
    let next = store.get(&COUNT).checked_add(1)?;
    store.set(&COUNT, next);
    Some(())
}

fn main() {}
