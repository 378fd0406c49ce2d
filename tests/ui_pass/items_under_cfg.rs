//! An item that is configured away takes along everything that was generated for it.
use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[cfg(any())]
#[reacton(zero_copy)]
static GONE: does::not::Exist = does::not::exist();

#[reacton]
#[cfg(any())]
static GONE_TOO: does::not::Exist = does::not::exist();

#[computed]
#[cfg(any())]
static COMPUTED_GONE: does::not::Exist = |cx| cx.get(&GONE);

#[worker(shared = [GONE, GONE_TOO])]
#[cfg(any())]
fn worker_gone(store: &ReactonStore, extra: does::not::Exist) {
    store.get(&GONE);
}

#[cfg(all())]
#[worker(shared = [COUNT])]
#[cfg(all())]
fn here(store: &ReactonStore) {
    store.set(&COUNT, 1);
}

#[cfg_attr(all(), reacton(eq = never))]
static CLICKS: u32 = 0;

#[cfg_attr(all(), worker(shared = [CLICKS]))]
fn clicker(store: &ReactonStore) {
    store.touch(&CLICKS);
}

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    here(&store);
    here::spawn(&store)?.dispose();
    clicker::spawn(&store)?.dispose();
    Ok(())
}
