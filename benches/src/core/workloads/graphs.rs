//! Sources, computeds and effects in shapes that are known to be difficult.

use std::hint::black_box;
use std::sync::Arc;

use super::{writes, written};
use crate::core::measure::Prepared;
use crate::core::peer::Peer;
use crate::core::probe::{Runs, Sinks, derive, watch};

const MUX: usize = 100;

/// A shape with one source that is written.
fn prepared<P: Peer>(
    world: &P,
    head: P::Source,
    sinks: Sinks,
    wanted: impl Fn(i64) -> Vec<i64> + 'static,
    runs: Runs,
) -> Prepared {
    let world = world.clone();
    Prepared {
        run: writes(move |write| world.set(*black_box(&head), written(write))),
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(move |write| wanted(written(write))),
        runs,
    }
}

pub(super) fn broad<P: Peer>(world: &P, width: usize) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(width);
    for (effect, add) in (0..width).zip(0_i64..) {
        let sum = derive(world, move |reader| P::read(reader, head) + add);
        watch(world, &sinks, effect, move |reader| P::read_computed(reader, sum));
    }
    let wanted = move |head| (head..).take(width).collect();
    prepared(world, head, sinks, wanted, Runs::of(width as u64, width as u64))
}

pub(super) fn deep<P: Peer>(world: &P, depth: i64) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let mut last = derive(world, move |reader| P::read(reader, head) + 1);
    for _ in 1..depth {
        let above = last;
        last = derive(world, move |reader| P::read_computed(reader, above) + 1);
    }
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, last));
    prepared(world, head, sinks, move |head| vec![head + depth], Runs::of(depth.unsigned_abs(), 1))
}

pub(super) fn diamond<P: Peer>(world: &P, width: u32) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let middle: Vec<_> =
        (0..width).map(|_| derive(world, move |reader| P::read(reader, head) + 1)).collect();
    let join = derive(world, move |reader| {
        middle.iter().map(|part| P::read_computed(reader, *part)).sum::<i64>()
    });
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, join));
    let wanted = move |head| vec![(head + 1) * i64::from(width)];
    prepared(world, head, sinks, wanted, Runs::of(u64::from(width) + 1, 1))
}

pub(super) fn triangle<P: Peer>(world: &P) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let mut chain = vec![derive(world, move |reader| P::read(reader, head) + 1)];
    for above in 0..8 {
        let above = chain[above];
        chain.push(derive(world, move |reader| P::read_computed(reader, above) + 1));
    }
    let join = derive(world, move |reader| {
        let chain = chain.iter().map(|part| P::read_computed(reader, *part));
        P::read(reader, head) + chain.sum::<i64>()
    });
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, join));
    prepared(world, head, sinks, |head| vec![10 * head + 45], Runs::of(10, 1))
}

pub(super) fn mux<P: Peer>(world: &P) -> Prepared {
    let heads: Vec<_> = (0..MUX).map(|_| world.source(0)).collect();
    let sinks = Sinks::new(MUX);
    let read = heads.clone();
    let list = derive(world, move |reader| {
        read.iter().map(|head| P::read(reader, *head)).collect::<Arc<[i64]>>()
    });
    for item in 0..MUX {
        let taken = derive(world, move |reader| P::read_computed(reader, list)[item]);
        let added = derive(world, move |reader| P::read_computed(reader, taken) + 1);
        watch(world, &sinks, item, move |reader| P::read_computed(reader, added));
    }
    let world = world.clone();
    Prepared {
        run: {
            let mut item = 0;
            writes(move |write| {
                world.set(heads[item], written(write));
                item = (item + 1) % MUX;
            })
        },
        seen: Box::new(move || sinks.seen()),
        wanted: Box::new(|write| (0..MUX as u64).map(|item| mux_wanted(write, item)).collect()),
        runs: Runs::of(MUX as u64 + 2, 1),
    }
}

/// Returns the last value written to this item. Write n goes to item n - 1; after the last item the first one follows.
fn mux_wanted(write: u64, item: u64) -> i64 {
    let round = MUX as u64;
    if write <= item {
        return 1;
    }
    written((write - 1 - item) / round * round + item + 1) + 1
}

pub(super) fn repeated_reads<P: Peer>(world: &P) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let sum = derive(world, move |reader| (0..30).map(|_| P::read(reader, head)).sum::<i64>());
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, sum));
    prepared(world, head, sinks, |head| vec![30 * head], Runs::of(1, 1))
}

pub(super) fn unstable<P: Peer>(world: &P) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let double = derive(world, move |reader| P::read(reader, head) * 2);
    let inverse = derive(world, move |reader| -P::read(reader, head));
    let current = derive(world, move |reader| {
        let one = |_| {
            let odd = P::read(reader, head) % 2 == 1;
            P::read_computed(reader, if odd { double } else { inverse })
        };
        (0..20).map(one).sum::<i64>()
    });
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, current));
    let wanted = |head: i64| vec![20 * if head % 2 == 1 { head * 2 } else { -head }];
    prepared(world, head, sinks, wanted, Runs::of(2, 1))
}

pub(super) fn avoidable<P: Peer>(world: &P) -> Prepared {
    let head = world.source(0);
    let sinks = Sinks::new(1);
    let first = derive(world, move |reader| P::read(reader, head));
    let equal = derive(world, move |reader| {
        black_box(P::read_computed(reader, first));
        0
    });
    let third = derive(world, move |reader| P::read_computed(reader, equal) + 1);
    let fourth = derive(world, move |reader| P::read_computed(reader, third) + 2);
    let fifth = derive(world, move |reader| P::read_computed(reader, fourth) + 3);
    watch(world, &sinks, 0, move |reader| P::read_computed(reader, fifth));
    prepared(world, head, sinks, |_| vec![6], Runs::of(2, 0))
}
