use reacton::prelude::*;
use std::sync::mpsc;
use std::thread;

#[reacton]
static COUNT: u32 = 0;

fn main() {
    let (sender, receiver) = mpsc::channel::<ReactonStore>();
    thread::spawn(move || {
        for store in receiver {
            store.set(&COUNT, 1);
        }
    });
    let _ = sender.send(ReactonStore::new());
}
