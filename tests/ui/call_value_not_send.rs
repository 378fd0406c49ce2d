use reacton::prelude::*;

use std::rc::Rc;

#[call(zero_copy)]
static DRAW: Call<Rc<u32>, u32>;

fn main() {}
