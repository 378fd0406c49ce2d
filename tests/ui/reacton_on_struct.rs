use reacton::prelude::*;

#[reacton]
#[derive(Clone, PartialEq)]
pub struct Settings {
    pub volume: u8,
}

fn main() {
    println!("{}", Settings { volume: 5 }.volume);
}
