use reacton::prelude::*;

fn keep<T: Default + PartialEq + 'static>() {
    #[reacton]
    static KEPT: Option<T> = None;
}

fn main() {
    keep::<u32>();
}
