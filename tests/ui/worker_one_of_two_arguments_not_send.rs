use reacton::prelude::*;
use std::rc::Rc;

#[reacton]
static GREETING: String = String::new();

#[worker(shared = [GREETING])]
fn greeter(store: &ReactonStore, times: usize, name: Rc<str>) {
    store.set(&GREETING, name.repeat(times));
}

fn main() {}
