//! One round: a main store and its isolates. Their values are compared when all isolates have ended.

use std::cell::Cell;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use reacton::prelude::*;
use reacton_support::TIMEOUT;

use crate::OPERATIONS;
use crate::checker::Checker;
use crate::isolate::{Plan, Report, spawn};
use crate::state::{
    ANSWER, COUNTS, HALF, KEY, LIMIT, LIMITED, PHASE, SHEET, SMALL, State, TEXT, WRITE, WRITERS,
    everything, something,
};
use crate::writer::{Writer, limit};
use reacton_support::Random;

/// How the isolates are connected.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// Each isolate is connected to main or to another isolate.
    Any,
    /// All are connected to main, which pauses some of their reactons.
    Paused,
}

/// An isolate that has to agree in the end.
struct Member {
    number: usize,
    incarnation: usize,
    shared: SharedSet,
    /// The count that it must reach.
    goal: u64,
    /// Main's handle, if main has spawned the isolate; and how many writers are at the other end of the link.
    handle: Option<(IsolateStore, usize)>,
    /// The count that main held when it was paused. Main can receive it only over this link.
    paused: Cell<Option<u64>>,
}

pub(crate) struct Round {
    rng: Random,
    shape: Shape,
    store: ReactonStore,
    checker: Checker,
    writer: Writer,
    deliveries: [Delivery; WRITERS],
    /// The store that spawns each of them; main is its own parent.
    parents: [usize; WRITERS],
    /// For each writer, whether all its transactions reach main one by one, and main's reach it.
    lossless: [bool; WRITERS],
    members: Vec<Member>,
    spawned: usize,
    tell: Sender<Report>,
    told: Receiver<Report>,
}

impl Round {
    pub(crate) fn begin(mut rng: Random, shape: Shape) -> Self {
        let latest =
            |rng: &mut Random| if rng.chance(2) { Delivery::Latest } else { Delivery::Every };
        let mut deliveries = [Delivery::Every; WRITERS];
        deliveries[1..].fill_with(|| latest(&mut rng));
        let parents = match rng.below(4) {
            0 if shape == Shape::Any => [0, 0, 1, 0, 3],
            1 if shape == Shape::Any => [0, 0, 1, 1, 0],
            2 if shape == Shape::Any => [0, 0, 1, 2, 3],
            _ => [0; WRITERS],
        };
        let mut lossless = deliveries.map(|delivery| delivery == Delivery::Every);
        // In this order each comes after its parent.
        (1..WRITERS).for_each(|number| lossless[number] &= lossless[parents[number]]);
        let store = ReactonStore::new();
        let checker = Checker::of(&store, Self::exact(shape, lossless, 0));
        limit(&store);
        let writer = Writer::new(0, rng.next());
        let (tell, told) = channel();
        Self {
            rng,
            shape,
            store,
            checker,
            writer,
            deliveries,
            parents,
            lossless,
            members: Vec::new(),
            spawned: 0,
            tell,
            told,
        }
    }

    /// Returns the writers of which `hears` must receive every count. While main pauses, only the writer itself
    /// receives them.
    fn exact(shape: Shape, lossless: [bool; WRITERS], hears: usize) -> [bool; WRITERS] {
        std::array::from_fn(|writes| {
            let paused = shape == Shape::Paused && writes != 0;
            writes == hears || (lossless[hears] && lossless[writes] && !paused)
        })
    }

    fn plan(&mut self, number: usize) -> Plan {
        let children: Vec<_> =
            (1..WRITERS).filter(|child| self.parents[*child] == number).collect();
        // An isolate cannot forward reactons that it does not share.
        let shared = if children.is_empty() { something(&mut self.rng) } else { everything() };
        self.spawned += 1;
        Plan {
            number,
            incarnation: self.spawned,
            seed: self.rng.next(),
            shared,
            delivery: self.deliveries[number],
            exact: Self::exact(self.shape, self.lossless, number),
            waits: self.rng.chance(2),
            answers: self.shape == Shape::Paused,
            waits_by_turns: self.rng.chance(2),
            children: children.into_iter().map(|child| self.plan(child)).collect(),
        }
    }

    fn spawn(&mut self, number: usize) {
        let plan = self.plan(number);
        let handle =
            spawn(&self.store, plan.clone(), self.tell.clone()).expect("the worker starts");
        let before = self.members.len();
        self.enrol(&plan);
        let behind = self.members.len() - before;
        self.members[before].handle = Some((handle, behind));
    }

    fn enrol(&mut self, plan: &Plan) {
        let &Plan { number, incarnation, answers, .. } = plan;
        let goal = self.store.get(COUNTS[number]) + OPERATIONS + u64::from(answers);
        let shared = plan.shared.clone();
        self.members.push(Member {
            number,
            incarnation,
            shared,
            goal,
            handle: None,
            paused: Cell::new(None),
        });
        plan.children.iter().for_each(|child| self.enrol(child));
    }

    pub(crate) fn spawn_all(&mut self) {
        for number in 1..WRITERS {
            if self.parents[number] == 0 {
                self.spawn(number);
            }
        }
    }

    /// Starts the isolates that wait.
    pub(crate) fn start(&self) {
        self.store.set(&PHASE, WRITE);
    }

    pub(crate) fn write(&mut self) {
        self.writer.write(&self.store);
    }

    /// Pauses or resumes something of some isolate.
    pub(crate) fn toggle_some(&mut self) {
        let Some(member) = self.rng.pick(&self.members) else { return };
        let (group, taken) = (self.rng.below(GROUPS), self.rng.chance(2));
        self.take(&self.members[member], group, taken);
    }

    /// Resumes everything, one by one or together. Isolates that have finished writing then write once more.
    pub(crate) fn resume_all(&mut self) {
        let together = self.rng.chance(2);
        for member in &self.members {
            let all = || (0..GROUPS).for_each(|group| self.take(member, group, true));
            if together { self.store.batch(|_| all()) } else { all() }
        }
        self.store.set(&PHASE, ANSWER);
    }

    /// Reactons that are written together are paused together. Otherwise their halves would not match.
    fn take(&self, member: &Member, group: u64, taken: bool) {
        let (handle, _) = member.handle.as_ref().expect("the worker was spawned by main");
        match group {
            0 => self.store.batch(|_| {
                take(handle, &KEY, taken);
                take(handle, &HALF, taken);
            }),
            1 => take(handle, &TEXT, taken),
            2 => take(handle, &SHEET, taken),
            3 => take(handle, &SMALL, taken),
            4 => take(handle, &LIMITED, taken),
            _ => {
                let count = self.store.get(COUNTS[member.number]);
                let before = member.paused.get().unwrap_or(count);
                assert_eq!(count, before, "a paused reacton was updated");
                member.paused.set((!taken).then_some(count));
                take(handle, COUNTS[member.number], taken);
            }
        }
    }

    /// By chance ends an isolate in the middle of its writes, with all isolates below it, in one of three ways.
    pub(crate) fn lose_some(&mut self) {
        if !self.rng.chance(6) {
            return;
        }
        let Some(at) = self.rng.pick(&self.members) else { return };
        let Some((handle, behind)) = self.members[at].handle.take() else { return };
        let lost: Vec<_> = self.members.drain(at..at + behind).collect();
        let counts = || lost.iter().map(|member| self.store.get(COUNTS[member.number]));
        match self.rng.below(3) {
            0 => drop(handle),
            1 => {
                handle.dispose();
                let before: Vec<_> = counts().collect();
                self.store.pump();
                assert!(counts().eq(before), "a value of a disposed worker was applied");
            }
            _ => {
                handle.shutdown(TIMEOUT).expect("the worker ends");
                let goals = lost.iter().map(|member| member.goal);
                assert!(counts().eq(goals), "a write of a worker that was shut down was lost");
            }
        }
    }

    /// By chance replaces an isolate that was ended by another one.
    pub(crate) fn replace_some(&mut self) {
        let missing = |number: &usize| {
            self.parents[*number] == 0 && self.members.iter().all(|one| one.number != *number)
        };
        if let Some(number) = (1..WRITERS).find(missing)
            && self.rng.chance(3)
        {
            self.spawn(number);
        }
    }

    fn handles(&self) -> impl Iterator<Item = &(IsolateStore, usize)> {
        self.members.iter().filter_map(|member| member.handle.as_ref())
    }

    /// Takes turns until all have finished writing, and all their writes have arrived.
    pub(crate) fn settle(&self) {
        let failed = |store: &ReactonStore| {
            self.handles().any(|(handle, _)| store.get(handle.status()) != IsolateStatus::Running)
        };
        let come = |store: &ReactonStore| {
            self.members.iter().all(|member| store.get(COUNTS[member.number]) == member.goal)
        };
        let settled = self.store.run_until(TIMEOUT, |store| come(store) || failed(store));
        assert_eq!(settled, Ok(()), "the counts are {:?}", State::of(&self.store).counts);
        for (handle, _) in self.handles() {
            assert_eq!(self.store.get(handle.status()), IsolateStatus::Running);
            assert_eq!(self.store.get(handle.last_error()), None);
        }
    }

    /// Checks each link: what was written behind it has arrived, and nothing was sent back.
    pub(crate) fn check_traffic(&self) {
        for (handle, writers) in self.handles() {
            let received = handle.stats().transactions_received;
            // An operation and its count are at most two transactions.
            let most = 2 * OPERATIONS * *writers as u64;
            assert!(received <= most, "{received} transactions of {writers} writers");
        }
    }

    /// Ends all isolates, and compares what they held.
    pub(crate) fn end(mut self) {
        let state = State::of(&self.store);
        let first = self.rng.pick(&self.members).unwrap_or(0);
        self.members.rotate_left(first);
        for member in &mut self.members {
            if let Some((handle, _)) = member.handle.take() {
                handle.shutdown(TIMEOUT).expect("the worker ends");
            }
        }
        let (held, faults) = self.checker.end(&self.store);
        assert!(faults.is_empty(), "main: {faults:?}");
        assert_eq!(held, state, "values have changed after the end of the round");
        assert!(held.limited <= LIMIT, "a correction was lost");
        drop(self.tell);
        let mut agreed = 0;
        // Until the last one has ended, including those that were disposed.
        while let Some(report) = next(&self.told) {
            let Report { incarnation, state, faults } = report;
            assert!(faults.is_empty(), "isolate {incarnation}: {faults:?}");
            let member = self.members.iter().find(|member| member.incarnation == incarnation);
            if let Some(Member { number, shared, .. }) = member {
                assert_eq!(
                    state.only(shared),
                    held.only(shared),
                    "isolate {number} and main have different values"
                );
                agreed += 1;
            }
        }
        assert_eq!(agreed, self.members.len(), "a worker did not report");
        assert_eq!(self.store.pump(), 0);
    }
}

/// The reactons that are paused and resumed together.
const GROUPS: u64 = 6;

fn take(handle: &IsolateStore, reacton: &impl Writable, taken: bool) {
    if taken { handle.resume(reacton) } else { handle.pause(reacton) }
}

/// Returns the next report; `None` when all senders are gone.
fn next(told: &Receiver<Report>) -> Option<Report> {
    match told.recv_timeout(TIMEOUT) {
        Ok(report) => Some(report),
        Err(RecvTimeoutError::Disconnected) => None,
        Err(RecvTimeoutError::Timeout) => panic!("a worker does not end"),
    }
}
