//! The workloads: written once, compiled for each library.
//!
//! The shapes are those of the js-reactivity-benchmark (<https://github.com/milomg/js-reactivity-benchmark>), which
//! took them from the test suites of solid, maverick (cellx) and reactively.

mod cells;
mod cellx;
mod graphs;

pub(super) use cells::per_one;

use super::measure::{Outcome, Prepared};
use super::peer::Peer;

/// One row of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Workload {
    CreateSource,
    CreateComputed,
    Get,
    Set,
    SetOneEffect,
    Broad,
    Broad4000,
    Deep,
    Deep4000,
    Diamond5,
    Diamond500,
    Triangle,
    Mux,
    RepeatedReads,
    Unstable,
    Avoidable,
    Cellx,
    Batch,
    SourceBytes,
    ComputedBytes,
    EffectBytes,
}

use Workload::{
    Avoidable, Batch, Broad, Broad4000, Cellx, ComputedBytes, CreateComputed, CreateSource, Deep,
    Deep4000, Diamond5, Diamond500, EffectBytes, Get, Mux, RepeatedReads, Set, SetOneEffect,
    SourceBytes, Triangle, Unstable,
};

/// In the order of the table: the argument of `--only`, the title, and a description.
pub(super) const ALL: [(Workload, &str, &str, &str); 21] = [
    (
        CreateSource,
        "create-source",
        "create a source",
        "100 sources in a new world; each has to give its value.",
    ),
    (
        CreateComputed,
        "create-computed",
        "create and read a computed",
        "100 computeds of a source each, in a world that has the sources, and a first read; each has to give its value, and to run once.",
    ),
    (
        Get,
        "get",
        "get a source",
        "a read outside of computeds and effects; it has to give the value.",
    ),
    (Set, "set", "set, no observer", "a write that nobody hears; a read has to give it."),
    (
        SetOneEffect,
        "set-effect",
        "set, one effect",
        "a write that one effect hears; it has to run once and see the value.",
    ),
    (
        Broad,
        "broad",
        "broad: 1 source, 1000 computeds, 1000 effects",
        "a source that 1000 computeds read, each read by an effect; each has to run once and see its own sum.",
    ),
    (
        Broad4000,
        "broad-4000",
        "broad, four times as wide",
        "the same with 4000: four times the time, if the cost grows with the edges that changed.",
    ),
    (
        Deep,
        "deep",
        "deep: chain of 1000",
        "a chain of 1000 computeds with an effect at its end, which has to run once and see the sum of the chain.",
    ),
    (
        Deep4000,
        "deep-4000",
        "deep, four times as deep",
        "the same with 4000: four times the time, if the cost grows with the edges that changed.",
    ),
    (
        Diamond5,
        "diamond-5",
        "diamond 5",
        "a source, 5 computeds of it, a computed of all of these and an effect of that, which has to run once.",
    ),
    (Diamond500, "diamond-500", "diamond 500", "the same with 500 in the middle."),
    (
        Triangle,
        "triangle",
        "triangle 10",
        "a source and a chain of 9 computeds, a computed of all 10 and an effect of that: paths of every length, one run.",
    ),
    (
        Mux,
        "mux",
        "mux 100",
        "100 sources gathered in one computed list, 100 computeds that take one item each, 100 that add to it, 100 effects: \
         a write to one source has to run one effect.",
    ),
    (
        RepeatedReads,
        "repeated-reads",
        "repeated reads 30",
        "a computed that reads one source 30 times, and an effect of it: one run, the right sum.",
    ),
    (
        Unstable,
        "unstable",
        "unstable dependencies",
        "a computed that reads one of two computeds 20 times, the other one after each write: one run, the right sum.",
    ),
    (
        Avoidable,
        "avoidable",
        "avoidable propagation",
        "a chain of 5 whose second computed always comes out equal: what lies behind it must not run.",
    ),
    (
        Cellx,
        "cellx",
        "cellx 1000 layers",
        "4 sources, 1000 layers of 4 computeds that read their neighbours above, an effect of each: a batch of 4 writes has to \
         run what changed, once.",
    ),
    (
        Batch,
        "batch",
        "batch of 1000 writes, one effect",
        "1000 sources that one effect reads, all written in one batch: one run, the right sum.",
    ),
    (
        SourceBytes,
        "source-bytes",
        "bytes a source",
        "what is allocated for one of many live sources.",
    ),
    (
        ComputedBytes,
        "computed-bytes",
        "bytes a computed",
        "the same for computeds that read one source each and have been read.",
    ),
    (
        EffectBytes,
        "effect-bytes",
        "bytes an effect",
        "the same for effects that read one source each.",
    ),
];

impl Workload {
    pub(super) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    pub(super) fn name(self) -> &'static str {
        ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Returns whether the workload measures memory. A separate process counts it, and does not measure time.
    pub(super) fn is_memory(self) -> bool {
        matches!(self, SourceBytes | ComputedBytes | EffectBytes)
    }

    /// Returns whether the result depends on how a source is found.
    pub(super) fn is_of_one_source(self) -> bool {
        matches!(self, Get | Set | SetOneEffect)
    }
}

/// Measures one workload with one library.
pub(super) fn measure<P: Peer>(workload: Workload) -> Outcome {
    match workload {
        CreateSource => cells::create_sources::<P>(),
        CreateComputed => cells::create_computeds::<P>(),
        _ => P::enter(|world| match prepare(world, workload) {
            Some(prepared) => {
                world.settle();
                prepared.measure()
            }
            None => Outcome::Absent,
        }),
    }
}

fn prepare<P: Peer>(world: &P, workload: Workload) -> Option<Prepared> {
    Some(match workload {
        Get => cells::get(world),
        Set => cells::set(world),
        SetOneEffect => cells::set_one_effect(world),
        Batch => cells::batch(world),
        Broad => graphs::broad(world, 1000),
        Broad4000 => graphs::broad(world, 4000),
        Deep => graphs::deep(world, 1000),
        Deep4000 => graphs::deep(world, 4000),
        Diamond5 => graphs::diamond(world, 5),
        Diamond500 => graphs::diamond(world, 500),
        Triangle => graphs::triangle(world),
        Mux => graphs::mux(world),
        RepeatedReads => graphs::repeated_reads(world),
        Unstable => graphs::unstable(world),
        Avoidable => graphs::avoidable(world),
        Cellx => cellx::cellx(world),
        CreateSource | CreateComputed | SourceBytes | ComputedBytes | EffectBytes => return None,
    })
}

/// Returns the bytes that one of `count` live cells of a kind keeps allocated.
pub(super) fn weigh<P: Peer>(workload: Workload, count: u32, live: &dyn Fn() -> usize) -> Outcome {
    match workload {
        SourceBytes => cells::source_bytes::<P>(count, live),
        ComputedBytes => cells::computed_bytes::<P>(count, live),
        EffectBytes => cells::effect_bytes::<P>(count, live),
        _ => Outcome::Absent,
    }
}

/// Returns the number of the write as its value, so that each write is a change.
pub(super) fn written(write: u64) -> i64 {
    i64::try_from(write).unwrap_or(i64::MAX)
}

/// Returns a function that does so many writes, with numbers that continue from call to call.
pub(super) fn writes(mut write: impl FnMut(u64) + 'static) -> Box<dyn FnMut(u64)> {
    let mut last = 0;
    Box::new(move |times| {
        for _ in 0..times {
            last += 1;
            write(last);
        }
    })
}
