//! Jobs of a pool of two beside two threads at a channel.

use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::timed;
use crate::figures::per_one;

const MEMBERS: usize = 2;

#[reacton(eq = never)]
static JOB: u64 = 0;

#[reacton(eq = never)]
static DONE: u64 = 0;

fn work(nanos: u64) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_nanos(nanos) {
        std::hint::spin_loop();
    }
}

/// Returns the time of one of n jobs that take so long.
pub(super) fn job(n: usize, nanos: u64) -> f64 {
    let store = ReactonStore::new();
    let count = store.reacton(0);
    store.subscribe(&DONE, move |store, _| store.update(&count, |count| *count += 1));
    let pool = IsolateStore::builder()
        .shared(shared![JOB, DONE])
        .pool(MEMBERS)
        .spawn(&store, move |store: &ReactonStore| {
            store.subscribe(&JOB, move |store, job| {
                work(nanos);
                store.set(&DONE, job * 2);
            });
        })
        .expect("the pool starts");
    let took = timed(|| {
        (0..n as u64).for_each(|job| store.set(&JOB, job));
        let all = store.run_until(Duration::from_secs(50), |store| store.get(&count) == n);
        all.expect("all jobs are done");
    });
    pool.shutdown(Duration::from_secs(9)).expect("the pool ends");
    per_one(took, n as u64)
}

/// The same with a channel, written by hand.
pub(super) fn crossbeam(n: usize, nanos: u64) -> f64 {
    let (give, jobs) = crossbeam_channel::unbounded::<u64>();
    let (answer, answers) = crossbeam_channel::unbounded::<u64>();
    let threads: Vec<_> = (0..MEMBERS)
        .map(|_| {
            let (jobs, answer) = (jobs.clone(), answer.clone());
            std::thread::spawn(move || {
                for job in jobs {
                    work(nanos);
                    let _ = answer.send(job * 2);
                }
            })
        })
        .collect();
    drop(answer);
    let took = timed(|| {
        (0..n as u64).for_each(|job| _ = give.send(job));
        drop(give);
        assert_eq!(answers.iter().count(), n);
    });
    for thread in threads {
        thread.join().expect("the thread does not panic");
    }
    per_one(took, n as u64)
}
