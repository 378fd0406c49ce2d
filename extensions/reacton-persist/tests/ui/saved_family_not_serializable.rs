use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(Clone, PartialEq, Debug)]
struct Player;

#[reacton(id = "player")]
static PLAYER: Family<u32, Player> = |_| Player;

fn main() {
    let _ = Persist::new(saved![PLAYER]);
}
