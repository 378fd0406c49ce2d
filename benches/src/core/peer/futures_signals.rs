//! `futures-signals`: streams of values with fixed dependencies. So it has separate code for the shapes that it can
//! express.
//!
//! A computed is a `Broadcaster` of a deduplicated map. An effect is a task of the futures executor.

use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use any_spawner::Executor;
use futures_signals::signal::{Broadcaster, Mutable, Signal, SignalExt};

use crate::core::measure::{Outcome, Prepared, median_fresh};
use crate::core::probe::{Runs, Sinks, computed_ran};
use crate::core::workloads::{Workload, per_one, writes, written};

type Stream = Pin<Box<dyn Signal<Item = i64>>>;
type Computed = Broadcaster<Stream>;

const FRESH: u8 = 100;
const BATCH: i64 = 1000;

/// Measures one workload. Those whose dependencies change, or are found by running, are absent.
pub(crate) fn measure(workload: Workload) -> Outcome {
    // An executor exists once for each thread, and a world once for each process.
    let _ = Executor::init_futures_executor();
    let prepared = match workload {
        Workload::CreateSource => return create_sources(),
        Workload::Get => get(),
        Workload::Set => set(),
        Workload::SetOneEffect => set_one_effect(),
        Workload::Broad => broad(1000),
        Workload::Broad4000 => broad(4000),
        Workload::Deep => deep(1000),
        Workload::Deep4000 => deep(4000),
        Workload::Diamond5 => diamond(5),
        Workload::Diamond500 => diamond(500),
        Workload::Triangle => triangle(),
        Workload::Avoidable => avoidable(),
        Workload::Batch => batch(),
        _ => return Outcome::Absent,
    };
    Executor::poll_local();
    prepared.measure()
}

/// Returns the bytes that one of `count` live cells of a kind keeps allocated.
pub(crate) fn weigh(workload: Workload, count: u32, live: &dyn Fn() -> usize) -> Outcome {
    let _ = Executor::init_futures_executor();
    let begin = live();
    let sources: Vec<_> = (0..count).map(|value| Mutable::new(i64::from(value))).collect();
    // The handles are stored in the list, so their memory is not counted.
    let handles = sources.capacity() * size_of::<Mutable<i64>>();
    let before = live();
    match workload {
        Workload::SourceBytes => per_one(before - begin - handles, count),
        Workload::EffectBytes => {
            for source in &sources {
                effect(source.signal().for_each(|value| {
                    black_box(value);
                    async {}
                }));
            }
            Executor::poll_local();
            per_one(live() - before, count)
        }
        _ => Outcome::Absent,
    }
}

fn effect(task: impl Future<Output = ()> + 'static) {
    Executor::spawn_local(task);
}

fn watch(sinks: &Sinks, at: usize, signal: impl Signal<Item = i64> + 'static) {
    let sinks = sinks.clone();
    effect(signal.for_each(move |value| {
        sinks.put(at, value);
        async {}
    }));
}

fn computed(
    signal: impl Signal<Item = i64> + 'static,
    f: impl Fn(i64) -> i64 + 'static,
) -> Computed {
    let map = signal.map(move |value| {
        computed_ran();
        f(value)
    });
    Broadcaster::new(map.dedupe().boxed_local())
}

/// The sum of any number of signals. The library's macro needs a number that is known to the compiler.
struct Sum {
    parts: Vec<(Stream, Option<i64>)>,
}

impl Sum {
    fn of(parts: impl Iterator<Item = Stream>) -> Self {
        Self { parts: parts.map(|part| (part, None)).collect() }
    }
}

impl Signal for Sum {
    type Item = i64;

    fn poll_change(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<i64>> {
        let mut changed = false;
        for (part, value) in &mut self.parts {
            if let Poll::Ready(Some(new)) = part.as_mut().poll_change(cx) {
                *value = Some(new);
                changed = true;
            }
        }
        if changed {
            Poll::Ready(self.parts.iter().map(|(_, value)| *value).sum())
        } else {
            Poll::Pending
        }
    }
}

fn settled(
    head: Mutable<i64>,
    sinks: Sinks,
    wanted: impl Fn(i64) -> Vec<i64> + 'static,
    runs: (u64, u64),
) -> Prepared {
    Prepared {
        run: writes(move |write| {
            black_box(&head).set(written(write));
            Executor::poll_local();
        }),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(move |write| wanted(written(write))),
        runs: Runs::of(runs.0, runs.1),
    }
}

fn create_sources() -> Outcome {
    let mut right = true;
    let nanos = median_fresh(FRESH.into(), || {
        let mut sources = Vec::with_capacity(usize::from(FRESH));
        let begin = Instant::now();
        sources.extend((0..i64::from(FRESH)).map(|value| Mutable::new(black_box(value))));
        let took = begin.elapsed();
        right &= (0..i64::from(FRESH)).eq(sources.iter().map(|source| source.get()));
        took
    });
    if right {
        Outcome::Time { nanos, extra_runs: false }
    } else {
        Outcome::Wrong("a source does not give its value".into())
    }
}

fn get() -> Prepared {
    let source = Mutable::new(5_i64);
    let reader = source.clone();
    Prepared {
        run: Box::new(move |times| {
            for _ in 0..times {
                black_box(black_box(&source).get());
            }
        }),
        seen: Box::new(move || vec![reader.get()]),
        wanted: Box::new(|_| vec![5]),
        runs: Runs::of(0, 0),
    }
}

fn set() -> Prepared {
    let source = Mutable::new(0_i64);
    let reader = source.clone();
    Prepared {
        run: writes(move |write| {
            black_box(&source).set(written(write));
            Executor::poll_local();
        }),
        seen: Box::new(move || vec![reader.get()]),
        wanted: Box::new(|write| vec![written(write)]),
        runs: Runs::of(0, 0),
    }
}

fn set_one_effect() -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(1);
    watch(&sinks, 0, head.signal());
    settled(head, sinks, |head| vec![head], (0, 1))
}

fn broad(width: usize) -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(width);
    for (at, add) in (0..width).zip(0..) {
        watch(&sinks, at, computed(head.signal(), move |value| value + add).signal());
    }
    let wanted = move |head| (head..).take(width).collect();
    settled(head, sinks, wanted, (width as u64, width as u64))
}

fn deep(depth: i64) -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(1);
    let mut last = computed(head.signal(), |value| value + 1);
    for _ in 1..depth {
        last = computed(last.signal(), |value| value + 1);
    }
    watch(&sinks, 0, last.signal());
    settled(head, sinks, move |head| vec![head + depth], (depth.unsigned_abs(), 1))
}

fn diamond(width: u32) -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(1);
    let middle: Vec<_> = (0..width).map(|_| computed(head.signal(), |value| value + 1)).collect();
    let join = computed(Sum::of(middle.iter().map(|part| part.signal().boxed_local())), |sum| sum);
    watch(&sinks, 0, join.signal());
    let wanted = move |head| vec![i64::from(width) * (head + 1)];
    settled(head, sinks, wanted, (u64::from(width) + 1, 1))
}

fn triangle() -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(1);
    let mut chain = vec![computed(head.signal(), |value| value + 1)];
    for above in 0..8 {
        chain.push(computed(chain[above].signal(), |value| value + 1));
    }
    let parts = chain.iter().map(|part| part.signal().boxed_local());
    let join = computed(Sum::of(parts.chain([head.signal().boxed_local()])), |sum| sum);
    watch(&sinks, 0, join.signal());
    settled(head, sinks, |head| vec![10 * head + 45], (10, 1))
}

fn avoidable() -> Prepared {
    let head = Mutable::new(0);
    let sinks = Sinks::new(1);
    let first = computed(head.signal(), |value| value);
    let equal = computed(first.signal(), |value| {
        black_box(value);
        0
    });
    let third = computed(equal.signal(), |value| value + 1);
    let fourth = computed(third.signal(), |value| value + 2);
    let fifth = computed(fourth.signal(), |value| value + 3);
    watch(&sinks, 0, fifth.signal());
    settled(head, sinks, |_| vec![6], (2, 0))
}

fn batch() -> Prepared {
    let sources: Vec<_> = (0..BATCH).map(|_| Mutable::new(0_i64)).collect();
    let sinks = Sinks::new(1);
    watch(&sinks, 0, Sum::of(sources.iter().map(|source| source.signal().boxed_local())));
    Prepared {
        run: writes(move |write| {
            for source in &sources {
                source.set(written(write));
            }
            Executor::poll_local();
        }),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(|write| vec![BATCH * written(write)]),
        runs: Runs::of(0, 1),
    }
}
