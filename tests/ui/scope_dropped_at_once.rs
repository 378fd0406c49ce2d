#![deny(unused_must_use)]

use reacton::prelude::*;

#[reacton]
static PATH: String = String::new();

#[reacton]
static THEME: u8 = 0;

fn start(store: &ReactonStore) {
    store.scope(|store| {
        store.subscribe(&PATH, |_, _| ());
    });
}

fn main() {}
