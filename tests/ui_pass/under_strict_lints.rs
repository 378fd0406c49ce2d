//! What the attributes add is documented, used and named as the strictest lints ask.
#![deny(warnings)]
#![deny(
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    unused_qualifications,
    unused_lifetimes,
    unused_results,
    unreachable_pub,
    unnameable_types,
    single_use_lifetimes,
    trivial_casts,
    let_underscore_drop,
    elided_lifetimes_in_paths,
    absolute_paths_not_starting_with_crate,
    non_ascii_idents,
    variant_size_differences,
    redundant_lifetimes,
    future_incompatible,
    nonstandard_style,
    rust_2018_idioms,
    keyword_idents,
    let_underscore,
    unused
)]
#![forbid(unsafe_code)]

use reacton::prelude::*;

/// How many there are.
#[reacton]
pub static COUNT: u32 = 0;

/// What they are called.
#[reacton(zero_copy)]
pub static NAMES: Vec<String> = Vec::new();

/// Twice as many.
#[computed]
pub static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

/// Counts.
#[worker(shared = [COUNT, NAMES], delivery = every)]
pub fn counter(store: &ReactonStore, by: u32, _unused: bool) -> Result<(), String> {
    store.update(&COUNT, |n| *n += by);
    Ok(())
}

/// Counts in turns.
#[worker(shared = [COUNT])]
pub async fn in_turns(store: ReactonStore) {
    let _: usize = store.turn().await;
    store.update(&COUNT, |n| *n += 1);
}

/// Is not to be used any more.
#[deprecated]
#[worker(shared = [COUNT, NAMES])]
pub fn out_of_date(store: &ReactonStore) {
    store.set(&COUNT, 1);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    counter(&store, 2, true)?;
    assert_eq!(store.get(&TWICE), 4);
    counter::spawn(&store, 1, false)?.dispose();
    in_turns::spawn(&store)?.dispose();
    Ok(())
}
