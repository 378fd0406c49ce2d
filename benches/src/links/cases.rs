//! The cases: what is measured, what it is compared with, and the target.

use std::time::Duration;

use reacton::prelude::*;

use super::cores::Cores;
use super::payload::{self, Kind, Point};
use super::rows::{self, COPIED, COUNTED};
use super::wire::{Crossbeam, Eyeball, Flume, Watch};
use super::{Figures, idle, latest, one_way, round_trip, scale, spawn};

/// How long the library spins if the process may use more than one core. The peers spin as long.
pub(crate) const SPIN: Duration = Duration::from_micros(20);

pub(super) const ASLEEP: Duration = Duration::ZERO;

/// The number of rows of a map.
const ROWS: u64 = 100_000;

/// One row of the table.
pub(super) struct Case {
    /// The argument of `--only`.
    pub(super) name: String,
    pub(super) title: String,
    /// Ours comes first.
    pub(super) subjects: Vec<Subject>,
    pub(super) target: Target,
    pub(super) unit: Unit,
    pub(super) program: Program,
    /// The case belongs to the second table, where all cases have the same subjects.
    pub(super) is_value: bool,
}

/// What is measured in one column: ours or a peer.
pub(super) struct Subject {
    pub(super) name: &'static str,
    pub(super) measure: Measure,
}

type Measure = Box<dyn Fn(Cores, &dyn Fn() -> usize) -> Figures>;

/// The value that ours should reach.
#[derive(Clone, Copy)]
pub(super) enum Target {
    Nothing,
    /// At most so many times the first figure of the subject at this index.
    Times(f64, usize),
    /// At most this value.
    AtMost(f64),
}

/// The unit of the figures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Time,
    Bytes,
}

/// The program that measures a case.
#[derive(Clone, Copy)]
pub(super) enum Program {
    Time,
    /// The program that counts allocated bytes.
    Weigh,
}

impl Case {
    pub(super) fn new(name: &str, title: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            subjects: Vec::new(),
            target: Target::Nothing,
            unit: Unit::Time,
            program: Program::Time,
            is_value: false,
        }
    }

    pub(super) fn with(
        mut self,
        name: &'static str,
        measure: impl Fn(Cores) -> Figures + 'static,
    ) -> Self {
        self.subjects.push(Subject { name, measure: Box::new(move |cores, _| measure(cores)) });
        self
    }

    fn weighing(
        mut self,
        name: &'static str,
        measure: impl Fn(&dyn Fn() -> usize) -> Figures + 'static,
    ) -> Self {
        self.subjects.push(Subject { name, measure: Box::new(move |_, live| measure(live)) });
        self.program = Program::Weigh;
        self.in_bytes()
    }

    fn in_bytes(mut self) -> Self {
        self.unit = Unit::Bytes;
        self
    }

    pub(super) fn reaching(mut self, target: Target) -> Self {
        self.target = target;
        self
    }
}

/// Returns the cases with rows of a map of 100,000.
fn rows() -> Vec<Case> {
    let (copied, counted) = (|| shared![COPIED], || shared![COUNTED]);
    let one_way = move |delivery| {
        move |cores| vec![rows::one_way(cores, &COPIED, (copied(), ROWS), delivery)[0]]
    };
    let counted_way = move |delivery| {
        move |cores| vec![rows::one_way(cores, &COUNTED, (counted(), ROWS), delivery)[0]]
    };
    vec![
        Case::new("row", "one row of 100,000, one way, in a burst")
            .with("serialized", one_way(Delivery::Every))
            .with("by count", counted_way(Delivery::Every)),
        Case::new("row-latest", "the same under `Latest`")
            .with("serialized", one_way(Delivery::Latest))
            .with("by count", counted_way(Delivery::Latest)),
        Case::new("spawn-rows", "`spawn` with 100,000 rows")
            .with("serialized", move |_| vec![rows::spawn(&COPIED, &copied(), ROWS)])
            .with("by count", move |_| vec![rows::spawn(&COUNTED, &counted(), ROWS)]),
    ]
}

/// Returns all cases in the order of the table.
pub(super) fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::new("trip", "round trip, both spin: p50, p99")
            .with("reacton", |cores| round_trip::reacton(cores, SPIN))
            .with("flume", |cores| round_trip::wire::<Flume>(cores, SPIN))
            .with("crossbeam", |cores| round_trip::wire::<Crossbeam>(cores, SPIN))
            .with("tokio watch", |cores| round_trip::wire::<Watch>(cores, SPIN))
            .with("eyeball", |cores| round_trip::wire::<Eyeball>(cores, SPIN))
            .reaching(Target::Times(1.5, 1)),
        Case::new("trip-asleep", "round trip, both sleep: p50, p99")
            .with("reacton", |cores| round_trip::reacton(cores, ASLEEP))
            .with("flume", |cores| round_trip::wire::<Flume>(cores, ASLEEP))
            .with("crossbeam", |cores| round_trip::wire::<Crossbeam>(cores, ASLEEP))
            .with("tokio watch", |cores| round_trip::wire::<Watch>(cores, ASLEEP))
            .with("eyeball", |cores| round_trip::wire::<Eyeball>(cores, ASLEEP))
            .reaching(Target::Times(1.2, 1)),
        Case::new("one-way", "one way, small transactions, `Every`")
            .with("reacton", one_way::reacton)
            .with("flume, `drain`", one_way::flume_drain)
            .with("crossbeam", one_way::crossbeam)
            .reaching(Target::Times(2.0, 1)),
        Case::new("latest", "a write, `Latest`, slow receiver")
            .with("reacton", latest::reacton_time)
            .with("tokio watch", latest::wire_time::<Watch>)
            .with("eyeball", latest::wire_time::<Eyeball>)
            .reaching(Target::AtMost(150.0)),
        Case::new("latest-memory", "the same: memory that 10 million writes add")
            .with("reacton", latest::reacton_memory)
            .with("tokio watch", latest::wire_memory::<Watch>)
            .with("eyeball", latest::wire_memory::<Eyeball>)
            .in_bytes()
            .reaching(Target::AtMost(256.0 * 1024.0)),
        Case::new("spawn", "`spawn` to handshake: p50, p99")
            .with("reacton", spawn::reacton)
            .with("thread and flume reply", spawn::thread_and_reply)
            .reaching(Target::Times(2.5, 1)),
        Case::new("isolates", "a change and isolate, 32 isolates: in all, main's part")
            .with("32 isolates", |cores| scale::isolates(cores, 32))
            .with("1", |cores| scale::isolates(cores, 1))
            .with("2", |cores| scale::isolates(cores, 2))
            .with("4", |cores| scale::isolates(cores, 4))
            .with("8", |cores| scale::isolates(cores, 8))
            .with("16", |cores| scale::isolates(cores, 16))
            .reaching(Target::Times(1.5, 1)),
        Case::new("reactons", "one way, one of 1,000 shared reactons")
            .with("1,000 reactons", |cores| scale::reactons(cores, 1000))
            .with("1", |cores| scale::reactons(cores, 1))
            .reaching(Target::Times(1.1, 1)),
        Case::new("many", "`spawn` of the last 100 of 1,000 isolates")
            .with("the last", |_| scale::spawned(true))
            .with("the first", |_| scale::spawned(false))
            .reaching(Target::Times(1.5, 1)),
        Case::new("many-memory", "memory of an isolate beside its stack")
            .weighing("reacton", scale::weight)
            .weighing("thread and flume", scale::weight_of_threads),
        Case::new("idle", "processor time of an idle worker in a second")
            .with("reacton", |cores| idle::reacton_with_spin(cores, false))
            .with("spin 0", |cores| idle::reacton(cores, ASLEEP, false))
            .with("flume, asleep", |cores| idle::flume(cores, false))
            .reaching(Target::AtMost(0.0)),
        Case::new("seldom", "processor time a change, 100 a second")
            .with("reacton", |cores| idle::reacton_with_spin(cores, true))
            .with("spin 0", |cores| idle::reacton(cores, ASLEEP, true))
            .with("flume, asleep", |cores| idle::flume(cores, true)),
        Case::new("zero-copy", "a value of 16 MB, `zero_copy`")
            .with("16 MB", payload::large)
            .with("u64", payload::number)
            .with("u64, caches as full", payload::number_in_full_caches)
            .with("flume: u64", payload::number_by_hand)
            .with("flume: 16 MB in an `Arc`", payload::large_by_hand)
            .reaching(Target::Times(1.5, 1)),
    ];
    for (bytes, size) in
        [(8, "8 B"), (1 << 10, "1 KB"), (64 << 10, "64 KB"), (1 << 20, "1 MB"), (16 << 20, "16 MB")]
    {
        cases.push(values::<Vec<u8>>("bytes", "`Vec<u8>`", bytes, size));
        cases.push(values::<Vec<f64>>("floats", "`Vec<f64>`", bytes, size));
        cases.push(values::<String>("text", "`String`", bytes, size));
        cases.push(values::<Vec<Point>>("structs", "`Vec` of structs", bytes, size));
        cases.push(values::<payload::Map>("map", "map", bytes, size));
    }
    cases.extend(rows());
    cases
}

fn values<K: Kind>(name: &str, kind: &str, bytes: usize, size: &str) -> Case {
    let short = size.replace(' ', "").to_lowercase();
    let mut case = Case::new(&format!("{name}-{short}"), &format!("{kind}, {size}"))
        .with("serialized", move |cores| payload::serialized::<K>(cores, bytes))
        .with("two memcpys", move |_| payload::two_copies(bytes))
        .with("rmp-serde alone", move |_| payload::bare_codec::<K>(bytes))
        .with("cloned, flume, cloned", move |cores| payload::cloned::<K>(cores, bytes))
        .with("`zero_copy`", move |cores| payload::zero_copy::<K>(cores, bytes));
    case.is_value = true;
    if (name, bytes) == ("bytes", 1 << 20) { case.reaching(Target::Times(3.0, 1)) } else { case }
}
