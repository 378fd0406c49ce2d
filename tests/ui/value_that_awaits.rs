use reacton::prelude::*;

async fn start() -> u32 {
    0
}

#[reacton]
static COUNT: u32 = start().await;

fn main() {}
