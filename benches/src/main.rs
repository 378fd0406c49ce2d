//! This library beside its peers: `cargo run --release -p reacton-bench -- core`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    reacton_bench::serve();
    reacton_bench::run(std::env::args().skip(1))
}
