use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let (_sender, steps) = std::sync::mpsc::channel::<u32>();
    let pool = IsolateStore::builder()
        .shared(shared![COUNT])
        .pool(2)
        .spawn(&store, move |store: &ReactonStore| {
            store.set(&COUNT, steps.iter().sum());
        })?;
    pool.detach();
    Ok(())
}
