//! N1 to N3 in schedules that seeds decide: workers on hosts that are lost, cut off, stopped, full, and come back.
//!
//! Main writes numbered orders, and each worker reports each order that it sees. So a lost, repeated or late message
//! shows in the numbers.

#[path = "machines/given_up.rs"]
mod given_up;
#[path = "machines/journal.rs"]
mod journal;
#[path = "machines/tally.rs"]
mod tally;

use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::{Simulation, version};

use self::journal::{Journal, forget_all};
use self::tally::Tally;
use crate::asking;
use crate::hosts::{Disturbed, Hosts};
use crate::jobs;
use crate::merging;
use crate::schedule::run_all;

/// Counts up by one, in main only.
#[reacton]
static ORDER: u32 = 0;

/// Written by all.
#[reacton]
static NOTE: u8 = 0;

/// Written by all.
#[reacton]
static TABLE: ReactonMap<u8, u16> = ReactonMap::new();

/// What each worker has reported last.
#[reacton]
static FIRST: Report = Report::NONE;

#[reacton]
static SECOND: Report = Report::NONE;

#[reacton]
static THIRD: Report = Report::NONE;

/// A report of a worker: the `number`-th of this `life`, about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Report {
    life: u32,
    number: u32,
    order: u32,
}

impl Report {
    const NONE: Self = Self { life: 0, number: 0, order: 0 };
}

const WORKERS: usize = 3;

/// Returns the reacton of a worker.
fn report_of(worker: usize) -> &'static Reacton<Report> {
    [&FIRST, &SECOND, &THIRD][worker]
}

struct Worker {
    isolate: IsolateStore,
    delivery: Delivery,
    restarts: bool,
    journal: Rc<Journal>,
    host: Option<usize>,
}

struct Site {
    simulation: Rc<Simulation>,
    store: ReactonStore,
    hosts: Hosts,
    workers: Vec<Worker>,
    /// How many workers were spawned, also in vain.
    spawned: usize,
    tally: Tally,
}

impl Site {
    /// The beginning of a schedule. A choice of 0 is always the simplest one, because schedules are shrunk to zeros.
    fn new(simulation: Rc<Simulation>) -> Self {
        forget_all();
        let (store, hosts) = (ReactonStore::new(), Hosts::begin(&simulation, 2));
        let (workers, tally) = (Vec::new(), Tally::default());
        let mut site = Self { simulation, store, hosts, workers, spawned: 0, tally };
        site.spawn();
        site
    }

    fn pick(&self, limit: usize) -> usize {
        self.simulation.pick(limit)
    }

    fn note(&self, line: impl FnOnce() -> String) {
        self.simulation.note(line);
    }

    fn spawn(&mut self) {
        if self.spawned == WORKERS {
            return;
        }
        let (number, latest, policy) = (self.spawned, self.pick(3) == 2, self.pick(4));
        self.spawned += 1;
        self.note(|| format!("worker {number} is spawned, latest: {latest}, policy: {policy}"));
        let delivery = if latest { Delivery::Latest } else { Delivery::Every };
        let restart = match policy {
            3 => Restart::Never,
            _ => Restart::OnPanic {
                max: 100_000,
                within: Duration::from_secs(3600),
                backoff: Duration::from_millis(10),
            },
        };
        let shared = [
            shared![ORDER, NOTE, TABLE, FIRST],
            shared![ORDER, NOTE, TABLE, SECOND],
            shared![ORDER, NOTE, TABLE, THIRD],
        ];
        let builder = IsolateStore::builder().delivery(delivery).restart(restart);
        let builder = builder.shared(shared.into_iter().nth(number).expect("three are listed"));
        let journal = Journal::begin(number, delivery == Delivery::Every);
        journal.listen(&self.store);
        let entry = move |store: &ReactonStore| journal::live(store, number);
        let spawned = self.hosts.at(|| builder.spawn(&self.store, entry));
        match spawned {
            Ok(isolate) => {
                journal.watch(&self.store, &isolate);
                let (restarts, host) = (policy != 3, None);
                self.workers.push(Worker { isolate, delivery, restarts, journal, host });
                self.tally.workers += 1;
            }
            Err(SpawnError::Refused { .. }) => self.tally.refused += 1,
            Err(SpawnError::Unreachable { .. } | SpawnError::TimedOut { .. }) => {
                self.tally.unreachable += 1;
            }
            Err(error) => {
                // Its host was lost, or is stopped, in the middle of the handshake.
                assert!(!self.hosts.is_fair(), "{error}");
                self.tally.unreachable += 1;
            }
        }
    }

    /// Main writes orders.
    fn order(&mut self) {
        let count = [1, 1, 2, 5, 90][self.pick(5)];
        self.note(|| format!("main writes {count} orders"));
        for _ in 0..count {
            self.store.update(&ORDER, |order| *order += 1);
        }
        self.tally.orders += count;
    }

    /// Some store writes what all write.
    fn write(&self) {
        let workers = self.simulation.workers();
        let at = self.pick(workers.len() + 1);
        let store = workers.get(at).unwrap_or(&self.store);
        let [key, value] = [4, 100].map(|limit| self.pick(limit));
        self.note(|| format!("{store:?} writes {value} at {key}"));
        let key = u8::try_from(key).unwrap_or(0);
        let value = u16::try_from(value).unwrap_or(0);
        store.batch(|store| {
            store.set(&NOTE, key);
            store.update(&TABLE, |table| {
                if value < 20 {
                    table.remove(&key)
                } else {
                    table.insert(key, value)
                };
            });
        });
    }

    fn end_one(&mut self) {
        if self.workers.is_empty() {
            return;
        }
        let at = self.pick(self.workers.len());
        let worker = self.workers.remove(at);
        self.note(|| format!("worker {} is dropped", worker.journal.number()));
        self.finish(&worker);
    }

    /// A worker is not followed any more.
    fn finish(&mut self, worker: &Worker) {
        worker.journal.check();
        self.tally.silences += worker.journal.silences();
        self.tally.returns += worker.journal.returns();
        self.tally.overlaps += worker.journal.overlaps();
        self.tally.heard += worker.journal.heard();
        self.tally.restarts += u64::from(worker.isolate.stats().restarts);
        worker.journal.end();
    }

    fn act(&mut self) {
        match self.pick(24) {
            0..10 => {
                for _ in 0..=self.pick(6) {
                    self.tally.steps += u64::from(self.simulation.step());
                }
            }
            10..14 => self.order(),
            14..17 => self.write(),
            17 => self.spawn(),
            18 if self.pick(6) == 5 => self.end_one(),
            19 if !self.hosts.is_fair() => journal::arm(self.pick(WORKERS)),
            19..22 => self.hosts.disturb(),
            22 | 23 => self.hosts.advance(),
            _ => {}
        }
        self.look();
    }

    /// Checks what holds at any time.
    fn look(&mut self) {
        for worker in &mut self.workers {
            let host = self.simulation.host_of(&worker.isolate);
            if host.is_some() && host != worker.host {
                self.tally.restarts_elsewhere += u64::from(worker.host.is_some());
                worker.host = host;
            }
        }
        journal::refuse_faults();
    }

    fn run(mut self) -> Tally {
        while self.pick(60) > 0 {
            self.act();
        }
        self.note(|| String::from("everything comes to rest"));
        journal::disarm();
        self.hosts.mend();
        self.settle();
        // What is written now arrives, too.
        self.order();
        self.write();
        self.settle();
        self.compare();
        for worker in std::mem::take(&mut self.workers) {
            self.finish(&worker);
        }
        self.settle();
        assert_eq!((self.simulation.roads(), self.simulation.workers().len()), (0, 0));
        assert_eq!(self.hosts.running(), 0, "places of no worker");
        self.tally.disturbed = self.hosts.disturbed();
        self.tally
    }

    fn settle(&mut self) {
        self.tally.steps += self.simulation.settle() as u64;
        self.look();
    }

    fn compare(&mut self) {
        let mut living = 0;
        for worker in &self.workers {
            let shown = self.store.get(worker.isolate.status());
            let Worker { isolate, delivery, restarts, journal, .. } = worker;
            let stats = isolate.stats();
            if self.hosts.is_fair() {
                assert_eq!((&shown, stats.restarts), (&IsolateStatus::Running, 0));
            }
            if shown != IsolateStatus::Running {
                assert!(!restarts, "worker {} is {shown:?}", journal.number());
                self.tally.lost += u64::from(shown == IsolateStatus::Lost);
                continue;
            }
            living += 1;
            let store = self.simulation.store_of(isolate).expect("the worker runs");
            assert_eq!((stats.queued, stats.waiting), (0, 0), "frames are kept");
            journal.check_the_last(self.store.get(&ORDER), *delivery == Delivery::Every);
            macro_rules! equal {
                ($($reacton:ident)*) => {$(
                    assert_eq!(store.get(&$reacton), self.store.get(&$reacton));
                    assert_eq!(version(&store, &$reacton), version(&self.store, &$reacton));
                )*};
            }
            equal!(ORDER NOTE TABLE);
            let report = report_of(journal.number());
            assert_eq!(store.get(report), self.store.get(report));
            assert_eq!(version(&store, report), version(&self.store, report));
            self.tally.compared += 4;
        }
        assert_eq!(self.simulation.roads(), living, "a road of no worker");
        assert_eq!(self.hosts.running(), living, "places of no worker");
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        journal::disarm();
    }
}

#[test]
fn n2_in_every_schedule_of_lost_hosts_each_worker_hears_all_and_main_hears_one_of_each() {
    let (seeds, done) = run_all(|simulation| Site::new(simulation).run());
    if seeds < 100 {
        return;
    }
    assert!(done.workers > seeds && done.compared > 2 * seeds && done.heard > 10 * seeds);
    let Disturbed { hosts_lost, roads_lost, stops, .. } = done.disturbed;
    assert!(hosts_lost * 4 > seeds && roads_lost * 8 > seeds && stops * 4 > seeds);
    assert!(done.silences * 2 > seeds && done.returns * 4 > seeds && done.restarts * 2 > seeds);
    assert!(done.restarts_elsewhere * 4 > seeds && done.overlaps * 200 > seeds);
    assert!(done.refused * 100 > seeds && done.unreachable * 100 > seeds && done.lost * 50 > seeds);
}

#[test]
fn n2_in_every_schedule_of_lost_hosts_each_call_has_one_outcome_in_order_with_the_state() {
    asking::on_hosts();
}

#[test]
fn n2_in_every_schedule_of_lost_hosts_the_stores_hold_equal_collections() {
    merging::on_hosts();
}

#[test]
fn n2_in_every_schedule_of_lost_hosts_each_job_of_a_pool_is_done_or_lost() {
    jobs::on_hosts();
}
