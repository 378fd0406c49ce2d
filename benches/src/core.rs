//! The reactive core beside its peers: every workload with every library, each in a separate process.

mod measure;
mod peer;
mod probe;
mod table;
mod workloads;

use std::path::PathBuf;
use std::time::Duration;

use measure::Outcome;
use peer::alien_signals::AlienSignals;
use peer::dioxus::Dioxus;
use peer::floem::Floem;
use peer::futures_signals;
use peer::reactive_graph::ReactiveGraph;
use peer::reacton::Locals;
use peer::statics::Statics;
use peer::sycamore::Sycamore;
use workloads::Workload;

use crate::options::Options;
use crate::process::{self, Ending};
use table::{Cell, Row};

/// The columns: ours first, then the peers.
const LIBRARIES: [&str; 8] = [
    "reacton",
    "reacton (static)",
    "reactive_graph",
    "sycamore",
    "floem",
    "dioxus",
    "futures-signals",
    "alien-signals",
];

/// How many live cells are weighed. A little below a power of two, so that the spare capacity of a slab does not count.
/// (At 10,000 cells, a slab that doubles has spare capacity for two thirds as many.)
const WEIGHED: u32 = 16_000;

/// A measurement that takes longer counts as one that does not end.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures every workload with every library, and prints one table.
pub(crate) fn table(args: impl Iterator<Item = String>) -> Result<(), String> {
    let Options { only, rounds } = Options::parse(args)?;
    let only = only.as_deref().map(workload).transpose()?;
    let chosen = |row: &&(Workload, _, _, _)| only.is_none_or(|only| only == row.0);
    let cpu = core_affinity::get_core_ids()
        .and_then(|ids| ids.last().copied())
        .map_or("none".to_owned(), |last| last.id.to_string());
    let programs = Programs { time: process::myself()?, weigh: process::sibling("weigh")? };
    let mut rows: Vec<_> = workloads::ALL.iter().filter(chosen).map(Row::of).collect();
    // A shared machine is slow for seconds at a time. So the rounds of one number are far apart in time, and the
    // libraries of one row close together.
    for round in 1..=rounds {
        for row in &mut rows {
            for (library, cell) in LIBRARIES.iter().zip(&mut row.cells) {
                if !cell.is_mark() {
                    let measured = in_child(&programs, library, row.workload, &cpu)?;
                    *cell = std::mem::replace(cell, Cell::Absent).better(measured);
                }
            }
            eprint!(".");
        }
        eprintln!(" round {round} of {rounds}");
    }
    table::print(&LIBRARIES, &rows);
    Ok(())
}

fn workload(name: &str) -> Result<Workload, String> {
    let names = || workloads::ALL.map(|row| row.1).join(", ");
    Workload::named(name).ok_or_else(|| format!("no workload `{name}`; there are {}", names()))
}

/// The programs that the child processes run.
struct Programs {
    time: PathBuf,
    weigh: PathBuf,
}

fn in_child(
    programs: &Programs,
    library: &str,
    workload: Workload,
    cpu: &str,
) -> Result<Cell, String> {
    if library == LIBRARIES[1] && !workload.is_of_one_source() {
        return Ok(Cell::Absent);
    }
    let ending = if workload.is_memory() {
        process::child(&programs.weigh, &[library, workload.name()], PATIENCE)
    } else {
        process::child(&programs.time, &["one", library, workload.name(), cpu], PATIENCE)
    };
    Ok(match ending? {
        Ending::Died => Cell::Mark("panic"),
        Ending::CutOff => Cell::Mark("did not end"),
        Ending::Said(line) => Cell::parse(&line).ok_or_else(|| format!("a child said {line:?}"))?,
    })
}

/// Measures one workload with one library in this process, pinned to one core. Prints one line for [`Cell::parse`].
pub(crate) fn one(mut args: impl Iterator<Item = String>) -> Result<(), String> {
    let (library, workload) = subject(&mut args)?;
    if let Some(id) = args.next().and_then(|cpu| cpu.parse().ok()) {
        core_affinity::set_for_current(core_affinity::CoreId { id });
    }
    say(&match library.as_str() {
        "reacton" => workloads::measure::<Locals>(workload),
        "reacton (static)" if workload.is_of_one_source() => {
            workloads::measure::<Statics>(workload)
        }
        "reactive_graph" => workloads::measure::<ReactiveGraph>(workload),
        "sycamore" => workloads::measure::<Sycamore>(workload),
        "floem" => workloads::measure::<Floem>(workload),
        "dioxus" => workloads::measure::<Dioxus>(workload),
        "futures-signals" => futures_signals::measure(workload),
        "alien-signals" => workloads::measure::<AlienSignals>(workload),
        _ => Outcome::Absent,
    });
    Ok(())
}

/// Measures what one library keeps for one kind of cell.
pub(crate) fn weigh(
    mut args: impl Iterator<Item = String>,
    live: &dyn Fn() -> usize,
) -> Result<(), String> {
    let (library, workload) = subject(&mut args)?;
    let count = args.next().and_then(|count| count.parse().ok()).unwrap_or(WEIGHED);
    say(&match library.as_str() {
        "reacton" => workloads::weigh::<Locals>(workload, count, live),
        "reactive_graph" => workloads::weigh::<ReactiveGraph>(workload, count, live),
        "sycamore" => workloads::weigh::<Sycamore>(workload, count, live),
        "floem" => workloads::weigh::<Floem>(workload, count, live),
        "dioxus" => workloads::weigh::<Dioxus>(workload, count, live),
        "futures-signals" => futures_signals::weigh(workload, count, live),
        "alien-signals" => workloads::weigh::<AlienSignals>(workload, count, live),
        _ => Outcome::Absent,
    });
    Ok(())
}

fn subject(args: &mut impl Iterator<Item = String>) -> Result<(String, Workload), String> {
    let library = args.next().unwrap_or_default();
    let workload = workload(&args.next().unwrap_or_default())?;
    Ok((library, workload))
}

fn say(outcome: &Outcome) {
    match outcome {
        Outcome::Time { nanos, extra_runs: false } => println!("time {nanos}"),
        Outcome::Time { nanos, extra_runs: true } => println!("extra {nanos}"),
        Outcome::Bytes(bytes) => println!("bytes {bytes}"),
        Outcome::Glitch(tale) => println!("glitch {tale}"),
        Outcome::Wrong(tale) => println!("wrong {tale}"),
        Outcome::Absent => println!("absent"),
    }
}
