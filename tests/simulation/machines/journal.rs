//! What each worker has seen in each of its lives, and what main has heard of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use reacton::prelude::*;

use super::{ORDER, Report, WORKERS, report_of};
use crate::observers::PLANNED;

/// One life of a worker.
#[derive(Debug)]
struct Life {
    worker: usize,
    store: ReactonStore,
    /// The order that main had given when it began.
    first: u32,
    seen: Vec<u32>,
}

thread_local! {
    /// The lives of all workers. Their numbers begin at 1.
    static LIVES: RefCell<Vec<Life>> = const { RefCell::new(Vec::new()) };
    static JOURNALS: RefCell<Vec<Rc<Journal>>> = const { RefCell::new(Vec::new()) };
    /// The workers that panic with their next order.
    static ARMED: Cell<[bool; WORKERS]> = const { Cell::new([false; WORKERS]) };
    /// The first fault that an observer has noticed. A panic of a worker would only end the worker.
    static FAULT: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub(super) fn forget_all() {
    let before = (LIVES.take(), JOURNALS.take(), FAULT.take());
    drop(before);
    ARMED.take();
}

pub(super) fn refuse_faults() {
    if let Some(fault) = FAULT.take() {
        panic!("{fault}");
    }
}

fn report_fault(fault: impl FnOnce() -> String) {
    FAULT.with_borrow_mut(|first| {
        first.get_or_insert_with(fault);
    });
}

pub(super) fn arm(worker: usize) {
    let mut armed = ARMED.get();
    armed[worker] = true;
    ARMED.set(armed);
}

pub(super) fn disarm() {
    ARMED.take();
}

/// Returns whether a worker panics now, once.
fn takes_its_panic(worker: usize) -> bool {
    let mut armed = ARMED.get();
    let panics = std::mem::take(&mut armed[worker]);
    ARMED.set(armed);
    panics
}

/// The function of each worker: reports each order.
pub(super) fn live(store: &ReactonStore, worker: usize) {
    let first = store.get(&ORDER);
    let life = LIVES.with_borrow_mut(|lives| {
        lives.push(Life { worker, store: store.clone(), first, seen: Vec::new() });
        lives.len()
    });
    note_overlap(worker, life);
    store.subscribe(&ORDER, move |store, order| {
        assert!(!takes_its_panic(worker), "{PLANNED}");
        let number = LIVES.with_borrow_mut(|lives| {
            lives[life - 1].seen.push(*order);
            lives[life - 1].seen.len()
        });
        let [life, number] = [life, number].map(|number| u32::try_from(number).unwrap_or(u32::MAX));
        store.set(report_of(worker), Report { life, number, order: *order });
    });
}

fn note_overlap(worker: usize, life: usize) {
    let runs_still = LIVES.with_borrow(|lives| {
        let mut before = lives[..life - 1].iter().filter(|life| life.worker == worker);
        before.any(|life| !life.store.is_disposed())
    });
    let journal = JOURNALS.with_borrow(|all| all.get(worker).cloned());
    if let Some(journal) = journal.filter(|_| runs_still) {
        journal.overlaps.set(journal.overlaps.get() + 1);
    }
}

/// What main has heard of one worker.
#[derive(Debug)]
pub(super) struct Journal {
    number: usize,
    every: bool,
    heard: RefCell<Vec<Report>>,
    /// Reports of lives up to this one are too late: main has shown that the worker was lost.
    over: Cell<usize>,
    is_silent: Cell<bool>,
    silences: Cell<u64>,
    returns: Cell<u64>,
    overlaps: Cell<u64>,
    /// The worker was dropped.
    has_ended: Cell<bool>,
}

impl Journal {
    pub(super) fn begin(number: usize, every: bool) -> Rc<Self> {
        let journal = Rc::new(Self {
            number,
            every,
            heard: RefCell::default(),
            over: Cell::new(0),
            is_silent: Cell::new(false),
            silences: Cell::new(0),
            returns: Cell::new(0),
            overlaps: Cell::new(0),
            has_ended: Cell::new(false),
        });
        JOURNALS.with_borrow_mut(|all| all.push(Rc::clone(&journal)));
        journal
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    pub(super) fn silences(&self) -> u64 {
        self.silences.get()
    }

    pub(super) fn returns(&self) -> u64 {
        self.returns.get()
    }

    pub(super) fn overlaps(&self) -> u64 {
        self.overlaps.get()
    }

    pub(super) fn heard(&self) -> u64 {
        self.heard.borrow().len() as u64
    }

    pub(super) fn end(&self) {
        self.has_ended.set(true);
    }

    /// Writes down each report that arrives at main.
    pub(super) fn listen(self: &Rc<Self>, store: &ReactonStore) {
        let own = Rc::clone(self);
        store.subscribe(report_of(self.number), move |_, report| {
            if own.has_ended.get() || report.life as usize <= own.over.get() {
                report_fault(|| format!("worker {} is heard too late: {report:?}", own.number));
            }
            own.heard.borrow_mut().push(*report);
        });
    }

    /// Follows the status.
    pub(super) fn watch(self: &Rc<Self>, store: &ReactonStore, isolate: &IsolateStore) {
        let own = Rc::clone(self);
        store.subscribe(isolate.status(), move |_, status| match status {
            IsolateStatus::Disconnected => {
                own.is_silent.set(true);
                own.silences.set(own.silences.get() + 1);
            }
            IsolateStatus::Running if own.is_silent.take() => {
                own.returns.set(own.returns.get() + 1);
            }
            IsolateStatus::Running => {}
            _ => {
                own.is_silent.set(false);
                own.over.set(own.last_life());
            }
        });
    }

    /// Returns the number of the newest life of the worker.
    fn last_life(&self) -> usize {
        LIVES.with_borrow(|lives| {
            let last = lives.iter().rposition(|life| life.worker == self.number);
            last.map_or(0, |last| last + 1)
        })
    }

    /// Checks each life of the worker, and what main has heard of it.
    pub(super) fn check(&self) {
        let heard = self.heard.borrow();
        assert!(heard.is_sorted_by_key(|report| report.life), "lives are mixed: {heard:?}");
        LIVES.with_borrow(|lives| {
            for (at, life) in
                lives.iter().enumerate().filter(|(_, life)| life.worker == self.number)
            {
                let of_it = heard.iter().filter(|report| report.life as usize == at + 1);
                self.check_life(life, &of_it.copied().collect::<Vec<_>>());
            }
        });
    }

    fn check_life(&self, life: &Life, heard: &[Report]) {
        let Life { first, seen, .. } = life;
        for report in heard {
            assert_eq!(seen[report.number as usize - 1], report.order, "no such report");
        }
        if self.every {
            let expected: Vec<_> = (first + 1..).take(seen.len()).collect();
            assert_eq!(*seen, expected, "worker {} has not seen every order once", self.number);
            let numbers: Vec<_> = heard.iter().map(|report| report.number).collect();
            let expected: Vec<_> = (1..).take(heard.len()).collect();
            assert_eq!(
                numbers, expected,
                "main has not heard every report of {} once",
                self.number
            );
        } else {
            assert!(seen.is_sorted() && seen.first() != Some(first), "{seen:?}");
            assert!(heard.windows(2).all(|two| two[0].number < two[1].number), "{heard:?}");
        }
    }

    /// Checks that the worker, which runs, has seen the last order, and that main has heard that.
    pub(super) fn check_the_last(&self, order: u32, every: bool) {
        let last = self.last_life();
        LIVES.with_borrow(|lives| {
            let life = &lives[last - 1];
            assert_eq!(*life.seen.last().unwrap_or(&life.first), order);
            let heard = self.heard.borrow();
            let of_it: Vec<_> =
                heard.iter().filter(|report| report.life as usize == last).collect();
            assert_eq!(of_it.last().map(|report| report.order), life.seen.last().copied());
            assert!(!every || of_it.len() == life.seen.len(), "main has not heard everything");
        });
    }
}
