//! A write through a handle is a statement: its reply may be ignored.
#![deny(warnings)]
#![deny(unused, let_underscore, future_incompatible)]

use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[reacton]
static NAMES: Vec<String> = Vec::new();

fn main() {
    let store = ReactonStore::new();
    let handle = store.handle();
    handle.set(&COUNT, 1);
    handle.update(&COUNT, |count| *count += 1);
    handle.update(&NAMES, |names| names.pop());
    handle.batch(|store| store.set(&COUNT, store.get(&COUNT) + 1));
    handle.post(|store| {
        store.touch(&COUNT);
    });
    handle.post(ReactonStore::pump);
    let there = handle.clone();
    std::thread::spawn(move || there.update(&COUNT, |count| *count += 1))
        .join()
        .expect("the thread does not panic");
    assert_eq!(store.pump(), 7);
    assert_eq!(store.get(&COUNT), 4);
    handle.post(|_| panic!("of any type"));
}
