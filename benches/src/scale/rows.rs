//! The rows: what is measured, at which sizes, and the target.

use super::{pools, queues, sharing, state};

/// The unit of a measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Nanoseconds of one operation.
    Time,
    /// Bytes that stay allocated, measured by the program `weigh`.
    Bytes,
    /// The ratio to the peer's time.
    Times,
}

type Measure = fn(usize, &dyn Fn() -> usize) -> f64;

/// One row of the table.
pub(super) struct Row {
    /// The argument of `--only`.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    /// The sizes n, 2n and 4n.
    pub(super) sizes: [usize; 3],
    pub(super) unit: Unit,
    pub(super) to_reach: &'static str,
    pub(super) measure: Measure,
}

impl Row {
    fn new(name: &'static str, title: &'static str, n: usize, measure: Measure) -> Self {
        let sizes = [n, 2 * n, 4 * n];
        Self { name, title, sizes, unit: Unit::Time, to_reach: "", measure }
    }

    fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    fn reaching(self, to_reach: &'static str) -> Self {
        Self { to_reach, ..self }
    }
}

/// In the order of the table.
pub(super) fn all() -> Vec<Row> {
    vec![
        Row::new("update", "`update` of a map of n: an insert", 2_500, |n, _| state::insert(n)),
        Row::new("update-batch", "the same, each in a `batch`", 2_500, |n, _| {
            state::insert_in_batches(n)
        })
        .reaching("1.5 times the row above"),
        Row::new("update-event", "the same under `eq = never`", 2_500, |n, _| {
            state::insert_events_in_batches(n)
        })
        .reaching("1.5 times the first row"),
        Row::new("keys", "`keys()` of a family of 10 beside one of n", 250_000, |n, _| {
            state::keys_of_few(n)
        })
        .reaching("exponent 0"),
        Row::new("total", "first read of a running total of n, a row", 2_500, |n, _| {
            state::running_total(n, false)
        })
        .reaching("as the row below"),
        Row::new("total-in-order", "the same, row by row from the top", 2_500, |n, _| {
            state::running_total(n, true)
        }),
        Row::new("set-unshared", "`set` of what none of n workers shares", 250, |n, _| {
            sharing::set_what_none_shares(n)
        })
        .reaching("exponent 0"),
        Row::new("set-shared-by-one", "`set` of what one of n workers shares", 250, |n, _| {
            sharing::set_what_one_shares(n)
        })
        .reaching("exponent 0"),
        Row::new("take-in", "main takes in a transaction of one of n workers", 250, |n, _| {
            sharing::take_in_from_one(n)
        })
        .reaching("exponent 0"),
        Row::new("spawn-one-more", "`spawn` beside n workers", 250, |n, _| {
            sharing::spawn_one_more(n)
        })
        .reaching("exponent 0"),
        Row::new("dispose-one", "`dispose` of one of n workers", 250, |n, _| {
            sharing::dispose_each(n)
        })
        .reaching("exponent 0"),
        Row::new("spawn-shared", "`spawn` with n shared, a reacton", 2_500, |n, _| {
            sharing::spawn_with(n)
        })
        .reaching("exponent 0"),
        Row::new("resume", "pause and resume of n until taken in, a reacton", 2_500, |n, _| {
            sharing::resume(n)
        })
        .reaching("exponent 0"),
        Row::new("latest", "`Latest`: a write to one of n that wait", 2_500, |n, _| {
            queues::latest(n, false)
        })
        .reaching("150 ns, exponent 0"),
        Row::new("latest-batch", "`Latest`: a batch of n, a reacton", 2_500, |n, _| {
            queues::latest(n, true)
        })
        .reaching("exponent 0"),
        Row::new("stale", "`is_stale` in a worker while n messages wait", 5_000, |n, _| {
            queues::is_stale(n)
        })
        .reaching("200 ns, exponent 0"),
        Row::new("stale-handle", "the same for what a handle has sent", 5_000, |n, _| {
            queues::is_stale_by_handle(n)
        })
        .reaching("200 ns, exponent 0"),
        Row::new("changes", "n tasks await `changes()`: an arrival, a task", 500, |n, _| {
            queues::arrival(n)
        })
        .reaching("exponent 0"),
        Row::new("burst", "kept after a burst of n messages", 250_000, queues::kept_after_burst)
            .unit(Unit::Bytes)
            .reaching("given back"),
        Row::new("pool", "n jobs of a pool of 2 without work, a job", 25_000, |n, _| {
            pools::job(n, 0)
        })
        .reaching("800 ns, exponent 0"),
        Row::new("pool-busy", "the same with 2 µs of work, beside crossbeam", 25_000, |n, _| {
            pools::job(n, 2_000) / pools::crossbeam(n, 2_000)
        })
        .unit(Unit::Times)
        .reaching("1.3 times"),
    ]
}
