use reacton::prelude::*;
use std::rc::Rc;

#[reacton]
static GREETING: String = String::new();

#[worker(shared = [GREETING])]
fn greeter(store: &ReactonStore, name: Rc<str>) {
    store.set(&GREETING, format!("hello {name}"));
}

fn main() {}
