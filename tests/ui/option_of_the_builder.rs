use reacton::prelude::*;

#[reacton]
static JOB: u32 = 0;

#[worker(shared = [JOB], restart = Restart::Never)]
fn retries(_: &ReactonStore) {}

#[worker(shared = [JOB], pool = 4)]
fn many(_: &ReactonStore) {}

fn main() {}
