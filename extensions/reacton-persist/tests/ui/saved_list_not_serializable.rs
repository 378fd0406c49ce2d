use reacton::persist::{Persist, saved};
use reacton::prelude::*;

#[derive(Clone, PartialEq, Debug)]
struct Track;

#[reacton(id = "queue")]
static QUEUE: ReactonList<Track> = ReactonList::new();

fn main() {
    let _ = Persist::new(saved![QUEUE]);
}
