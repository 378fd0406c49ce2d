use reacton::prelude::*;

#[reacton]
static COUNT: u32 = 0;

#[worker(shared = [COUNT])]
async fn counter(store: ReactonStore, step: std::rc::Rc<u32>) {
    store.turn().await;
    store.set(&COUNT, *step);
}

fn main() {}
