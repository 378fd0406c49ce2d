use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
struct Name(u8);

#[reacton(id = "points")]
static POINTS: Family<Name, u8> = |_| 0;

fn main() {
    let _ = Persist::new(saved![POINTS]);
}
