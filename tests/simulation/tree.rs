//! A tree of stores, and the checks when nothing is left to do.

use std::future::Future;
use std::ops::AddAssign;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use reacton::prelude::*;
use reacton::testing::{Simulation, repeats};
use reacton_support::restart_always;

use crate::fallible::{set_fallible, without_failures};
use crate::jobs::{self, Jobs};
use crate::observers::{self, ALL, Duties, PULSE, PULSES, PlannedPanic, Seen};
use crate::reentrant::{Reentrant, ValueCode};
use crate::requests::Requests;
use crate::restarts::{LIMITED, LONGEST, Timeline};
use crate::schedule;

/// Counts of what happened in a run.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) stores: u64,
    pub(crate) compared: u64,
    pub(crate) restarts: u64,
    /// How often the code of a value has done something.
    pub(crate) value_code_runs: u64,
    /// How often work was dropped because it was stale.
    pub(crate) dropped: u64,
    /// How many links had a value that did not cross.
    pub(crate) refused: u64,
    /// How many calls over handles were answered.
    pub(crate) answered: u64,
    /// How many values a store was asked for before it applied them.
    pub(crate) previewed: u64,
    /// How many workers had too many restarts.
    pub(crate) failed: u64,
    pub(crate) pools: u64,
    /// How many jobs were done.
    pub(crate) jobs: u64,
    /// How many settings were written for pools.
    pub(crate) settings: u64,
    /// How many jobs had a part that was not encoded.
    pub(crate) refused_parts: u64,
    /// How many members of pools were shut down while the pool went on.
    pub(crate) members_left: u64,
    /// How many shutdowns did not end in time.
    pub(crate) timed_out: u64,
    /// How many workers were behind a road.
    pub(crate) away: u64,
    /// How many of these were killed.
    pub(crate) killed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.stores += other.stores;
        self.compared += other.compared;
        self.restarts += other.restarts;
        self.value_code_runs += other.value_code_runs;
        self.dropped += other.dropped;
        self.refused += other.refused;
        self.answered += other.answered;
        self.previewed += other.previewed;
        self.failed += other.failed;
        self.pools += other.pools;
        self.jobs += other.jobs;
        self.settings += other.settings;
        self.refused_parts += other.refused_parts;
        self.members_left += other.members_left;
        self.timed_out += other.timed_out;
        self.away += other.away;
        self.killed += other.killed;
    }
}

/// One store of the tree.
pub(crate) struct Node {
    pub(crate) store: ReactonStore,
    /// The node whose store spawned it and keeps its handle. `None` for the main store.
    pub(crate) parent: Option<usize>,
    pub(crate) isolate: Option<IsolateStore>,
    /// The bits of the reactons that its link to the parent shares.
    pub(crate) shares: u8,
    pub(crate) seen: Seen,
    /// Set for a worker that may panic, and is then restarted.
    pub(crate) planned: Option<PlannedPanic>,
    /// Set for a worker with a limited number of restarts, each after a wait.
    pub(crate) timeline: Option<Rc<Timeline>>,
    /// The worker is behind a road.
    pub(crate) away: bool,
    /// How often the worker's process was killed.
    pub(crate) kills: u32,
}

pub(crate) struct Tree {
    pub(crate) simulation: Rc<Simulation>,
    pub(crate) value_code: Rc<ValueCode>,
    pub(crate) nodes: Vec<Node>,
    /// All links use `Every`, and nothing is paused.
    pub(crate) lossless: bool,
    /// `SMALL` does not always cross.
    pub(crate) fallible: bool,
    pub(crate) requests: Vec<Requests>,
    pub(crate) jobs: Option<Jobs>,
    /// Workers that were shut down, and did not end in time.
    pub(crate) leaving: Vec<(usize, IsolateStore)>,
    pub(crate) tally: Tally,
}

impl Tree {
    /// The beginning of a schedule. A choice of 0 is always the simplest one, because schedules are shrunk to zeros.
    pub(crate) fn new(simulation: Rc<Simulation>) -> Self {
        observers::forget_all();
        jobs::forget_all();
        let lossless = simulation.pick(2) == 0;
        let store = ReactonStore::new();
        let (corrects, shares) = (simulation.pick(4) == 3, 0xff);
        let view = Seen::default();
        let duties = Duties { shares, lossless, counts: true, corrects, answers: false };
        observers::watch(&store, duties, view.clone());
        // Written before any store shares it, so without a version.
        store.set(&observers::TOUCHED, 3);
        let main = Node {
            store,
            parent: None,
            isolate: None,
            shares,
            seen: view,
            planned: None,
            timeline: None,
            away: false,
            kills: 0,
        };
        let tally = Tally::default();
        let value_code = ValueCode::begin(&simulation, &main.store);
        let fallible = simulation.pick(4) == 3;
        set_fallible(fallible.then(|| simulation.pick(1 << 16) as u64));
        let mut tree = Self {
            simulation,
            value_code,
            nodes: vec![main],
            lossless,
            fallible,
            requests: Vec::new(),
            jobs: None,
            leaving: Vec::new(),
            tally,
        };
        tree.spawn(false);
        while tree.pick(5) > 1 {
            tree.spawn(false);
        }
        tree
    }

    pub(crate) fn pick(&self, limit: usize) -> usize {
        self.simulation.pick(limit)
    }

    /// Adds a line to the description of a schedule that fails.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.simulation.note(line);
    }

    /// Runs a schedule, and compares the final values of the stores. `check` is called after each thing that happens.
    pub(crate) fn run(mut self, check: fn(&Self)) -> Tally {
        loop {
            schedule::next_begins(self.simulation.choices().len());
            if self.pick(60) == 0 {
                break;
            }
            self.act();
            check(&self);
        }
        self.note(|| String::from("everything comes to rest"));
        self.tally.steps += self.settle();
        self.value_code.arm(0);
        self.tally.value_code_runs = self.value_code.done.get();
        self.value_code.refuse_torn_pairs();
        self.refresh();
        self.resume_all();
        self.pulse();
        self.tally.steps += self.settle();
        self.mend();
        self.compare();
        for requests in &mut self.requests {
            requests.check_at_the_end();
            self.tally.answered += requests.answered;
        }
        self.check_the_leaving();
        self.check_the_pool();
        self.check_restarts();
        self.tally
    }

    /// Takes steps until nothing is left to do, and no worker waits for its restart.
    fn settle(&self) -> u64 {
        observers::stepping(|| {
            let mut steps = self.simulation.settle();
            let waits = |node: &Node| node.timeline.as_ref().is_some_and(|line| line.waits());
            if self.nodes.iter().any(waits) {
                self.simulation.advance(LONGEST);
                steps += self.simulation.settle();
            }
            steps as u64
        })
    }

    /// From now on every value crosses. The uppermost of the stores that share `SMALL` writes it once more: the later
    /// value replaces any that did not cross.
    fn mend(&mut self) {
        for node in &self.nodes {
            self.tally.dropped += node.seen.drops();
        }
        if !self.fallible {
            return;
        }
        set_fallible(None);
        for node in self.living() {
            let Node { store, parent, isolate, shares, .. } = &self.nodes[node];
            if let Some(isolate) = isolate {
                let above = &self.nodes[parent.expect("the node has a parent")].store;
                self.tally.refused += u64::from(above.get(isolate.last_error()).is_some());
            }
            if parent.is_none() || shares & 1 == 0 {
                // If a value was not decoded, only the neighbours know its clock. So this write may have to be repeated
                // until its clock is newer.
                for _ in 0..100 {
                    store.touch(&observers::SMALL);
                }
            }
        }
        self.tally.steps += self.settle();
    }

    /// A restarted worker has a new store.
    pub(crate) fn refresh(&mut self) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Some(store) = observers::started_store(number) {
                node.store = store;
            }
        }
    }

    /// Returns the nodes that run: neither their isolates nor those above them have ended.
    pub(crate) fn living(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.lives(*node)).collect()
    }

    fn lives(&self, node: usize) -> bool {
        let Node { parent, isolate, store, .. } = &self.nodes[node];
        match (parent, isolate) {
            (None, _) => true,
            (Some(parent), Some(_)) => self.lives(*parent) && !store.is_disposed(),
            (Some(_), None) => false,
        }
    }

    /// Adds a worker to a running store, at most two links below main.
    pub(crate) fn spawn(&mut self, in_batch: bool) {
        let depth = |node: usize| {
            let grandparent = self.nodes[node].parent.map(|parent| self.nodes[parent].parent);
            usize::from(grandparent.is_some()) + usize::from(grandparent.flatten().is_some())
        };
        let above: Vec<_> = self.living().into_iter().filter(|node| depth(*node) < 2).collect();
        if self.nodes.len() > 6 {
            return;
        }
        let parent = above[self.pick(above.len())];
        // Mostly all reactons. A pair is shared as a whole or not at all.
        let mut shares = match self.pick(3) {
            2 => u8::try_from(self.pick(1 << ALL)).expect("the number has eight bits"),
            _ => u8::MAX,
        };
        for together in [observers::PAIR, observers::CAUSAL] {
            if shares & together != together {
                shares &= !together;
            }
        }
        let latest = !self.lossless && self.pick(2) == 1;
        let away = self.pick(2) == 1;
        let duties = Duties {
            shares: shares & self.nodes[parent].shares,
            // Values of main arrive only if the link above shares them, too.
            lossless: self.lossless,
            counts: false,
            corrects: self.pick(4) == 3,
            answers: parent == 0 && self.nodes.len() == 1 && shares & observers::CAUSAL != 0,
        };
        self.note(|| {
            let delivery = if latest { "Latest" } else { "Every" };
            format!(
                "node {parent} spawns node {}, shares {shares:08b} under {delivery}, in a batch: {in_batch}, corrects: {}, away: {away}",
                self.nodes.len(),
                duties.corrects
            )
        });
        let builder = IsolateStore::builder()
            .name(format!("worker {}", self.nodes.len()))
            .shared(observers::set_of(shares))
            .delivery(if latest { Delivery::Latest } else { Delivery::Every });
        let store = self.nodes[parent].store.clone();
        let seen = Seen::default();
        let heard = seen.clone();
        let (number, planned) = (self.nodes.len(), PlannedPanic::default());
        let panics = planned.clone();
        let entry =
            move |store: &ReactonStore| observers::begin(store, number, duties, heard, panics);
        // A failed handshake would end the worker.
        let restart = [None, Some(restart_always()), Some(LIMITED)][self.pick(3)];
        let restart = restart.filter(|_| !self.fallible);
        let spawn = |store: &ReactonStore| match restart {
            Some(restart) => builder.restart(restart).spawn(store, entry),
            None => builder.spawn(store, entry),
        };
        let spawn = |store: &ReactonStore| {
            let spawn = || without_failures(|| spawn(store));
            let isolate = if away { self.simulation.away(spawn) } else { spawn() };
            let isolate = isolate.expect("the worker starts");
            // Taken at once, because the worker may end in any later step.
            let worker = self.simulation.store_of(&isolate).expect("the worker was just spawned");
            (isolate, worker)
        };
        let value_code = Rc::clone(&self.value_code);
        let (isolate, store) = value_code.acting_for(&store, || {
            if in_batch {
                let pair = self.value_code.next_pair(1);
                self.value_code.batch(&store, |store| {
                    store.set(&observers::LEFT, 1);
                    let spawned = spawn(store);
                    store.set(&observers::RIGHT, Reentrant(pair));
                    spawned
                })
            } else {
                spawn(&store)
            }
        });
        let above = &self.nodes[parent].store;
        let timeline =
            (restart == Some(LIMITED)).then(|| Timeline::watch(&self.simulation, above, &isolate));
        self.nodes.push(Node {
            store,
            parent: Some(parent),
            isolate: Some(isolate),
            shares,
            seen,
            planned: restart.map(|_| planned),
            timeline,
            away,
            kills: 0,
        });
        self.tally.stores += 1;
        self.tally.away += u64::from(away);
    }

    /// Touches `PULSE`, and then writes it so often that a touch that is merged could be lost. The observers in all
    /// stores that share it must be called.
    fn pulse(&mut self) {
        self.tally.steps += self.settle();
        self.refresh();
        let hears = |node: usize| {
            let mut above = std::iter::successors(Some(node), |node| self.nodes[*node].parent);
            above.all(|node| self.nodes[node].shares & PULSES != 0)
        };
        let hearing: Vec<_> = self.living().into_iter().filter(|node| hears(*node)).collect();
        let pulses = |node: usize| self.nodes[node].seen.pulses();
        let before: Vec<_> = hearing.iter().map(|node| pulses(*node)).collect();
        let main = &self.nodes[0].store;
        main.touch(&PULSE);
        main.set(&PULSE, 1);
        main.set(&PULSE, 0);
        self.tally.steps += self.settle();
        for (node, before) in hearing.into_iter().zip(before) {
            let times = pulses(node) - before;
            assert!(times > 0, "no observer of PULSE was called in node {node}");
            assert!(
                !self.lossless || times == 3,
                "observers of PULSE were called {times} of 3 times in node {node}, under Every"
            );
        }
    }

    /// Checks that workers with limited restarts have waited before each, and have failed only if there were too many.
    pub(crate) fn check_restarts(&mut self) {
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(timeline) = &node.timeline {
                timeline.check(number);
                self.tally.failed += u64::from(timeline.has_failed());
            }
        }
    }

    /// Checks that all stores that share a reacton hold the same value of it, with the same version.
    fn compare(&mut self) {
        for node in self.living() {
            assert!(
                !self.nodes[node].seen.has_dropped_work(),
                "node {node} was not called again for the work that it dropped"
            );
            let Some(parent) = self.nodes[node].parent else { continue };
            let shares = self.nodes[node].shares;
            let (here, above) = (&self.nodes[node].store, &self.nodes[parent].store);
            assert_eq!(
                observers::state(here, shares),
                observers::state(above, shares),
                "node {node} and its parent {parent} have different values"
            );
            self.tally.compared += u64::from(shares.count_ones());
            let Node { isolate: Some(isolate), planned, kills, .. } = &self.nodes[node] else {
                continue;
            };
            assert_eq!(above.get(isolate.status()), IsolateStatus::Running);
            assert_eq!(isolate.stats().queued, 0, "messages to node {node} are not applied");
            let mut flush = pin!(here.main().flush(0));
            let flushed = flush.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(flushed, Poll::Ready(Ok(())), "messages from node {node} are not applied");
            // The workers have panicked only when it was planned.
            let restarts = isolate.stats().restarts;
            let panics = planned.as_ref().map_or(0, PlannedPanic::count);
            assert_eq!(restarts, panics + kills, "node {node}");
            self.tally.restarts += u64::from(restarts);
        }
        // A value that was not sent has a version just below that of the value before it. Another store may have
        // written one with that version.
        if self.lossless && !self.fallible {
            for node in self.living() {
                assert_eq!(
                    repeats(&self.nodes[node].store),
                    0,
                    "node {node} has received its own writes"
                );
            }
        }
    }
}

impl Drop for Tree {
    /// From now on the code of values does nothing, however the schedule ended.
    fn drop(&mut self) {
        self.value_code.arm(0);
    }
}
