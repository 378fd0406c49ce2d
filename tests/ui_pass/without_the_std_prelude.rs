//! The expansions name every item by its full path, so that nothing has to be in scope.
#![no_implicit_prelude]

use ::reacton::{Family, IsolateStore, ReactonStore, Reader, computed, reacton, shared, worker};

#[reacton]
static COUNT: u32 = 0;

#[reacton(id = "app::limit", eq = never, zero_copy)]
static LIMIT: u32 = 9;

#[reacton(eq = nearly)]
static LEVEL: f64 = 0.5;

fn nearly(a: &f64, b: &f64) -> bool {
    (a - b).abs() < 0.1
}

#[reacton]
static SCORE: Family<u32, ::std::option::Option<u32>> = |key| ::std::option::Option::Some(*key);

#[computed]
static LEFT: u32 = |cx| cx.get(&LIMIT) - cx.get(&COUNT);

#[computed]
static TWICE: u32 = twice;

fn twice(cx: &Reader<'_>) -> u32 {
    cx.get(&COUNT) * 2
}

#[worker(shared = [COUNT, LIMIT], delivery = latest, name = "counting")]
fn counter(store: &ReactonStore, step: u32) {
    store.update(&COUNT, |n| *n += step);
}

#[worker(shared = [COUNT], zero_copy)]
fn fallible(store: &ReactonStore) -> ::std::result::Result<(), ::std::fmt::Error> {
    store.touch(&COUNT);
    ::std::result::Result::Ok(())
}

#[worker(shared = [COUNT])]
async fn later(store: ReactonStore) {
    store.set(&COUNT, 5);
}

fn main() {
    let store = ReactonStore::new();
    counter(&store, 4);
    ::std::assert_eq!((store.get(&LEFT), store.get(&TWICE)), (5, 8));
    ::std::assert!(nearly(&store.get(&LEVEL), &0.5));
    let _ = later(::std::clone::Clone::clone(&store));
    counter::spawn(&store, 1).expect("the worker starts").dispose();
    ::std::assert_eq!(counter::shared().len(), 2);
    ::std::assert_eq!(store.get(&SCORE.of(3)), ::std::option::Option::Some(3));
    fallible::spawn(&store).expect("the worker starts").dispose();
    IsolateStore::spawn(&store, shared![COUNT, LIMIT], |_| {})
        .expect("the worker starts")
        .dispose();
    later::builder().name("later").spawn(&store).expect("the worker starts").dispose();
}
