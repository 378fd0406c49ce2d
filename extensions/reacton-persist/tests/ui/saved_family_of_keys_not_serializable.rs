use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Player;

#[reacton(id = "score")]
static SCORE: Family<Player, u32> = |_| 0;

fn main() {
    let _ = Persist::new(saved![SCORE]);
}
