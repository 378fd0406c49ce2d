//! The time from `spawn` until the worker has answered.

use std::thread;
use std::time::{Duration, Instant};

use reacton::prelude::*;

use super::Figures;
use super::cores::Cores;
use crate::figures::middle_and_tail;

const SPAWNED: usize = 400;

#[reacton]
static NUMBER: u64 = 0;

pub(super) fn reacton(_: Cores) -> Figures {
    let store = ReactonStore::new();
    times(|| {
        let begin = Instant::now();
        let worker =
            IsolateStore::spawn(&store, shared![NUMBER], |_| ()).expect("the worker starts");
        let took = begin.elapsed();
        worker.shutdown(Duration::from_secs(1)).expect("the worker ends");
        took
    })
}

/// A thread, and one message from it.
pub(super) fn thread_and_reply(_: Cores) -> Figures {
    times(|| {
        let begin = Instant::now();
        let (tell, told) = flume::bounded(1);
        let thread = thread::spawn(move || {
            let _ = tell.send(());
        });
        told.recv().expect("a message arrives");
        let took = begin.elapsed();
        thread.join().expect("the thread does not panic");
        took
    })
}

fn times(mut one: impl FnMut() -> Duration) -> Figures {
    middle_and_tail((0..SPAWNED).map(|_| one().as_secs_f64() * 1e9).collect()).into()
}
