//! Benchmarks: this library beside its peers, in the same run on the same machine.
//!
//! | module | what passes through it |
//! |---|---|
//! | `core` | one thread's reactive core beside the signal libraries |
//! | `process` | a measurement in a process of its own, with an end to waiting |

#![forbid(unsafe_code)]

mod core;
mod process;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo run --release -p reacton-bench -- core [--only WORKLOAD] [--rounds N]
       (internal) one LIBRARY WORKLOAD CPU";

/// Runs the benchmark that the first argument names.
pub fn run(mut args: impl Iterator<Item = String>) -> ExitCode {
    let done = match args.next().as_deref() {
        Some("core") => core::table(args),
        Some("one") => core::one(args),
        _ => Err(USAGE.to_owned()),
    };
    report(done)
}

/// Prints what one library keeps for one kind of cell; `live` gives the bytes that are allocated now.
pub fn weigh(args: impl Iterator<Item = String>, live: impl Fn() -> usize) -> ExitCode {
    report(core::weigh(args, &live))
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
