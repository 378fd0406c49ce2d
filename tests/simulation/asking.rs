//! K1 to K4 and K6 in schedules that seeds decide: calls of a worker or of a pool.
//!
//! Calls are cancelled, panic, and are made in batches and by callers, while workers are restarted, disposed and shut
//! down.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::rc::Rc;
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing::Simulation;

use crate::hosts::{Disturbed, Hosts};
use crate::observers::PLANNED;
use crate::oracle::{ASK, ASK_LATER, BEGUN, ORDER, RESULT, SETTING, begun, oracle, takes_turns};
use crate::schedule::run_all;

/// A call that has no outcome yet.
struct Open {
    number: u32,
    answer: Answer<(u32, u32, u32)>,
    /// The setting that the answer must contain. `None` for a call of a caller, which has no order relative to
    /// settings.
    setting: Option<u32>,
    kills: bool,
    is_async: bool,
}

/// The worker or the pool that is called.
enum Target {
    One(IsolateStore),
    Many(Pool),
}

impl Target {
    fn call(
        &self,
        call: &Call<(u32, bool), (u32, u32, u32)>,
        question: (u32, bool),
    ) -> Answer<(u32, u32, u32)> {
        match self {
            Self::One(worker) => worker.call(call, question),
            Self::Many(pool) => pool.call(call, question),
        }
    }

    fn caller(
        &self,
        call: &Call<(u32, bool), (u32, u32, u32)>,
    ) -> Caller<(u32, bool), (u32, u32, u32)> {
        match self {
            Self::One(worker) => worker.caller(call),
            Self::Many(pool) => pool.caller(call),
        }
    }
}

/// Counts of the outcomes of the calls of a schedule.
#[derive(Debug, Default)]
struct Outcomes {
    answered: u64,
    panicked: u64,
    died: u64,
    /// How often a process was killed in the schedule.
    killed: u64,
    disposed: u64,
    cancelled: u64,
    disturbed: Disturbed,
}

impl AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.answered += other.answered;
        self.panicked += other.panicked;
        self.died += other.died;
        self.killed += other.killed;
        self.disposed += other.disposed;
        self.cancelled += other.cancelled;
        self.disturbed += other.disturbed;
    }
}

struct Schedule {
    simulation: Rc<Simulation>,
    store: ReactonStore,
    target: Rc<Target>,
    retries: u32,
    /// The workers are behind roads.
    away: bool,
    /// Where they run, if that is on hosts.
    hosts: Option<Hosts>,
    /// A process or a host of a worker was lost: its calls are repeated or lost.
    killed: Cell<bool>,
    /// Some worker may have ended for good.
    ends: Cell<bool>,
    /// Numbers of the results that main has applied.
    seen: Rc<RefCell<BTreeSet<u32>>>,
    open: Vec<Open>,
    /// Calls that an observer of main has made, in the middle of a worker's step.
    by_observer: Rc<RefCell<Vec<Open>>>,
    /// Calls that were cancelled before they began.
    never: Vec<u32>,
    /// Calls that were made by callers.
    by_caller: BTreeSet<u32>,
    /// The number of calls so far.
    asked: Rc<Cell<u32>>,
    outcomes: Outcomes,
}

/// Returns the number of the next question.
fn next(asked: &Cell<u32>) -> u32 {
    asked.set(asked.get() + 1);
    asked.get()
}

impl Schedule {
    fn begin(simulation: Rc<Simulation>, on_hosts: bool) -> Self {
        BEGUN.take();
        ORDER.take();
        let store = ReactonStore::new();
        let numbers = Rc::<RefCell<BTreeSet<u32>>>::default();
        let results = Rc::clone(&numbers);
        store.subscribe(&RESULT, move |_, (_, number)| {
            results.borrow_mut().insert(*number);
        });
        let retries = u32::try_from(simulation.pick(3)).unwrap_or(0);
        // While a host is away, each attempt counts.
        let (often, wait) = if on_hosts { (100_000, 10) } else { (1000, 0) };
        let max = if simulation.pick(4) == 0 { 1 } else { often };
        let restart = Restart::OnPanic {
            max,
            within: Duration::from_secs(3600),
            backoff: Duration::from_millis(wait + simulation.pick(3) as u64),
        };
        let builder = oracle::builder().retries(retries).restart(restart);
        let members = simulation.pick(4);
        let spawn = || match members {
            0 => Target::One(
                builder.delivery(Delivery::Latest).spawn(&store).expect("the worker starts"),
            ),
            1 => Target::One(builder.spawn(&store).expect("the worker starts")),
            members => {
                let pool = builder.pool(members).for_all(shared![SETTING]);
                Target::Many(pool.spawn(&store).expect("the worker starts"))
            }
        };
        let hosts = on_hosts.then(|| Hosts::begin(&simulation, 3));
        let away = on_hosts || simulation.pick(2) == 0;
        let target = match &hosts {
            Some(hosts) => hosts.at(spawn),
            None if away => simulation.away(spawn),
            None => spawn(),
        };
        let ends = Cell::new(max == 1);
        let (target, asked) = (Rc::new(target), Rc::<Cell<u32>>::default());
        let by_observer = Rc::<RefCell<Vec<Open>>>::default();
        let (asks, numbers_of, kept) =
            (Rc::downgrade(&target), Rc::clone(&asked), Rc::clone(&by_observer));
        store.subscribe(&RESULT, move |store, (count, _)| {
            if let Some(target) = asks.upgrade().filter(|_| count % 4 == 0) {
                let number = next(&numbers_of);
                let answer = target.call(&ASK, (number, false));
                let setting = Some(store.get(&SETTING));
                let open = Open { number, answer, setting, kills: false, is_async: false };
                kept.borrow_mut().push(open);
            }
        });
        Self {
            simulation,
            store,
            target,
            retries,
            away,
            hosts,
            killed: Cell::new(false),
            ends,
            seen: numbers,
            open: Vec::new(),
            by_observer,
            never: Vec::new(),
            by_caller: BTreeSet::new(),
            asked,
            outcomes: Outcomes::default(),
        }
    }

    fn ask(&mut self) {
        let (number, kills) = (next(&self.asked), self.simulation.pick(8) == 0);
        let is_async = self.simulation.pick(4) == 0;
        let call = if is_async { &ASK_LATER } else { &ASK };
        let question = (number, kills);
        let mut setting = Some(self.store.get(&SETTING));
        let (simulation, store, target) = (&self.simulation, &self.store, &*self.target);
        let answer = match simulation.pick(4) {
            0 => {
                setting = None;
                self.by_caller.insert(number);
                simulation.interleaved(|| target.caller(call).call(question))
            }
            1 => {
                setting = setting.map(|setting| setting + 1);
                simulation.interleaved(|| {
                    store.batch(|store| {
                        let answer = target.call(call, question);
                        store.update(&SETTING, |setting| *setting += 1);
                        answer
                    })
                })
            }
            _ => simulation.interleaved(|| target.call(call, question)),
        };
        self.open.push(Open { number, answer, setting, kills, is_async });
    }

    /// Drops an answer.
    fn cancel(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let at = self.simulation.pick(self.open.len());
        let Open { number, answer, .. } = self.open.swap_remove(at);
        // A road delivers the cancellation later, and the worker may begin the call meanwhile.
        if begun(number) == 0 && !self.away {
            self.never.push(number);
        }
        self.simulation.interleaved(|| drop(answer));
        self.outcomes.cancelled += 1;
    }

    fn end_one(&self) {
        self.ends.set(true);
        match &*self.target {
            Target::One(worker) => self.simulation.interleaved(|| worker.dispose()),
            Target::Many(pool) => {
                let member = &pool.members()[self.simulation.pick(pool.members().len())];
                self.simulation.interleaved(|| member.dispose());
            }
        }
    }

    /// Kills a process, if one exists.
    fn kill(&self) {
        let killed = match &*self.target {
            Target::One(worker) => self.simulation.kill(worker),
            Target::Many(pool) => {
                self.simulation.kill(&pool.members()[self.simulation.pick(pool.members().len())])
            }
        };
        self.killed.set(self.killed.get() || killed);
    }

    /// Something happens to a host, or time passes.
    fn disturb(&mut self) {
        let Some(hosts) = &mut self.hosts else { return };
        hosts.disturb_or_advance();
        self.killed.set(!hosts.is_fair());
    }

    /// Takes one step of the test.
    fn act(&mut self) {
        match self.simulation.pick(20) {
            0..6 => self.ask(),
            6..8 => self.simulation.interleaved(|| self.store.update(&SETTING, |n| *n += 1)),
            8 => self.cancel(),
            9 if self.simulation.pick(10) == 0 => self.end_one(),
            10 if self.simulation.pick(5) == 0 && self.hosts.is_none() => self.kill(),
            10 | 11 if self.hosts.is_some() => self.disturb(),
            _ => {
                self.simulation.step();
            }
        }
        self.look();
    }

    /// Takes the outcomes that have arrived.
    fn look(&mut self) {
        self.open.append(&mut self.by_observer.borrow_mut());
        let (ready, open) =
            std::mem::take(&mut self.open).into_iter().partition(|open| open.answer.is_ready());
        self.open = open;
        let ready: Vec<Open> = ready;
        for open in ready {
            self.check(open);
        }
    }

    fn check(&mut self, open: Open) {
        let Open { number, answer, setting, kills, is_async } = open;
        let outcome = answer.wait(&self.store, Duration::ZERO);
        match outcome {
            Ok((seen, count, answered)) => {
                self.outcomes.answered += 1;
                assert!(answered == number && !kills);
                assert!(
                    is_async || begun(number) == 1 || self.killed.get(),
                    "{} calls have begun",
                    begun(number)
                );
                assert!(
                    setting.is_none_or(|setting| seen >= setting),
                    "call {number} saw the setting {seen}, not {setting:?}"
                );
                if setting.is_some() {
                    match &*self.target {
                        Target::One(_) => {
                            assert!(
                                self.store.get(&RESULT).0 >= count,
                                "the answer arrived before the result"
                            );
                        }
                        Target::Many(_) => {
                            assert!(
                                self.seen.borrow().contains(&number),
                                "the answer arrived before the result"
                            );
                        }
                    }
                }
            }
            Err(CallError::Panicked { message, .. }) => {
                self.outcomes.panicked += 1;
                // Or the worker panicked in a turn that it took while it answered.
                assert!(kills || takes_turns(number), "{message}");
                // What it said of its panic may be lost with its host, or with the road of a worker that is disposed.
                let is_lost = self.hosts.is_some() && (self.killed.get() || self.ends.get());
                assert!(message.contains(PLANNED) || is_lost, "{message}");
                assert!(
                    begun(number) == self.retries + 1 || self.ends.get() || self.killed.get(),
                    "{}",
                    begun(number)
                );
            }
            Err(CallError::Died { .. }) => {
                self.outcomes.died += 1;
                assert!(
                    self.ends.get()
                        || self.killed.get()
                        || (is_async && begun(number) > self.retries)
                );
            }
            Err(CallError::Disposed { .. }) => {
                self.outcomes.disposed += 1;
                assert!(self.ends.get());
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// A single worker begins main's calls in the order in which main made them, and those of callers in their order.
    fn check_order(&self) {
        let Target::One(_) = &*self.target else { return };
        for begun in ORDER.with_borrow(Vec::clone) {
            let (by_callers, by_main): (Vec<_>, Vec<_>) =
                begun.into_iter().partition(|number| self.by_caller.contains(number));
            assert!(by_main.is_sorted(), "{by_main:?}");
            assert!(by_callers.is_sorted(), "{by_callers:?}");
        }
    }

    fn run(mut self) -> Outcomes {
        for _ in 0..60 {
            self.act();
        }
        self.hosts.iter().for_each(Hosts::mend);
        self.simulation.settle();
        self.look();
        let limit = if self.ends.get() { usize::MAX } else { 0 };
        let left = self.open.len();
        assert!(left <= limit, "{left} calls have no outcome");
        if let Target::Many(pool) = &*self.target {
            let stats = pool.stats();
            assert_eq!((stats.waiting, stats.at_work), (0, 0), "{stats:?}");
            assert_eq!(stats.given, stats.done + stats.lost, "{stats:?}");
        }
        self.check_order();
        self.ends.set(true);
        match self.simulation.pick(2) {
            0 => {
                let nothing = Rc::new(Target::Many(self.nothing()));
                drop(std::mem::replace(&mut self.target, nothing));
            }
            _ => {
                let _ = match &*self.target {
                    Target::One(worker) => worker.try_shutdown(Duration::from_secs(3600)),
                    Target::Many(pool) => pool.try_shutdown(Duration::from_secs(3600)),
                };
            }
        }
        self.simulation.settle();
        self.look();
        assert!(self.open.is_empty(), "{} calls have no outcome at the end", self.open.len());
        for number in &self.never {
            assert_eq!(begun(*number), 0, "call {number} was cancelled, and has begun");
        }
        self.outcomes.killed += u64::from(self.killed.get());
        if let Some(hosts) = &self.hosts {
            assert_eq!(hosts.running(), 0, "places of no worker");
            self.outcomes.disturbed = hosts.disturbed();
        }
        self.outcomes
    }

    /// Returns a pool that is not called.
    fn nothing(&self) -> Pool {
        oracle::builder().pool(1).spawn(&self.store).expect("the pool starts")
    }
}

#[test]
fn k1_in_every_schedule_each_call_has_one_outcome_in_order_with_the_state() {
    let (seeds, all) = run_all(|simulation| Schedule::begin(simulation, false).run());
    if seeds >= 100 {
        assert!(all.answered > 5 * seeds && all.panicked > seeds / 4 && all.cancelled > seeds / 2);
        assert!(all.died > seeds / 50 && all.disposed > seeds / 50);
        assert!(all.killed > seeds / 50);
    }
}

/// Run by the simulation of hosts.
pub(crate) fn on_hosts() {
    let (seeds, all) = run_all(|simulation| Schedule::begin(simulation, true).run());
    if seeds >= 100 {
        assert!(all.answered > 5 * seeds && all.panicked > seeds / 4 && all.cancelled > seeds / 2);
        assert!(all.died > seeds / 50 && all.disposed > seeds / 50);
        all.disturbed.assert_often(seeds);
    }
}
