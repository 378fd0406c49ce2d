//! The links between threads beside the raw channels: every case in a separate process, on two cores and on one.

mod calls;
pub(crate) mod cases;
pub(crate) mod cores;
mod idle;
pub(crate) mod latest;
mod one_way;
mod payload;
mod round_trip;
pub(crate) mod rows;
mod scale;
mod spawn;
mod table;
pub(crate) mod wire;

use std::path::PathBuf;
use std::time::Duration;

use cases::{Case, Program};
use cores::{Cores, PLACEMENTS};
use table::{Number, Row};

use crate::options::Options;
use crate::process::{self, Ending};

/// The result of one measurement: one number, or the median and the value that 99 of 100 do not exceed.
type Figures = Vec<f64>;

/// A measurement that takes longer counts as one that does not end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures every case and its peers, and prints one table.
pub(crate) fn table(args: impl Iterator<Item = String>) -> Result<(), String> {
    table_of(&cases::all(), args)
}

/// The same for calls.
pub(crate) fn table_of_calls(args: impl Iterator<Item = String>) -> Result<(), String> {
    table_of(&calls::all(), args)
}

fn table_of(cases: &[Case], args: impl Iterator<Item = String>) -> Result<(), String> {
    let Options { only, rounds } = Options::parse(args)?;
    if let Some(only) = &only {
        case(cases, only)?;
    }
    let chosen = |case: &&Case| only.as_ref().is_none_or(|only| *only == case.name);
    let programs = Programs { time: process::myself()?, weigh: process::sibling("weigh")? };
    let mut rows: Vec<_> = cases.iter().filter(chosen).map(Row::of).collect();
    // A shared machine is slow for seconds at a time. So the rounds of one number are far apart in time, and numbers
    // that are compared close together.
    for round in 1..=rounds {
        for row in &mut rows {
            for (placement, numbers) in PLACEMENTS.iter().zip(&mut row.numbers) {
                for (subject, number) in numbers.iter_mut().enumerate() {
                    number.better(in_child(&programs, row.case, subject, placement)?);
                }
            }
            eprint!(".");
        }
        eprintln!(" round {round} of {rounds}");
    }
    table::print(&rows);
    Ok(())
}

fn case<'a>(cases: &'a [Case], name: &str) -> Result<&'a Case, String> {
    cases.iter().find(|case| case.name == name).ok_or_else(|| {
        let names: Vec<_> = cases.iter().map(|case| case.name.as_str()).collect();
        format!("no case `{name}`; there are {}", names.join(", "))
    })
}

/// The programs that the child processes run.
struct Programs {
    time: PathBuf,
    weigh: PathBuf,
}

fn in_child(
    programs: &Programs,
    case: &Case,
    subject: usize,
    cores: &str,
) -> Result<Number, String> {
    let program = match case.program {
        Program::Time => &programs.time,
        Program::Weigh => &programs.weigh,
    };
    let subject = subject.to_string();
    let args = ["one-link", case.name.as_str(), subject.as_str(), cores];
    match process::child(program, &args, PATIENCE)? {
        Ending::Died => Ok(Number::Mark("panic")),
        Ending::CutOff => Ok(Number::Mark("did not end")),
        Ending::Said(line) => Number::parse(&line).ok_or_else(|| format!("a child said {line:?}")),
    }
}

/// Measures one case, ours or a peer's, in this process. Prints one line for [`Number::parse`].
pub(crate) fn one(args: impl Iterator<Item = String>) -> Result<(), String> {
    weigh(args, &|| 0)
}

/// The same for a case that counts bytes; `live` returns how many are allocated.
pub(crate) fn weigh(
    mut args: impl Iterator<Item = String>,
    live: &dyn Fn() -> usize,
) -> Result<(), String> {
    let mut cases = cases::all();
    cases.extend(calls::all());
    let case = case(&cases, &args.next().unwrap_or_default())?;
    let subject = args.next().and_then(|subject| case.subjects.get(subject.parse::<usize>().ok()?));
    let subject = subject.ok_or("no such subject")?;
    let cores = Cores::named(&args.next().unwrap_or_default())?;
    cores.pin_main();
    let figures: Vec<_> = (subject.measure)(cores, live).iter().map(f64::to_string).collect();
    println!("{}", figures.join(" "));
    Ok(())
}
