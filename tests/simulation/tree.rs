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

/// What a run amounted to.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    pub(crate) stores: u64,
    pub(crate) compared: u64,
    pub(crate) restarts: u64,
    /// How often a value's own code has done something.
    pub(crate) value_code_runs: u64,
    /// Work that was dropped because it was stale.
    pub(crate) dropped: u64,
    /// Links over which a value did not cross.
    pub(crate) refused: u64,
    /// Calls over handles that were answered.
    pub(crate) answered: u64,
    /// Values that a store was asked for before it applied them.
    pub(crate) previewed: u64,
    /// Workers that had too many restarts.
    pub(crate) failed: u64,
    pub(crate) pools: u64,
    /// Jobs that were done.
    pub(crate) jobs: u64,
    /// Settings of pools.
    pub(crate) settings: u64,
    /// Jobs of which a part did not encode.
    pub(crate) refused_parts: u64,
    /// Members of pools that were shut down by themselves.
    pub(crate) members_left: u64,
    /// Shutdowns that did not end in time.
    pub(crate) timed_out: u64,
    /// Workers behind a road.
    pub(crate) away: u64,
    /// Of these, so many were killed.
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
    /// Where its handle is kept: none of the main store.
    pub(crate) parent: Option<usize>,
    pub(crate) isolate: Option<IsolateStore>,
    /// What its link to the parent shares, by bits.
    pub(crate) shares: u8,
    pub(crate) seen: Seen,
    /// Of a worker that may panic, and is restarted then.
    pub(crate) planned: Option<PlannedPanic>,
    /// Of one that has some restarts only, each after a wait.
    pub(crate) timeline: Option<Rc<Timeline>>,
    /// It is behind a road.
    pub(crate) away: bool,
    /// How often its process was killed.
    pub(crate) kills: u32,
}

pub(crate) struct Tree {
    pub(crate) simulation: Rc<Simulation>,
    pub(crate) value_code: Rc<ValueCode>,
    pub(crate) nodes: Vec<Node>,
    /// All links deliver `Every`, and nothing is paused.
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
    /// The beginning of a schedule. Where a choice is 0, the simplest thing happens: schedules are shrunk to zeros.
    pub(crate) fn new(simulation: Rc<Simulation>) -> Self {
        observers::forget_all();
        jobs::forget_all();
        let lossless = simulation.pick(2) == 0;
        let store = ReactonStore::new();
        let (corrects, shares) = (simulation.pick(4) == 3, 0xff);
        let view = Seen::default();
        let duties = Duties { shares, lossless, counts: true, corrects, answers: false };
        observers::watch(&store, duties, view.clone());
        // Before anybody shares it, so without a version.
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

    /// Adds a line to what is printed of a schedule that fails.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        self.simulation.note(line);
    }

    /// Takes the tree through a schedule, and compares what is left of it. `check` is called after each thing that happens.
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

    /// Until nothing is left to do, and no worker waits for its restart.
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

    /// Every value crosses from now on, and `SMALL` is written once more by the uppermost of those who share it: a later
    /// value replaces whatever did not cross.
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
                let above = &self.nodes[parent.expect("it was spawned by one")].store;
                self.tally.refused += u64::from(above.get(isolate.last_error()).is_some());
            }
            if parent.is_none() || shares & 1 == 0 {
                // The clock of a value that nobody could decode is known to its neighbours only: a write here may have to be
                // repeated until it is newer.
                for _ in 0..100 {
                    store.touch(&observers::SMALL);
                }
            }
        }
        self.tally.steps += self.settle();
    }

    /// The store of a worker that was started again is another one.
    pub(crate) fn refresh(&mut self) {
        for (number, node) in self.nodes.iter_mut().enumerate() {
            if let Some(store) = observers::started_store(number) {
                node.store = store;
            }
        }
    }

    /// The nodes that live: their isolates have not ended, nor those above them.
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

    /// Adds a worker to a store that lives, at most two links below main.
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
        // Mostly all of it; a pair is shared whole or not at all.
        let mut shares = match self.pick(3) {
            2 => u8::try_from(self.pick(1 << ALL)).expect("eight bits"),
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
            // What main writes comes only if the link above shares it, too.
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
        // A handshake that fails is the end of a worker.
        let restart = [None, Some(restart_always()), Some(LIMITED)][self.pick(3)];
        let restart = restart.filter(|_| !self.fallible);
        let spawn = |store: &ReactonStore| match restart {
            Some(restart) => builder.restart(restart).spawn(store, entry),
            None => builder.spawn(store, entry),
        };
        let spawn = |store: &ReactonStore| {
            let spawn = || without_failures(|| spawn(store));
            let isolate = if away { self.simulation.away(spawn) } else { spawn() };
            let isolate = isolate.expect("it starts");
            // Not later: after a step it may have died.
            let worker = self.simulation.store_of(&isolate).expect("it was just spawned");
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

    /// Touches `PULSE`, and writes it so often afterwards that a touch that is merged could get lost: the observers in all
    /// stores that share it are called.
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

    /// Workers whose restarts are limited have waited before each, and have failed only if there were too many.
    pub(crate) fn check_restarts(&mut self) {
        for (number, node) in self.nodes.iter().enumerate() {
            if let Some(timeline) = &node.timeline {
                timeline.check(number);
                self.tally.failed += u64::from(timeline.has_failed());
            }
        }
    }

    /// All stores that share a reacton hold the same of it, in value and version.
    fn compare(&mut self) {
        for node in self.living() {
            assert!(!self.nodes[node].seen.has_dropped_work(), "node {node} was not called again");
            let Some(parent) = self.nodes[node].parent else { continue };
            let shares = self.nodes[node].shares;
            let (here, above) = (&self.nodes[node].store, &self.nodes[parent].store);
            assert_eq!(
                observers::state(here, shares),
                observers::state(above, shares),
                "node {node} against its parent {parent}"
            );
            self.tally.compared += u64::from(shares.count_ones());
            let Node { isolate: Some(isolate), planned, kills, .. } = &self.nodes[node] else {
                continue;
            };
            assert_eq!(above.get(isolate.status()), IsolateStatus::Running);
            assert_eq!(isolate.stats().queued, 0, "messages for node {node} are not applied");
            let mut flush = pin!(here.main().flush(0));
            let flushed = flush.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(flushed, Poll::Ready(Ok(())), "messages of node {node} are not applied");
            // Nobody has died of anything else.
            let restarts = isolate.stats().restarts;
            let panics = planned.as_ref().map_or(0, PlannedPanic::count);
            assert_eq!(restarts, panics + kills, "node {node}");
            self.tally.restarts += u64::from(restarts);
        }
        // The version of a value that was not sent lies just below that of the value before it: it may be one that another store
        // has written.
        if self.lossless && !self.fallible {
            for node in self.living() {
                assert_eq!(
                    repeats(&self.nodes[node].store),
                    0,
                    "something came back to node {node}"
                );
            }
        }
    }
}

impl Drop for Tree {
    /// The code of values does nothing any more, however the schedule ended.
    fn drop(&mut self) {
        self.value_code.arm(0);
    }
}
