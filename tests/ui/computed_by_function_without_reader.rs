use reacton::prelude::*;

fn total() -> u32 {
    5
}

#[computed]
static TOTAL: u32 = total;

fn main() {}
