//! Names that are keywords, and names that the expansion uses itself.
#![allow(non_upper_case_globals)]
use reacton::prelude::*;

#[reacton]
static r#type: u32 = 1;

#[reacton]
static slots: u32 = 2;

#[computed]
static r#match: u32 = |cx| cx.get(&r#type) + cx.get(&slots);

#[worker(shared = [r#type, slots])]
fn r#loop(inner: &ReactonStore, r#in: u32, store_: u32, run: u32, r#loop: u32, args: u32) {
    inner.set(&r#type, r#in + store_ + run + r#loop + args);
}

#[worker(shared = [r#type])]
fn spawn(_: &ReactonStore, _: u32, (_, _): (u8, u8), mut __rx: Vec<u8>) {
    __rx.clear();
}

fn main() -> Result<(), SpawnError> {
    let main = ReactonStore::new();
    r#loop(&main, 1, 2, 3, 4, 5);
    assert_eq!(main.get(&r#match), 17);
    assert!(r#type.name().ends_with("::type"));
    let worker = r#loop::spawn(&main, 1, 2, 3, 4, 5)?;
    assert_eq!(worker.name(), "loop");
    spawn::builder().spawn(&main, 1, (2, 3), Vec::new())?.dispose();
    Ok(())
}
