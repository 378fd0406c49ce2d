//! Arbitrary bytes as what a peer sends to a host or to a client beside the frames of a link: requests, replies, news and
//! reports. They are messages, which are equal after they were encoded and decoded, or they are refused. The memory that
//! they cause to be allocated is in proportion to their number.
#![no_main]
#![forbid(unsafe_code)]

use std::alloc::System;
use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[expect(dead_code, reason = "what the extension alone uses")]
#[path = "../../extensions/reacton-net/src/admission.rs"]
mod admission;

use admission::{News, Reply, Report, Request};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The most bytes that may be allocated for each byte of input: a byte can be an empty string in a list that doubles.
const PER_BYTE: usize = 256;

/// The bytes that may be allocated in any case: the text of an error ..
const AT_LEAST: usize = 4 * 1024;

/// .. and what serde reserves for a list whose length is false, and for another one within. A host reads no list.
const FOR_LISTS: usize = 2 << 20;

fuzz_target!(|input: &[u8]| {
    let Some((first, bytes)) = input.split_first() else { return };
    let region = Region::new(ALLOCATOR);
    match first % 4 {
        0 => each_message::<Request>(bytes, |_| ()),
        1 => each_message::<Reply>(bytes, |reply| {
            if let Some(refusal) = reply.refusal() {
                // It is shown to a person.
                let _ = refusal.to_string();
            }
        }),
        2 => each_message::<News>(bytes, |_| ()),
        _ => {
            for report in bytes.chunks_exact(8) {
                let report = report.try_into().expect("a chunk has eight bytes");
                let read = Report::decode(report);
                assert_eq!(Report::decode(read.encode()), read);
            }
        }
    }
    let allocated = region.change().bytes_allocated;
    let for_lists = if matches!(first % 4, 1 | 2) { FOR_LISTS } else { 0 };
    let most = AT_LEAST + for_lists + PER_BYTE * bytes.len();
    assert!(allocated <= most, "{allocated} bytes of {}", bytes.len());
});

/// Reads messages until one is refused, as `exchange::receive` does.
fn each_message<T: Serialize + DeserializeOwned + Debug>(mut bytes: &[u8], take: impl Fn(T)) {
    while let Some((head, rest)) = bytes.split_first_chunk::<4>() {
        let Ok(len) = admission::len_of(*head) else { return };
        let Some((body, rest)) = rest.split_at_checked(len) else { return };
        let Ok(message) = admission::decode::<T>(body) else { return };
        let shown = format!("{message:?}");
        let encoded = admission::encode(&message).expect("a message that has arrived is short");
        let again: T = admission::decode(&encoded[4..]).expect("an encoded message decodes");
        assert_eq!(format!("{again:?}"), shown);
        take(message);
        bytes = rest;
    }
}
