//! The rows of calls: what is measured, what it is compared with, and the target.

use super::ours::{self, By, Waits};
use super::peers::{Crossbeam, Flume, Ractor, Tokio};
use super::{peer_burst, peer_trip};
use crate::links::cases::{ASLEEP, Case, SPIN, Target};
use crate::links::round_trip;

/// In the order of the table.
pub(in crate::links) fn all() -> Vec<Case> {
    vec![
        Case::new("call", "a call answered at once, both spin: p50, p99")
            .with("reacton", |cores| ours::trip(cores, SPIN, By::Value))
            .with("by reactons", |cores| round_trip::reacton(cores, SPIN))
            .with("flume", |cores| peer_trip::<Flume>(cores, SPIN))
            .with("crossbeam", |cores| peer_trip::<Crossbeam>(cores, SPIN))
            .with("tokio", |cores| peer_trip::<Tokio>(cores, SPIN))
            .with("ractor", |cores| peer_trip::<Ractor>(cores, SPIN))
            .reaching(Target::Times(1.3, 1)),
        Case::new("call-asleep", "the same, both sleep: p50, p99")
            .with("reacton", |cores| ours::trip(cores, ASLEEP, By::Value))
            .with("by reactons", |cores| round_trip::reacton(cores, ASLEEP))
            .with("flume", |cores| peer_trip::<Flume>(cores, ASLEEP))
            .with("crossbeam", |cores| peer_trip::<Crossbeam>(cores, ASLEEP))
            .with("tokio", |cores| peer_trip::<Tokio>(cores, ASLEEP))
            .with("ractor", |cores| peer_trip::<Ractor>(cores, ASLEEP)),
        Case::new("call-pool", "one of a million calls of a pool of 2")
            .with("reacton", |cores| ours::burst(cores, By::Value))
            .with("crossbeam", peer_burst::<Crossbeam>)
            .with("flume", peer_burst::<Flume>)
            .with("tokio", peer_burst::<Tokio>)
            .with("ractor", peer_burst::<Ractor>)
            .reaching(Target::Times(1.5, 1)),
        Case::new("caller", "a call by a `caller` on another thread, joined: p50, p99")
            .with("reacton", |cores| ours::caller_trip(cores, SPIN, Waits::Joins))
            .with("awaited", |cores| ours::caller_trip(cores, SPIN, Waits::Awaits))
            .with("flume", |cores| peer_trip::<Flume>(cores, SPIN))
            .with("crossbeam", |cores| peer_trip::<Crossbeam>(cores, SPIN))
            .with("tokio", |cores| peer_trip::<Tokio>(cores, SPIN))
            .with("ractor", |cores| peer_trip::<Ractor>(cores, SPIN)),
        Case::new("caller-pool", "one of a million calls of a pool of 2 by a `caller`")
            .with("reacton", |cores| ours::caller_burst(cores, None))
            .with("crossbeam", peer_burst::<Crossbeam>)
            .with("flume", peer_burst::<Flume>)
            .with("tokio", peer_burst::<Tokio>)
            .with("ractor", peer_burst::<Ractor>)
            .reaching(Target::Times(1.5, 1)),
        Case::new("call-async", "a call answered by a future, both spin: p50, p99")
            .with("reacton", |cores| ours::trip(cores, SPIN, By::Future))
            .with("at once", |cores| ours::trip(cores, SPIN, By::Value))
            .with("ractor", |cores| peer_trip::<Ractor>(cores, SPIN)),
        Case::new("call-async-pool", "one of a million calls of a pool of 2, each a future")
            .with("reacton", |cores| ours::burst(cores, By::Future))
            .with("at once", |cores| ours::burst(cores, By::Value))
            .with("ractor", peer_burst::<Ractor>),
        Case::new("in-flight", "one of a million by a `caller` with `in_flight(64)`")
            .with("64", |cores| ours::caller_burst(cores, Some(64)))
            .with("no limit", |cores| ours::caller_burst(cores, None))
            .with("1", |cores| ours::caller_burst(cores, Some(1)))
            .with("1,024", |cores| ours::caller_burst(cores, Some(1024))),
    ]
}
