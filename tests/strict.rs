//! Each attribute with each option under every lint of a strict program: `cargo clippy --all-targets` checks it.
//!
//! The declarations are `pub`, so that they have to be documented. The attributes document the items that they add.
#![forbid(unsafe_code)]
#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    unreachable_pub,
    unnameable_types,
    unused_results,
    unused_qualifications,
    unused_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    let_underscore_drop,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::cargo,
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::clone_on_ref_ptr,
    clippy::expect_used,
    clippy::impl_trait_in_params,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::multiple_inherent_impl,
    clippy::panic,
    clippy::partial_pub_fields,
    clippy::pattern_type_mismatch,
    clippy::redundant_pub_crate,
    clippy::renamed_function_params,
    clippy::same_name_method,
    clippy::shadow_unrelated,
    clippy::std_instead_of_core,
    clippy::str_to_string,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![allow(
    clippy::multiple_crate_versions,
    clippy::cargo_common_metadata,
    reason = "are not about code"
)]
#![allow(clippy::future_not_send, reason = "a store, and so what awaits it, stays on its thread")]

use core::cell::Cell;
use core::error::Error;
use core::future::poll_fn;
use core::pin::Pin;
use futures_core::Stream as _;
use reacton::prelude::{
    Changes, Family, IsolateStatus, IsolateStore, Reacton, ReactonStore, Reader, computed, reacton,
    shared, worker,
};
use reacton_support::TIMEOUT;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Tested = Result<(), Box<dyn Error>>;

/// How many there are.
#[reacton]
pub static COUNT: u32 = 0;

/// What they weigh.
#[reacton(id = "strict::weight", eq = about_the_same)]
pub static WEIGHT: f64 = 0.5;

/// Every write of it is news.
#[reacton(eq = never)]
pub static EVENT: Option<char> = None;

/// What they look like.
#[reacton(zero_copy)]
pub static PICTURE: Vec<u8> = Vec::from([1, 2, 3]);

/// What each is called.
#[reacton]
pub static NAME: Family<u32, String> = |key| format!("number {key}");

/// Twice as many.
#[computed]
pub static TWICE: u32 = |cx| cx.get(&COUNT) * 2;

/// Whether there are many.
#[computed(id = "strict::many", eq = PartialEq::eq)]
pub static MANY: bool = many;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "an `eq` is given references")]
fn about_the_same(a: &f64, b: &f64) -> bool {
    (a - b).abs() < 0.1
}

fn many(cx: &Reader<'_>) -> bool {
    cx.get(&TWICE) > 10
}

/// Adds to the count, and says on which thread.
///
/// # Errors
/// If nobody listens.
#[expect(clippy::needless_pass_by_value, reason = "a worker owns what it is given")]
#[worker(shared = [COUNT, WEIGHT, EVENT, PICTURE], delivery = every)]
pub fn adding(store: &ReactonStore, by: u32, tell: Sender<Option<String>>) -> Result<(), String> {
    store.update(&COUNT, |count| *count += by);
    tell.send(thread::current().name().map(str::to_owned)).map_err(|error| error.to_string())
}

/// Follows the count with the weight, by the changes as a stream; every turn of it is taken on its own thread.
#[worker(shared = [COUNT, WEIGHT, PICTURE], delivery = every, name = "weighing", crate = ::reacton)]
pub async fn following(store: ReactonStore, tell: Sender<Option<String>>, _unit: Cell<f64>) {
    let mut counts = store.changes(&COUNT);
    while let Some(count) = next(&mut counts).await {
        store.set(&WEIGHT, f64::from(count));
        if tell.send(thread::current().name().map(str::to_owned)).is_err() {
            return;
        }
    }
}

/// Takes turns, each by one `await`, until it has seen five.
#[worker(shared = [COUNT, PICTURE], zero_copy)]
async fn turning(store: ReactonStore) -> Result<(), String> {
    while store.get(&COUNT) < 5 {
        let _taken = store.turn().await;
    }
    store.set(&PICTURE, Vec::from([5]));
    Err(String::from("five are enough"))
}

#[expect(dead_code, reason = "nobody asks for it")]
#[reacton]
static UNUSED: u32 = 0;

#[expect(dead_code, reason = "nobody starts it: that is said once, of the function")]
#[worker(shared = [COUNT])]
fn unused(store: &ReactonStore, by: u32) {
    store.set(&COUNT, by);
}

async fn next<T>(changes: &mut Changes<T>) -> Option<T>
where
    Changes<T>: Unpin,
    T: Clone + 'static,
{
    poll_fn(|context| Pin::new(&mut *changes).poll_next(context)).await
}

#[test]
fn a_worker_is_a_function_too() -> Tested {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    adding(&store, 7, tell)?;
    assert_eq!(told.recv()?, thread::current().name().map(str::to_owned));
    assert_eq!((store.get(&TWICE), store.get(&MANY)), (14, true));
    assert_eq!(store.get(&NAME.of(3)), "number 3");
    Ok(())
}

#[test]
fn a_worker_runs_on_a_thread_of_its_name() -> Tested {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = adding::spawn(&store, 7, tell)?;
    assert_eq!(told.recv_timeout(TIMEOUT)?.as_deref(), Some("adding"));
    worker.shutdown(TIMEOUT)?;
    assert_eq!(store.get(&COUNT), 7);
    Ok(())
}

#[test]
fn an_async_worker_awaits_a_stream_on_its_own_thread() -> Tested {
    let store = ReactonStore::new();
    let (tell, told) = channel();
    let worker = following::spawn(&store, tell, Cell::new(1.0))?;
    for count in [3_u32, 8] {
        store.set(&COUNT, count);
        assert_eq!(told.recv_timeout(TIMEOUT)?.as_deref(), Some("weighing"));
        store.run_until(TIMEOUT, |store| about_the_same(&store.get(&WEIGHT), &f64::from(count)))?;
    }
    worker.shutdown(TIMEOUT)?;
    Ok(())
}

#[test]
fn an_async_worker_awaits_turns_and_fails_by_its_result() -> Tested {
    let store = ReactonStore::new();
    let worker = turning::builder().name("turning").spawn(&store)?;
    for count in 1..=5 {
        store.set(&COUNT, count);
    }
    let over = |main: &ReactonStore| main.get(worker.status()) != IsolateStatus::Running;
    store.run_until(TIMEOUT, over)?;
    assert_eq!(store.get(&PICTURE), [5]);
    let IsolateStatus::Failed { message, .. } = store.get(worker.status()) else {
        return Err("it has not failed".into());
    };
    assert_eq!(message, "five are enough");
    Ok(())
}

#[test]
fn a_list_without_an_attribute_is_the_same_set() -> Tested {
    let store = ReactonStore::new();
    let by_hand = shared![COUNT, WEIGHT, EVENT, PICTURE];
    let refs = |set: reacton::SharedSet| set.refs().collect::<Vec<_>>();
    assert_eq!(refs(by_hand.clone()), refs(adding::shared()));
    let worker = IsolateStore::spawn(&store, by_hand, |store| store.set(&EVENT, Some('b')))?;
    worker.shutdown(TIMEOUT)?;
    assert_eq!(store.get(&EVENT), Some('b'));
    let counted: &'static Reacton<u32> = &COUNT;
    assert_eq!(counted.name(), "strict::COUNT");
    Ok(())
}
