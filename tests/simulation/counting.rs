//! Counters to which workers add that end and begin: each takes the seat of one that has ended (M5).
//!
//! At rest all stores have the same sum. Where no worker was lost it is the sum of all that was added, and otherwise all
//! that was added before the last rest is in it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::rc::Rc;

use reacton::collections::{Merge, Which};
use reacton::prelude::*;
use reacton::testing::{Simulation, is_same};
use reacton_support::{TIMEOUT, restart_always};

use crate::observers::PLANNED;
use crate::schedule::{next_begins, run_all};

#[reacton]
static SUM: Counter = Counter::new();

#[reacton(zero_copy)]
static COUNTED: Counter = Counter::new();

thread_local! {
    /// The numbers of the workers whose next observer panics.
    static ARMED: RefCell<BTreeSet<usize>> = const { RefCell::new(BTreeSet::new()) };
}

/// At one time.
const MOST_WORKERS: usize = 5;

struct Node {
    number: usize,
    /// What spawned it: its place among the nodes is not fixed.
    above: ReactonStore,
    worker: IsolateStore,
}

struct Office {
    simulation: Rc<Simulation>,
    main: ReactonStore,
    nodes: Vec<Node>,
    /// Everything before the last rest.
    sure: i64,
    added: i64,
    /// Whether anything since the last rest may be lost.
    loses: bool,
    /// Whether a link was paused since the last rest: what is missed then is lost if the worker ends.
    pauses: bool,
    tally: Tally,
}

#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    spawned: u64,
    ended: u64,
    lost: u64,
    pauses: u64,
    rests: u64,
    exact: u64,
    /// The most records that a counter has had.
    records: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.spawned += other.spawned;
        self.ended += other.ended;
        self.lost += other.lost;
        self.pauses += other.pauses;
        self.rests += other.rests;
        self.exact += other.exact;
        self.records = self.records.max(other.records);
    }
}

/// Subscribes to both counters on one side of a link, or pauses them.
macro_rules! take {
    ($side:expr, $pauses:expr) => {
        if $pauses {
            $side.pause(&SUM);
            $side.pause(&COUNTED);
        } else {
            $side.resume(&SUM);
            $side.resume(&COUNTED);
        }
    };
}

/// In one batch on the side of main.
fn take_above(above: &ReactonStore, worker: &IsolateStore, pauses: bool) {
    if !above.is_disposed() {
        above.batch(|_| take!(worker, pauses));
    }
}

/// In one batch on the side of the worker, if there is one.
fn take_below(store: Option<&ReactonStore>, pauses: bool) {
    if let Some((store, main)) = store.and_then(|store| Some((store, MainLink::of(store)?))) {
        store.batch(|_| take!(main, pauses));
    }
}

impl Office {
    fn new(simulation: Rc<Simulation>) -> Self {
        ARMED.take();
        Self {
            simulation,
            main: ReactonStore::new(),
            nodes: Vec::new(),
            sure: 0,
            added: 0,
            loses: false,
            pauses: false,
            tally: Tally::default(),
        }
    }

    fn pick(&self, limit: usize) -> usize {
        self.simulation.pick(limit)
    }

    /// The stores that are there now, main first, and the depth of each.
    fn stores(&self) -> Vec<(ReactonStore, usize)> {
        let mut stores = vec![(self.main.clone(), 0)];
        // A node is behind what spawned it.
        for Node { above, worker, .. } in &self.nodes {
            let depth = stores.iter().find(|(store, _)| is_same(store, above));
            let (Some(depth), Some(store)) =
                (depth.map(|(_, depth)| depth + 1), self.simulation.store_of(worker))
            else {
                continue;
            };
            if !store.is_disposed() {
                stores.push((store, depth));
            }
        }
        stores
    }

    /// Ends the workers of stores that are not there any more.
    fn clear(&mut self) {
        loop {
            let stores = self.stores();
            let is_left =
                |node: &Node| !stores.iter().any(|(store, _)| is_same(store, &node.above));
            let Some(at) = self.nodes.iter().position(is_left) else { return };
            drop(self.nodes.remove(at));
        }
    }

    fn spawn(&mut self) {
        let above: Vec<_> = self.stores().into_iter().filter(|(_, depth)| *depth < 3).collect();
        if self.nodes.len() >= MOST_WORKERS {
            return;
        }
        let above = above[self.pick(above.len())].0.clone();
        let delivery = if self.pick(2) == 0 { Delivery::Every } else { Delivery::Latest };
        let (away, number) = (self.pick(3) == 0, usize::try_from(self.tally.spawned).unwrap_or(0));
        self.simulation.note(|| format!("{above:?} spawns {number}, away: {away}"));
        let builder = IsolateStore::builder().shared(shared![SUM, COUNTED]).delivery(delivery);
        let spawn = || {
            builder.restart(restart_always()).spawn(&above, move |store| {
                store.subscribe(&SUM, move |_, _| {
                    assert!(!ARMED.with_borrow_mut(|armed| armed.remove(&number)), "{PLANNED}");
                });
            })
        };
        let worker = if away { self.simulation.away(spawn) } else { spawn() };
        let worker = worker.expect("the worker starts");
        self.nodes.push(Node { number, above, worker });
        self.tally.spawned += 1;
    }

    fn add(&mut self) {
        let stores = self.stores();
        let (store, number) = (&stores[self.pick(stores.len())].0, 1 + self.pick(9));
        let number = i64::try_from(number).unwrap_or(1);
        self.simulation.note(|| format!("{store:?} adds {number}"));
        // A panic of an observer has to happen in a step of a worker.
        let armed = ARMED.take();
        store.batch(|store| {
            store.update(&SUM, |sum| sum.add(number));
            store.update(&COUNTED, |sum| sum.add(number));
        });
        ARMED.set(armed);
        self.added += number;
    }

    fn end(&mut self) {
        if self.nodes.is_empty() {
            return;
        }
        let (at, how) = (self.pick(self.nodes.len()), self.pick(6));
        let number = self.nodes[at].number;
        self.simulation.note(|| format!("worker {number} ends: {how}"));
        match how {
            0 => {
                self.loses = true;
                drop(self.nodes.remove(at));
            }
            1 => {
                self.loses = true;
                self.simulation.kill(&self.nodes[at].worker);
            }
            2 => {
                self.loses = true;
                ARMED.with_borrow_mut(|armed| armed.insert(number));
            }
            // Without a loss.
            _ => {
                let Node { worker, .. } = self.nodes.remove(at);
                let armed = ARMED.take();
                self.loses |= self.pauses | worker.shutdown(TIMEOUT).is_err();
                ARMED.set(armed);
                self.tally.ended += 1;
            }
        }
        self.tally.lost += u64::from(how < 3);
    }

    /// One side of a link does not want to know any more what the other one adds, or wants to know it again.
    fn toggle(&mut self) {
        if self.nodes.is_empty() {
            return;
        }
        let Node { number, above, worker } = &self.nodes[self.pick(self.nodes.len())];
        let (below, pauses) = (self.pick(2) == 0, self.pick(2) == 0);
        self.simulation.note(|| format!("the link of {number}: below {below}, pauses {pauses}"));
        if below {
            take_below(self.simulation.store_of(worker).as_ref(), pauses);
        } else {
            take_above(above, worker, pauses);
        }
        self.pauses |= pauses;
        self.tally.pauses += u64::from(pauses);
    }

    fn rest(&mut self) {
        self.simulation.note(|| String::from("everything comes to rest"));
        ARMED.take();
        self.simulation.settle();
        self.clear();
        for Node { above, worker, .. } in &self.nodes {
            take_above(above, worker, false);
            take_below(self.simulation.store_of(worker).as_ref(), false);
        }
        self.simulation.settle();
        let sum = self.main.get(&SUM).value();
        for (store, _) in self.stores() {
            assert_eq!((store.get(&SUM).value(), store.get(&COUNTED).value()), (sum, sum));
            let mut records = 0;
            store.with(&SUM, |sum| sum.show(Which::All, &mut |_, _| records += 1));
            self.tally.records = self.tally.records.max(records);
        }
        if self.loses {
            assert!((self.sure..=self.added).contains(&sum), "{} {sum} {}", self.sure, self.added);
        } else {
            assert_eq!(sum, self.added);
            self.tally.exact += 1;
        }
        self.tally.rests += 1;
        (self.sure, self.added) = (sum, sum);
        (self.loses, self.pauses) = (false, false);
    }

    fn run(mut self) -> Tally {
        // It keeps the records apart: they become one when nothing is shared any more.
        self.spawn();
        while self.pick(60) > 0 {
            next_begins(self.simulation.choices().len());
            self.clear();
            match self.pick(16) {
                0..6 => self.add(),
                6..9 => {
                    for _ in 0..=self.pick(4) {
                        self.simulation.step();
                    }
                }
                9..11 => self.spawn(),
                11..13 => self.end(),
                13 => self.toggle(),
                _ => self.rest(),
            }
        }
        self.rest();
        self.tally
    }
}

#[test]
fn c15_every_number_counts_though_the_workers_that_add_end_and_begin() {
    let (seeds, done) = run_all(|simulation| Office::new(simulation).run());
    if seeds < 100 {
        return;
    }
    assert!(done.spawned > 5 * seeds && done.ended > 2 * seeds && done.lost > 2 * seeds);
    assert!(done.rests > 5 * seeds && done.exact > 2 * seeds && done.pauses > seeds);
    assert!(done.records < 40, "a counter has {} records", done.records);
}
