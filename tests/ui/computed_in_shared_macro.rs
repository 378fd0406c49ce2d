use reacton::prelude::*;

#[reacton]
static PRICE: u32 = 10;

#[computed]
static TOTAL: u32 = |cx| cx.get(&PRICE) * 2;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let printer = IsolateStore::spawn(&store, shared![PRICE, TOTAL], |store| {
        store.subscribe(&TOTAL, |_, total| println!("{total}"));
    })?;
    printer.detach();
    Ok(())
}
