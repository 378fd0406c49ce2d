use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[computed(id = "total")]
static TOTAL: u8 = |_| 1;

fn main() {
    let _ = Persist::new(saved![TOTAL]);
}
