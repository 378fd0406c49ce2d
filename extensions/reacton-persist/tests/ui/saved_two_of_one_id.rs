use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton(id = "volume")]
static VOLUME: u8 = 0;

#[reacton(id = "volume")]
static LOUDNESS: u8 = 0;

fn main() {
    let _ = Persist::new(saved![VOLUME, LOUDNESS]);
}
