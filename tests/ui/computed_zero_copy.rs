use reacton::prelude::*;

#[reacton]
static LENGTH: usize = 10;

#[computed(zero_copy)]
static ZEROS: Vec<u8> = |cx| vec![0; cx.get(&LENGTH)];

fn main() {}
