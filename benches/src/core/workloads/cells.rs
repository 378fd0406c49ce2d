//! One cell, or many independent cells.

use std::hint::black_box;
use std::time::Instant;

use super::{writes, written};
use crate::core::measure::{Outcome, Prepared, median_fresh};
use crate::core::peer::Peer;
use crate::core::probe::{Runs, Sinks, computed_ran, take_runs, watch};

/// How many cells one world gets. Few, so that the allocator does not return their memory to the system with the world,
/// and no page faults are measured.
const FRESH: u8 = 100;

const BATCH: i64 = 1000;

pub(super) fn create_sources<P: Peer>() -> Outcome {
    let mut right = true;
    let nanos = median_fresh(FRESH.into(), || {
        P::enter(|world| {
            let mut sources = Vec::with_capacity(usize::from(FRESH));
            let begin = Instant::now();
            sources.extend((0..i64::from(FRESH)).map(|value| world.source(black_box(value))));
            let took = begin.elapsed();
            right &= (0..i64::from(FRESH)).eq(sources.iter().map(|source| world.get(*source)));
            took
        })
    });
    if right {
        Outcome::Time { nanos, extra_runs: false }
    } else {
        Outcome::Wrong("a source does not give its value".into())
    }
}

pub(super) fn create_computeds<P: Peer>() -> Outcome {
    let (mut right, mut extra_runs) = (true, false);
    take_runs();
    let nanos = median_fresh(FRESH.into(), || {
        P::enter(|world| {
            let sources: Vec<_> = (0..i64::from(FRESH)).map(|value| world.source(value)).collect();
            let mut sum = 0;
            let begin = Instant::now();
            for source in sources {
                let computed = world.computed(move |reader| {
                    computed_ran();
                    P::read(reader, source) + 1
                });
                sum += black_box(world.get_computed(black_box(computed)));
            }
            let took = begin.elapsed();
            let ran = take_runs().computeds;
            right &= sum == (1..=i64::from(FRESH)).sum::<i64>() && ran >= u64::from(FRESH);
            extra_runs |= ran > u64::from(FRESH);
            took
        })
    });
    if right {
        Outcome::Time { nanos, extra_runs }
    } else {
        Outcome::Wrong("a computed does not give its value".into())
    }
}

pub(super) fn get<P: Peer>(world: &P) -> Prepared {
    let source = world.source(5);
    let reader = world.clone();
    let world = world.clone();
    Prepared {
        run: Box::new(move |times| {
            for _ in 0..times {
                black_box(world.get(*black_box(&source)));
            }
        }),
        seen: Box::new(move || vec![reader.get(source)]),
        wanted: Box::new(|_| vec![5]),
        runs: Runs::of(0, 0),
    }
}

pub(super) fn set<P: Peer>(world: &P) -> Prepared {
    let source = world.source(0);
    let reader = world.clone();
    let world = world.clone();
    Prepared {
        run: writes(move |write| world.set(*black_box(&source), written(write))),
        seen: Box::new(move || vec![reader.get(source)]),
        wanted: Box::new(|write| vec![written(write)]),
        runs: Runs::of(0, 0),
    }
}

pub(super) fn set_one_effect<P: Peer>(world: &P) -> Prepared {
    let source = world.source(0);
    let sinks = Sinks::new(1);
    watch(world, &sinks, 0, move |reader| P::read(reader, source));
    let world = world.clone();
    Prepared {
        run: writes(move |write| world.set(*black_box(&source), written(write))),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(|write| vec![written(write)]),
        runs: Runs::of(0, 1),
    }
}

pub(super) fn batch<P: Peer>(world: &P) -> Prepared {
    let sources: Vec<_> = (0..BATCH).map(|_| world.source(0)).collect();
    let sinks = Sinks::new(1);
    let read = sources.clone();
    watch(world, &sinks, 0, move |reader| read.iter().map(|source| P::read(reader, *source)).sum());
    let world = world.clone();
    Prepared {
        run: writes(move |write| {
            world.batch(|| {
                for source in &sources {
                    world.write(*source, written(write));
                }
            });
        }),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(|write| vec![BATCH * written(write)]),
        runs: Runs::of(0, 1),
    }
}

pub(super) fn source_bytes<P: Peer>(count: u32, live: &dyn Fn() -> usize) -> Outcome {
    P::enter(|world| {
        let before = live();
        for value in 0..count {
            black_box(world.source(value.into()));
        }
        per_one(live() - before, count)
    })
}

pub(super) fn computed_bytes<P: Peer>(count: u32, live: &dyn Fn() -> usize) -> Outcome {
    P::enter(|world| {
        let sources: Vec<_> = (0..count).map(|value| world.source(value.into())).collect();
        let before = live();
        for source in sources.iter().copied() {
            let computed = world.computed(move |reader| P::read(reader, source) + 1);
            black_box(world.get_computed(computed));
        }
        world.settle();
        per_one(live() - before, count)
    })
}

pub(super) fn effect_bytes<P: Peer>(count: u32, live: &dyn Fn() -> usize) -> Outcome {
    P::enter(|world| {
        let sources: Vec<_> = (0..count).map(|value| world.source(value.into())).collect();
        let before = live();
        for source in sources.iter().copied() {
            world.effect(move |reader| {
                black_box(P::read(reader, source));
            });
        }
        world.settle();
        per_one(live() - before, count)
    })
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 bytes")]
pub(in crate::core) fn per_one(bytes: usize, count: u32) -> Outcome {
    Outcome::Bytes(bytes as f64 / f64::from(count))
}
