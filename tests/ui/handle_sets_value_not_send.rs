use reacton::prelude::*;
use std::rc::Rc;

#[reacton]
static TITLE: Option<Rc<str>> = None;

fn main() {
    let store = ReactonStore::new();
    store.handle().set(&TITLE, Some("new".into()));
    store.pump();
}
