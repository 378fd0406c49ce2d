//! Counts the bytes that one library keeps for one kind of cell. Started by the benchmark, one process a number.
//!
//! A program of its own, because counting costs two locked additions an allocation, and times are not to pay for it.

#![forbid(unsafe_code)]

use std::alloc::System;
use std::process::ExitCode;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    reacton_bench::weigh(std::env::args().skip(1), || {
        let stats = ALLOCATOR.stats();
        stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
    })
}
