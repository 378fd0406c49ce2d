use reacton::prelude::*;

#[derive(Clone, PartialEq)]
struct Player {
    name: String,
}

#[reacton]
static PLAYER: Family<u32, Player> = |_| Player { name: String::new() };

#[worker(shared = [PLAYER])]
fn referee(store: &ReactonStore) {
    store.set(&PLAYER.of(1), Player { name: "Ada".into() });
}

fn main() {}
