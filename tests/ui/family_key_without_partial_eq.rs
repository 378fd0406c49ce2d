use reacton::prelude::*;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct Player {
    number: u32,
}

#[reacton]
static SCORE: Family<Player, i64> = |player| i64::from(player.number);

fn main() {}
