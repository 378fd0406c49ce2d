use reacton::prelude::*;
use std::sync::LazyLock;

#[reacton]
static COUNT: u32 = 0;

static STORE: LazyLock<ReactonStore> = LazyLock::new(ReactonStore::new);

fn main() {
    STORE.set(&COUNT, 1);
}
