//! Each option in each of its forms.
use reacton::prelude::*;

trait Near {
    fn near(a: &Self, b: &Self) -> bool;
}

impl Near for f64 {
    fn near(a: &f64, b: &f64) -> bool {
        (a - b).abs() < 0.1
    }
}

mod compare {
    pub fn by_length(a: &Vec<u8>, b: &Vec<u8>) -> bool {
        a.len() == b.len()
    }

    pub fn whatever<T>(_: &T, _: &T) -> bool {
        true
    }
}

struct Opaque;

/// A slip away from `never`, but a function.
fn newer(old: &u32, new: &u32) -> bool {
    new <= old
}

#[reacton(id = "app::level", eq = <f64 as Near>::near)]
static LEVEL: f64 = 0.5;
#[reacton(eq = compare::by_length, zero_copy,)]
static BYTES: Vec<u8> = Vec::new();
#[reacton(eq = compare::whatever::<Opaque>)]
static OPAQUE: Opaque = Opaque;
#[reacton(eq = newer)]
static NEWER: u32 = 0;
#[reacton(eq = never)]
static EVENT: Option<Opaque> = None;
#[reacton()]
static NOTHING_ASKED: u8 = 0;
#[computed(id = "app::loud", eq = PartialEq::eq)]
static LOUD: bool = |cx| cx.get(&LEVEL) > 0.9;

#[worker(zero_copy, shared = [LEVEL, BYTES,], delivery = latest, name = "levels",)]
fn everything(store: &ReactonStore) {
    store.set(&LEVEL, 1.0);
}

#[worker(shared = [LEVEL], delivery = every)]
fn in_order(store: &ReactonStore) {
    store.set(&LEVEL, 0.0);
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    everything(&store);
    assert!(store.get(&LOUD) && store.with(&EVENT, Option::is_none));
    store.with(&OPAQUE, |Opaque| ());
    assert_eq!(store.get(&NOTHING_ASKED), 0);
    store.set(&NEWER, 2);
    store.subscribe(&NEWER, |_, _| panic!("an observer was called for a value that is not newer"));
    store.set(&NEWER, 1);
    assert_eq!(LEVEL.reacton_ref().id(), RefId::of("app::level"));
    let worker = everything::spawn(&store)?;
    assert_eq!(worker.name(), "levels");
    in_order::builder().delivery(Delivery::Latest).spawn(&store)?.dispose();
    Ok(())
}
