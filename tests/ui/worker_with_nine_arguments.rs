use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
fn counter(
    store: &ReactonStore,
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
) {
    store.set(&COUNT, [a, b, c, d, e, f, g, h, i].into_iter().map(u32::from).sum());
}

fn main() {}
