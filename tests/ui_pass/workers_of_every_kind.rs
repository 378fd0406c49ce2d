//! Functions of every shape that a worker may have.
use reacton::prelude::*;
use std::fmt::{self, Display};

#[reacton]
static COUNT: u32 = 0;

#[derive(Debug)]
struct TooMany(u32);

impl Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} are too many", self.0)
    }
}

#[worker(shared = [COUNT])]
fn plain(store: &ReactonStore) {
    store.subscribe(&COUNT, |_, _| {});
}

#[worker(shared = [COUNT])]
fn unit(_store: &ReactonStore) -> () {}

#[worker(shared = [COUNT])]
fn fallible(store: &ReactonStore, limit: u32) -> Result<(), TooMany> {
    let count = store.get(&COUNT);
    if count > limit { Err(TooMany(count)) } else { Ok(()) }
}

#[worker(shared = [COUNT])]
fn with_any_error(store: &ReactonStore, text: String) -> Result<(), Box<dyn std::error::Error>> {
    store.set(&COUNT, text.parse()?);
    Ok(())
}

#[worker(shared = [COUNT])]
fn with_a_lifetime<'a>(store: &'a ReactonStore) {
    let store: &'a ReactonStore = store;
    store.touch(&COUNT);
}

#[worker(shared = [COUNT])]
async fn in_turns(store: ReactonStore) {
    store.turn().await;
    store.set(&COUNT, 1);
}

#[worker(shared = [COUNT])]
async fn in_turns_and_fallible(
    mut store: reacton::ReactonStore,
    times: usize,
) -> Result<(), TooMany> {
    for _ in 0..times {
        store = store.clone();
        store.turn().await;
    }
    Err(TooMany(store.get(&COUNT)))
}

#[worker(shared = [COUNT])]
fn with_a_handle(store: &ReactonStore, handle: StoreHandle) {
    handle.set(&COUNT, store.get(&COUNT) + 1);
}

macro_rules! counters {
    ($($name:ident: $ty:ty = $step:expr),*) => { $(
        #[worker(shared = [COUNT])]
        fn $name(store: &ReactonStore, more: $ty) {
            store.update(&COUNT, |n| *n += $step + u32::from(more));
        }
    )* };
}
counters! { by_one: u8 = 1, by_two: bool = 2 }

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    assert_eq!(unit(&store), ());
    assert!(fallible(&store, 0).is_ok() && with_any_error(&store, "a".into()).is_err());
    by_one(&store, 1);
    assert_eq!(store.get(&COUNT), 2);
    plain::spawn(&store)?.dispose();
    unit::spawn(&store)?.dispose();
    fallible::spawn(&store, 5)?.dispose();
    with_any_error::builder().spawn(&store, "1".into())?.dispose();
    with_a_lifetime::spawn(&store)?.dispose();
    in_turns::spawn(&store)?.dispose();
    in_turns_and_fallible::spawn(&store, 3)?.dispose();
    with_a_handle::spawn(&store, store.handle())?.dispose();
    by_one::spawn(&store, 1)?.dispose();
    by_two::builder().name("two").spawn(&store, true)?.dispose();
    let isolate = IsolateStore::spawn(&store, shared![COUNT], |store| {
        store.subscribe(&COUNT, |_, _| {});
    })?;
    isolate.dispose();
    Ok(())
}
