//! Each item has a mistake, and main uses all of them: only the mistakes are reported.
use reacton::prelude::*;

#[reacton(zero_cpoy)]
pub static PICTURE: Vec<u8> = Vec::new();

#[reacton]
const COUNT: u32 = 0;

#[reacton]
static NAME: String;

#[computed]
static LENGTH: usize = || 0;

#[worker(shared = [&PICTURE])]
fn loader(store: &ReactonStore, name: &str, quality: u8) {
    store.update(&PICTURE, |bytes| bytes.push(quality));
    println!("{name}");
}

#[worker(shared = [PICTURE])]
fn printer(store: ReactonStore) {
    println!("{}", store.get(&LENGTH));
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = ReactonStore::new();
    store.set(&PICTURE, vec![1, 2, 3]);
    store.update(&COUNT, |count| *count += 1);
    store.set(&NAME, "me".into());
    store.subscribe(&LENGTH, |_, length| println!("{length}"));
    let name: String = store.get(&NAME);
    let worker: IsolateStore = loader::spawn(&store, &name, 80)?;
    println!("{:?}", loader::shared());
    printer::builder()
        .delivery(Delivery::Latest)
        .spawn(&store)?
        .detach();
    worker.detach();
    Ok(())
}
