use reacton::prelude::*;

struct Job {
    rows: u32,
}

#[call]
static DRAW: Call<Job, u32>;

#[worker(answers = [DRAW])]
fn draws(store: &ReactonStore) {
    store.answer(&DRAW, |_, job, _| job.rows);
}

fn main() {
    let store = ReactonStore::new();
    let worker = draws::spawn(&store).unwrap();
    worker.call(&DRAW, Job { rows: 1 }).detach();
}
