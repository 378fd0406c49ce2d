//! Many isolates that share one reacton, many reactons of which one changes, and many isolates of one store.

use std::time::{Duration, Instant};

use reacton::__private::SharedSlot;
use reacton::prelude::*;

use super::Figures;
use super::cases::SPIN;
use super::cores::Cores;
use super::one_way;
use crate::figures::{middle, per_one};

/// How many changes one sample has.
const BURST: u64 = 500;

const SAMPLED: Duration = Duration::from_millis(600);

/// The number of isolates of one store. The first and the last hundred are timed.
const MANY: usize = 1000;

const STACK: usize = 64 * 1024;

#[reacton]
static NUMBER: u64 = 0;

/// Returns the time of a change for each isolate, until all have received it, and the part of main in it.
pub(super) fn isolates(cores: Cores, count: u32) -> Figures {
    let store = ReactonStore::new();
    let (tell, told) = flume::unbounded();
    let workers: Vec<_> = (0..count)
        .map(|_| {
            let tell = tell.clone();
            let entry = move |store: &ReactonStore| {
                cores.pin_other();
                store.subscribe(&NUMBER, move |_, value| {
                    if value % BURST == 0 {
                        let _ = tell.send(());
                    }
                });
            };
            let worker = IsolateStore::builder().spin(SPIN).shared(shared![NUMBER]);
            worker.spawn(&store, entry).expect("the worker starts")
        })
        .collect();
    let (mut written, mut all, mut own, begin) = (0, Vec::new(), Vec::new(), Instant::now());
    while all.len() < 5 || begin.elapsed() < SAMPLED {
        let begin = Instant::now();
        for _ in 0..BURST {
            written += 1;
            store.set(&NUMBER, written);
        }
        own.push(per_one(begin.elapsed(), BURST * u64::from(count)));
        (0..count).for_each(|_| told.recv().expect("a message arrives"));
        all.push(per_one(begin.elapsed(), BURST * u64::from(count)));
    }
    for worker in workers {
        worker.shutdown(Duration::from_secs(9)).expect("the worker ends");
    }
    vec![middle(all), middle(own)]
}

/// One of so many shared reactons changes.
pub(super) fn reactons(cores: Cores, count: usize) -> Figures {
    let store = ReactonStore::new();
    // Programs declare statics; these have to live as long.
    let declared: Vec<&'static Reacton<u64>> = (0..count)
        .map(|index| {
            let name: &'static str = Box::leak(format!("bench::{index}").into_boxed_str());
            &*Box::leak(Box::new(Reacton::<u64>::__new(name, || 0)))
        })
        .collect();
    let shared: SharedSet =
        declared.iter().map(|reacton| SharedSet::from([SharedSlot::of(*reacton)])).collect();
    one_way::one_of(cores, &store, declared[count / 2], shared)
}

fn spawn_many(store: &ReactonStore) -> (Vec<IsolateStore>, Vec<f64>) {
    (0..MANY)
        .map(|_| {
            let begin = Instant::now();
            let worker = IsolateStore::builder()
                .stack_size(STACK)
                .spin(Duration::ZERO)
                .shared(shared![NUMBER])
                .spawn(store, |_| ())
                .expect("the worker starts");
            (worker, begin.elapsed().as_secs_f64() * 1e9)
        })
        .unzip()
}

/// Returns the time of a spawn, for the last hundred of many or for the first hundred.
pub(super) fn spawned(last: bool) -> Figures {
    let store = ReactonStore::new();
    let (_workers, mut times) = spawn_many(&store);
    vec![middle(if last { times.split_off(MANY - 100) } else { times[..100].to_vec() })]
}

/// Returns the bytes allocated for each isolate.
#[expect(clippy::cast_precision_loss, reason = "megabytes")]
pub(super) fn weight(live: &dyn Fn() -> usize) -> Figures {
    let store = ReactonStore::new();
    let before = live();
    let (workers, _) = spawn_many(&store);
    vec![live().saturating_sub(before) as f64 / workers.len() as f64]
}

/// The same for threads that each wait at a channel.
#[expect(clippy::cast_precision_loss, reason = "megabytes")]
pub(super) fn weight_of_threads(live: &dyn Fn() -> usize) -> Figures {
    let before = live();
    let (ready, started) = flume::unbounded();
    let threads: Vec<_> = (0..MANY)
        .map(|_| {
            let (send, receive) = flume::unbounded::<u64>();
            let ready = ready.clone();
            let wait = move || {
                let _ = ready.send(());
                let _ = receive.recv();
            };
            let thread = std::thread::Builder::new().stack_size(STACK).spawn(wait);
            (send, thread.expect("the thread starts"))
        })
        .collect();
    (0..MANY).for_each(|_| started.recv().expect("the thread has started"));
    vec![live().saturating_sub(before) as f64 / threads.len() as f64]
}
