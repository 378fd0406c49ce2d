use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton(id = "name")]
static NAME: &'static str = "Ada";

fn main() {
    let _ = Persist::new(saved![NAME]);
}
