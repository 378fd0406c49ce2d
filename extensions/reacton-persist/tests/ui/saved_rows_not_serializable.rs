use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(Clone, PartialEq, Debug)]
struct Row;

#[reacton(id = "rows")]
static ROWS: ReactonMap<u32, Row> = ReactonMap::new();

fn main() {
    let _ = Persist::new(saved![ROWS]);
}
