use reacton::prelude::*;
use std::time::Duration;

#[reacton]
static COUNT: u32 = 0;

fn main() -> Result<(), SpawnError> {
    let store = ReactonStore::new();
    let (_sender, steps) = std::sync::mpsc::channel::<u32>();
    let restart = Restart::OnPanic {
        max: 3,
        within: Duration::from_secs(60),
        backoff: Duration::from_millis(10),
    };
    let counter = IsolateStore::builder()
        .restart(restart)
        .shared(shared![COUNT])
        .spawn(&store, move |store: &ReactonStore| {
            store.set(&COUNT, steps.iter().sum());
        })?;
    counter.detach();
    Ok(())
}
