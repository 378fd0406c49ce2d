//! Bytes read as what the process of a worker sends, cut anywhere: frames or the end of the road, and no memory for more than arrives.
#![no_main]
#![forbid(unsafe_code)]

use std::alloc::System;

use libfuzzer_sys::fuzz_target;
use reacton_isolate::fuzzing;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocated for each byte of input, at most: a number of a head takes eight bytes, an entry of a message some dozen times as much as
/// its shortest form.
const PER_BYTE: usize = 512;

/// The buffer, and the first room of a payload that is said to be large.
const AT_LEAST: usize = 256 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((piece, bytes)) = input.split_first() else { return };
    let region = Region::new(ALLOCATOR);
    let whole = fuzzing::read_frames(bytes, usize::MAX);
    let allocated = region.change().bytes_allocated;
    assert!(allocated <= AT_LEAST + PER_BYTE * bytes.len(), "{allocated} bytes of {}", bytes.len());
    assert_eq!(fuzzing::read_frames(bytes, usize::from(*piece)), whole, "wherever they are cut");
});
