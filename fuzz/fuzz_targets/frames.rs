//! Arbitrary bytes as the messages of a worker's process, and as those of its main, cut at any place. They are
//! messages, or they end the road. The memory that they cause to be allocated is in proportion to their number.
#![no_main]
#![forbid(unsafe_code)]

use std::alloc::System;

use libfuzzer_sys::fuzz_target;
use reacton_isolate::{Delivery, fuzzing};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most bytes that may be allocated for each byte of input: a number of a head takes eight bytes, and an entry of a
/// message some dozen times as much as its shortest form.
const PER_BYTE: usize = 512;

/// The bytes that may be allocated in any case: the buffer, and the first allocation for a payload with a large length.
const AT_LEAST: usize = 256 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let piece = usize::from(first >> 1);
    let delivery = [Delivery::Every, Delivery::Latest][usize::from(first & 1)];
    let whole = bounded(bytes, || fuzzing::read_frames(bytes, usize::MAX));
    let cut = bounded(bytes, || fuzzing::read_frames(bytes, piece));
    assert_eq!(cut, whole, "the frames depend on where the bytes are cut");
    let is_alive = bounded(bytes, || fuzzing::hear_worker(bytes, piece, delivery));
    assert!(!is_alive || whole.1, "a worker that sent no frame is alive");
    let is_heard = bounded(bytes, || fuzzing::hear_main(bytes, piece, delivery));
    assert_eq!(is_heard, whole.1);
});

/// Runs `f`, and checks that its allocations are in proportion to the input.
fn bounded<U>(bytes: &[u8], f: impl FnOnce() -> U) -> U {
    let region = Region::new(ALLOCATOR);
    let result = f();
    let allocated = region.change().bytes_allocated;
    assert!(allocated <= AT_LEAST + PER_BYTE * bytes.len(), "{allocated} bytes of {}", bytes.len());
    result
}
