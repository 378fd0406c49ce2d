use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton]
static SETTINGS: u8 = 0;

#[reacton(id = "volume")]
static VOLUME: u8 = 0;

fn main() {
    let _ = Persist::new(saved![VOLUME, SETTINGS]);
}
