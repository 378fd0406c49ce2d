use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton(id = "count")]
static COUNT: u32 = 0;

const ALL: Group = group![COUNT];

fn main() {
    let _ = Persist::new(saved![ALL]);
}
