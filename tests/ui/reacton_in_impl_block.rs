use reacton::prelude::*;

struct App;

impl App {
    #[reacton]
    static COUNT: u32 = 0;
}

fn main() {
    let _ = App;
}
