//! Rows over a link, a worker that starts with rows, and the memory of rows, beside what a program would write by hand.
//! Each figure is measured in a process of its own.

mod by_hand;
mod memory;

use std::thread::sleep;
use std::time::Duration;

use reacton::collections::ByEntries;
use reacton::prelude::*;

use super::SIZES;
use crate::figures::time;
use crate::links::cases::SPIN;
use crate::links::cores::Cores;
use crate::links::latest::{BUSY, Flood, flood};
use crate::links::rows::{COPIED, COUNTED, Row, Rows, fill, one_way, spawn};
use crate::options::Options;
use crate::process::{self, Ending};

const HEAD: &str = "\
| rows | over a link | `ReactonMap`, serialized | by count | `BTreeMap` and a channel of bytes | of `Arc` | \
`BTreeMap` in a reacton |
| --- | --- | --- | --- | --- | --- | --- |";

/// A measurement that takes longer counts as one that does not end.
const PATIENCE: Duration = Duration::from_secs(300);

/// Of so many keys is the map whose receiver is slow.
const KEYS: u64 = 1000;

/// Returns one figure. It is given the number of rows, and the number of bytes that are allocated.
type Measure = fn(Place<'_>) -> f64;

/// What a measurement needs.
#[derive(Clone, Copy)]
struct Place<'p> {
    cores: Cores,
    size: u64,
    live: &'p dyn Fn() -> usize,
}

/// One line of the table.
struct Line {
    title: &'static str,
    sizes: &'static [u64],
    unit: Unit,
    /// In the order of the columns. `None` for what does not have this operation.
    subjects: [Option<Measure>; 5],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Time,
    /// Of the growth of a process.
    Bytes,
    /// Counted by the program `weigh`.
    Weighed,
}

const LINES: [Line; 7] = [
    Line {
        title: "one row is put, until the worker has it",
        sizes: &SIZES,
        unit: Unit::Time,
        subjects: [
            Some(|place| serialized(place)[0]),
            Some(|place| by_count(place)[0]),
            Some(|place| by_hand::bytes(place)[0]),
            Some(|place| by_hand::counted(place)[0]),
            Some(by_hand::whole),
        ],
    },
    Line {
        title: "the part of it in the thread that writes",
        sizes: &SIZES,
        unit: Unit::Time,
        subjects: [
            Some(|place| serialized(place)[1]),
            Some(|place| by_count(place)[1]),
            Some(|place| by_hand::bytes(place)[1]),
            Some(|place| by_hand::counted(place)[1]),
            None,
        ],
    },
    Line {
        title: "`spawn` with these rows, more than with none",
        sizes: &SIZES,
        unit: Unit::Time,
        subjects: [
            Some(|place| more_than_none(place.size, |n| spawn(&COPIED, &shared![COPIED], n))),
            Some(|place| more_than_none(place.size, |n| spawn(&COUNTED, &shared![COUNTED], n))),
            Some(|place| more_than_none(place.size, by_hand::spawn)),
            None,
            Some(|place| more_than_none(place.size, by_hand::spawn_whole)),
        ],
    },
    Line {
        title: "a write under `Latest`, slow receiver",
        sizes: &[KEYS],
        unit: Unit::Time,
        subjects: [
            Some(|place| latest(place, &COPIED, shared![COPIED]).nanos),
            Some(|place| latest(place, &COUNTED, shared![COUNTED]).nanos),
            Some(|place| by_hand::latest(place).nanos),
            None,
            None,
        ],
    },
    Line {
        title: "the same: memory that 10 million writes add",
        sizes: &[KEYS],
        unit: Unit::Bytes,
        subjects: [
            Some(|place| latest(place, &COPIED, shared![COPIED]).grown),
            Some(|place| latest(place, &COUNTED, shared![COUNTED]).grown),
            Some(|place| by_hand::latest(place).grown),
            None,
            None,
        ],
    },
    Line {
        title: "memory of a row of 56 bytes",
        sizes: &SIZES,
        unit: Unit::Weighed,
        subjects: [Some(memory::row), None, Some(memory::row_by_hand), None, None],
    },
    Line {
        title: "memory of a tombstone",
        sizes: &SIZES,
        unit: Unit::Weighed,
        subjects: [Some(memory::tombstone), None, None, None, None],
    },
];

/// Measures and prints the table.
pub(super) fn table(options: &Options) -> Result<(), String> {
    let (time, weigh) = (process::myself()?, process::sibling("weigh")?);
    println!("\n{HEAD}");
    for (number, line) in LINES.iter().enumerate() {
        let program = if line.unit == Unit::Weighed { &weigh } else { &time };
        for size in line.sizes {
            if options.only.as_ref().is_some_and(|only| *only != size.to_string()) {
                continue;
            }
            let mut figures = line.subjects.map(|subject| subject.map(|_| f64::MAX));
            // The rounds of one figure are far apart in time, and figures that are compared close together.
            for _ in 0..options.rounds {
                for (subject, best) in figures.iter_mut().enumerate() {
                    let Some(best) = best else { continue };
                    let args = ["one-rows".into(), number.to_string(), subject.to_string()];
                    let args = args.into_iter().chain([size.to_string()]).collect::<Vec<_>>();
                    *best = best.min(figure(process::child(program, &args, PATIENCE)?)?);
                }
            }
            let cells =
                figures.map(|figure| figure.map_or_else(|| "-".into(), |f| line.unit.text(f)));
            println!("| {size} | {} | {} |", line.title, cells.join(" | "));
        }
    }
    Ok(())
}

fn figure(ending: Ending) -> Result<f64, String> {
    match ending {
        Ending::Said(line) => {
            line.trim().parse().map_err(|error| format!("a child said {line:?}: {error}"))
        }
        Ending::Died => Err("a child has ended with an error".into()),
        Ending::CutOff => Err("a child did not end".into()),
    }
}

impl Unit {
    fn text(self, figure: f64) -> String {
        match self {
            Self::Time => time(figure),
            Self::Weighed => format!("{figure:.0} B"),
            Self::Bytes => format!("{:.0} KB", figure / 1024.0),
        }
    }
}

/// Measures one figure in this process, and prints it.
pub(crate) fn one(
    args: impl Iterator<Item = String>,
    live: &dyn Fn() -> usize,
) -> Result<(), String> {
    let numbers: Vec<u64> = args.map_while(|arg| arg.parse().ok()).collect();
    let [number, subject, size] = numbers[..] else {
        return Err("three numbers are needed".into());
    };
    let at = |index| usize::try_from(index).unwrap_or(usize::MAX);
    let measure = LINES.get(at(number)).and_then(|line| *line.subjects.get(at(subject))?);
    let measure = measure.ok_or("there is no such figure")?;
    let cores = Cores::named("two").or_else(|_| Cores::named("one"))?;
    println!("{}", measure(Place { cores, size, live }));
    Ok(())
}

fn serialized(Place { cores, size, .. }: Place<'_>) -> [f64; 2] {
    cores.pin_main();
    one_way(cores, &COPIED, (shared![COPIED], size), Delivery::Every)
}

fn by_count(Place { cores, size, .. }: Place<'_>) -> [f64; 2] {
    cores.pin_main();
    one_way(cores, &COUNTED, (shared![COUNTED], size), Delivery::Every)
}

fn more_than_none(size: u64, spawn: impl Fn(u64) -> f64) -> f64 {
    // The first ones of a process take longer.
    spawn(0);
    spawn(size) - spawn(0)
}

/// Puts one row after the other, to a worker that is busy for a while after each turn.
fn latest<M: ByEntries + Send>(
    Place { cores, size, .. }: Place<'_>,
    rows: &'static Reacton<Rows, M>,
    shared: SharedSet,
) -> Flood
where
    Reacton<Rows, M>: Writable + Readable<Value = Rows> + Sync,
{
    cores.pin_main();
    let store = ReactonStore::new();
    fill(&store, rows, size);
    let entry = move |store: &ReactonStore| {
        cores.pin_other();
        store.subscribe(rows, |_, _| sleep(BUSY));
    };
    let worker = IsolateStore::builder().spin(SPIN).delivery(Delivery::Latest).shared(shared);
    let worker = worker.spawn(&store, entry).expect("the worker starts");
    let flood = flood(|value| {
        store.update(rows, |rows| rows.insert(value * 7919 % size, Row([value; 6])));
    });
    worker.shutdown(Duration::from_secs(10)).expect("the worker ends");
    flood
}
