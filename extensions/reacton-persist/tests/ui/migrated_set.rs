use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[reacton(id = "tags")]
static TAGS: ReactonSet<u8> = ReactonSet::new();

fn main() {
    let _ = Persist::new(saved![TAGS]).migrate(&TAGS, 2, |old: u8| old);
}
