//! Benchmarks: this library beside its peers, in the same run on the same machine.
//!
//! | module | contents |
//! |---|---|
//! | `core` | one thread's reactive core beside the signal libraries |
//! | `collections` | maps of many rows beside the persistent maps of others |
//! | `links` | the links between threads, and calls over them, beside the raw channels |
//! | `roads` | workers in processes beside a raw pair of sockets |
//! | `persist` | state in a file, beside redb and `serde_json` used by hand |
//! | `scale` | how costs grow with what a program has |
//! | `process` | a measurement in a separate process, with a timeout |
//! | `figures`, `options` | the figures that both tables compute from times, and the options that they accept |

#![forbid(unsafe_code)]

mod collections;
mod core;
mod figures;
mod links;
mod options;
mod persist;
mod process;
mod roads;
mod scale;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run --release -p reacton-bench -- core [--only WORKLOAD] [--rounds N]
       cargo run --release -p reacton-bench -- links [--only CASE] [--rounds N]
       [CALLS=N] cargo run --release -p reacton-bench -- calls [--only CASE] [--rounds N]
       cargo run --release -p reacton-bench -- scale [--only ROW] [--rounds N]
       cargo run --release -p reacton-bench -- process
       cargo run --release -p reacton-bench -- persist
       cargo run --release -p reacton-bench -- collections [--only ROWS] [--rounds N]
       (internal) one LIBRARY WORKLOAD CPU
       (internal) one-link CASE SUBJECT CORES
       (internal) one-rows LINE SUBJECT ROWS
       (internal) one-scale ROW SIZE";

/// Runs the worker of this process, if the process was started as one.
pub fn serve() {
    roads::serve();
}

/// Runs the benchmark that the first argument names.
pub fn run(mut args: impl Iterator<Item = String>) -> ExitCode {
    let done = match args.next().as_deref() {
        Some("core") => core::table(args),
        Some("links") => links::table(args),
        Some("calls") => links::table_of_calls(args),
        Some("one") => core::one(args),
        Some("scale") => scale::table(args),
        Some("collections") => collections::table(args),
        Some("process") => roads::table(),
        Some("persist") => persist::table(),
        Some("one-rows") => collections::one(args, &|| 0),
        Some("one-link") => links::one(args),
        Some("one-scale") => scale::one(args, &|| 0),
        _ => Err(USAGE.to_owned()),
    };
    report(done)
}

/// Prints what one library keeps for one kind of cell, or what a store keeps for one isolate. `live` returns how many
/// bytes are allocated.
pub fn weigh(args: impl Iterator<Item = String>, live: impl Fn() -> usize) -> ExitCode {
    let mut args = args.peekable();
    report(if args.next_if_eq("one-link").is_some() {
        links::weigh(args, &live)
    } else if args.next_if_eq("one-rows").is_some() {
        collections::one(args, &live)
    } else if args.next_if_eq("one-scale").is_some() {
        scale::one(args, &live)
    } else {
        core::weigh(args, &live)
    })
}

fn report(done: Result<(), String>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}
