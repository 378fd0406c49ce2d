use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton(id = "score")]
static SCORE: Family<u32, u32> = |_| 0;

#[reacton(id = "count")]
static COUNT: u32 = 0;

fn main() {
    let _ = Persist::new(saved![SCORE.of(1), #[cfg(test)] COUNT]);
}
