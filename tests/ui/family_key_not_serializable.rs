use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Player {
    number: u32,
}

#[reacton]
static SCORE: Family<Player, i64> = |player| i64::from(player.number);

fn main() {}
