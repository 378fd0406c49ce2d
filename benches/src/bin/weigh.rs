//! Counts the bytes that one library keeps for one kind of cell. The benchmark starts this program once for each
//! number.
//!
//! A separate program, because counting costs two locked additions for each allocation, which measured times must not
//! contain.

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
