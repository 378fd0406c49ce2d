//! A pool of the main store, and the checks of its jobs.
//!
//! Each job is done once, or is lost with the member that had it. Values for all members are equal in all members in
//! the end, and no job overtakes them.

#[path = "jobs/on_hosts.rs"]
mod on_hosts;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use reacton::prelude::*;
use reacton::testing;
use reacton_support::{TIMEOUT, restart_always};
use serde::{Deserialize, Serialize};

use crate::fallible::{Part, Small, did_not_cross, forget_parts, without_failures};
use crate::observers::{self, PLANNED, SMALL, TOUCHED, stepping};
use crate::steps::SHORT;
use crate::tree::Tree;

pub(crate) use self::on_hosts::on_hosts;

/// An order to a member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Job {
    number: u64,
    /// What main has set `SETTING` to before the job, or together with it.
    setting: u64,
    writes: Writes,
}

/// What a member writes together with the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Writes {
    #[default]
    Nothing,
    /// `TOUCHED`, which all members and most of the tree share.
    Touched(u8),
    /// `SMALL`, which some pools share.
    Small(u8),
}

#[reacton]
static JOB: Job = Job::default();

/// Written together with `JOB`. Sometimes it cannot be encoded or decoded.
#[reacton]
static PART: Part = Part(0);

/// Written only by main, with growing values.
#[reacton]
static SETTING: u64 = 0;

/// The number of the job, and the setting that the member had.
#[reacton]
static RESULT: (u64, u64) = (0, 0);

thread_local! {
    /// The stores of the members that have begun.
    static MEMBERS: RefCell<Vec<ReactonStore>> = const { RefCell::new(Vec::new()) };
}

/// A pool, and what the test knows about it.
pub(crate) struct Jobs {
    pool: Pool,
    /// The bits of the reactons that the tree shares and that are for all members.
    for_all: u8,
    /// The results are delivered under `Latest`: of several results of a member, only the last may arrive.
    latest: bool,
    /// The member that gets the next job panics in it.
    panics: Arc<AtomicBool>,
    orders: Arc<Orders>,
    results: Rc<RefCell<Vec<u64>>>,
    /// Members that were disposed. Their results that main has not applied by then are dropped.
    disposed: BTreeSet<usize>,
    /// Hosts of members may have been lost: a job is repeated whose result arrived, and not that it is done.
    repeats: bool,
}

/// The jobs that were ordered. Main writes them, also when another thread asks it to.
#[derive(Default)]
struct Orders {
    given: AtomicU64,
    setting: AtomicU64,
    /// The pool is being shut down: what main writes is not a job any more.
    closed: AtomicBool,
}

impl Orders {
    /// Writes a job and what belongs to it, in one of six orders.
    fn give(&self, store: &ReactonStore, writes: Writes, order: usize) {
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let number = self.given.fetch_add(1, Ordering::Relaxed) + 1;
        let with_setting = order >= 2;
        let setting = self.setting.fetch_add(u64::from(with_setting), Ordering::Relaxed)
            + u64::from(with_setting);
        store.batch(|store| {
            if with_setting && order.is_multiple_of(3) {
                store.set(&SETTING, setting);
            }
            let part = || store.set(&PART, Part(number));
            let job = || store.set(&JOB, Job { number, setting, writes });
            if order.is_multiple_of(2) {
                (job(), part())
            } else {
                (part(), job())
            };
            if with_setting && !order.is_multiple_of(3) {
                store.set(&SETTING, setting);
            }
        });
    }

    fn set(&self, store: &ReactonStore) {
        store.set(&SETTING, self.setting.fetch_add(1, Ordering::Relaxed) + 1);
    }

    fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }
}

/// The first actions of a member.
fn begin_member(store: &ReactonStore, armed: &Arc<AtomicBool>) {
    MEMBERS.with_borrow_mut(|members| members.push(store.clone()));
    let last = Cell::new(store.get(&SETTING));
    store.subscribe(&SETTING, move |_, setting| {
        let before = last.replace(*setting);
        assert!(*setting > before, "the setting went back from {before} to {setting}");
    });
    let armed = Arc::clone(armed);
    store.subscribe(&JOB, move |store, job| {
        let Job { number, setting, writes } = *job;
        if armed.swap(false, Ordering::Relaxed) {
            std::panic::panic_any(PLANNED);
        }
        let own = store.get(&SETTING);
        assert!(
            own >= setting,
            "job {number} was done with setting {own}, before setting {setting} arrived"
        );
        let part = store.get(&PART).0;
        assert!(part == number || did_not_cross(number), "job {number} has the part of job {part}");
        store.batch(|store| {
            store.set(&RESULT, (number, own));
            match writes {
                Writes::Nothing => {}
                Writes::Touched(small) => store.set(&TOUCHED, small),
                Writes::Small(small) => store.set(&SMALL, Small(small)),
            }
        });
    });
}

impl Jobs {
    /// Returns a pool with `members` in the store. Its jobs are repeated once.
    fn begin(
        store: &ReactonStore,
        members: usize,
        shares_small: bool,
        delivery: Delivery,
        restart: Restart,
    ) -> Self {
        forget_all();
        let panics = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&panics);
        let (mut shared, mut for_all) =
            (shared![JOB, PART, SETTING, RESULT, TOUCHED], shared![SETTING, TOUCHED]);
        if shares_small {
            shared = [shared, shared![SMALL]].into_iter().collect();
            for_all = [for_all, shared![SMALL]].into_iter().collect();
        }
        let builder = IsolateStore::builder().shared(shared).delivery(delivery);
        let builder = builder.restart(restart).pool(members).for_all(for_all).retries(1);
        // A failed handshake would end a worker.
        let pool = without_failures(|| {
            builder.spawn(store, move |store: &ReactonStore| begin_member(store, &armed))
        });
        let results = Rc::new(RefCell::new(Vec::new()));
        let (log, orders) = (Rc::clone(&results), Arc::new(Orders::default()));
        let ordered = Arc::clone(&orders);
        store.subscribe(&RESULT, move |_, (number, setting)| {
            let newest = ordered.setting.load(Ordering::Relaxed);
            assert!(
                *setting <= newest,
                "job {number} was done with setting {setting}, which is newer than {newest}"
            );
            log.borrow_mut().push(*number);
        });
        let for_all = observers::TOUCHES | if shares_small { observers::SMALLS } else { 0 };
        let pool = pool.expect("the pool starts");
        let latest = delivery == Delivery::Latest;
        let (disposed, repeats) = (BTreeSet::new(), false);
        Self { pool, for_all, latest, panics, orders, results, disposed, repeats }
    }

    /// Checks that each member that has a link reports a value that was not encoded.
    fn check_report(&self, store: &ReactonStore) {
        for member in self.pool.members() {
            if store.get(member.status()) == IsolateStatus::Running {
                let error = store.get(member.last_error());
                assert!(
                    error.is_some(),
                    "{} reports no error for a part that was not serialized",
                    member.name()
                );
            }
        }
    }

    /// The checks when all is quiet, or after a shutdown. Returns the number of jobs done.
    fn check(&self, store: &ReactonStore) -> u64 {
        let (stats, given) = (self.pool.stats(), self.orders.given());
        let lost = self.pool.take_lost_jobs();
        let lost: Vec<_> = lost.iter().filter_map(|job| Some(job.get(&JOB)?.number)).collect();
        let results = self.results.borrow();
        let mut all: Vec<_> = results.iter().chain(&lost).copied().collect();
        all.sort_unstable();
        let once: BTreeSet<_> = all.iter().copied().collect();
        assert!(
            once.len() == all.len() || self.repeats,
            "a job was done twice, or done and lost: {all:?}"
        );
        assert_eq!((stats.waiting, stats.at_work), (0, 0), "{stats:?}");
        assert_eq!(stats.given, given, "{stats:?}");
        assert_eq!(stats.done + stats.lost, given, "{stats:?}");
        assert_eq!(stats.lost, lost.len() as u64, "{stats:?}");
        if self.disposed.is_empty() && !self.latest {
            assert_eq!(once, (1..=given).collect(), "a job is neither done nor lost: {stats:?}");
        }
        self.check_members(store);
        stats.done
    }

    /// Checks that running members hold the same values for all members as main, with the same versions.
    fn check_members(&self, store: &ReactonStore) {
        let runs = |member: &&IsolateStore| store.get(member.status()) == IsolateStatus::Running;
        let running = self.pool.members().iter().filter(runs).count();
        let members = MEMBERS.with_borrow(Clone::clone);
        let members: Vec<_> = members.iter().filter(|member| !member.is_disposed()).collect();
        assert_eq!(members.len(), running, "main and the members disagree about how many run");
        let state = |store: &ReactonStore| {
            let setting = (store.get(&SETTING), testing::version(store, &SETTING));
            (setting, observers::state(store, self.for_all))
        };
        for member in members {
            assert_eq!(state(member), state(store), "a member and main have different settings");
        }
    }
}

/// Called for a new tree: no member has begun.
pub(crate) fn forget_all() {
    let members = MEMBERS.take();
    drop(members);
    forget_parts();
}

impl Tree {
    /// Does something with the pool: spawns it, writes a job or a setting, ends a member, or shuts it down.
    pub(crate) fn act_on_the_pool(&mut self) {
        let store = self.nodes[0].store.clone();
        let Some(jobs) = self.jobs.take() else {
            // A tree has at most one pool.
            if self.tally.pools == 0 {
                let members = 1 + self.pick(3);
                let (shares_small, latest) = (self.pick(2) == 1, self.pick(3) == 2);
                self.note(|| {
                    format!(
                        "node 0 spawns a pool of {members}, shares SMALL: {shares_small}, Latest: {latest}"
                    )
                });
                let delivery = if latest { Delivery::Latest } else { Delivery::Every };
                self.jobs =
                    Some(Jobs::begin(&store, members, shares_small, delivery, restart_always()));
                self.tally.pools = 1;
            }
            return;
        };
        let is_over = match self.pick(24) {
            0..=14 => self.give(&jobs, &store),
            15..=17 => self.set(&jobs, &store),
            18..=19 => {
                self.note(|| String::from("the pool panics in the next job"));
                jobs.panics.store(true, Ordering::Relaxed);
                false
            }
            20..=22 => return self.end_a_member(jobs),
            _ => self.shut_the_pool_down(&jobs),
        };
        if is_over {
            self.tally.jobs += jobs.check(&store);
        } else {
            self.jobs = Some(jobs);
        }
    }

    /// Main writes a job: by itself, with steps of others meanwhile, or because another thread asks for it.
    fn give(&mut self, jobs: &Jobs, store: &ReactonStore) -> bool {
        let (how, order) = (self.pick(4), self.pick(6));
        let small = u8::try_from(self.pick(4)).expect("the number fits");
        let writes = match self.pick(4) {
            2 => Writes::Touched(small),
            3 if jobs.for_all & observers::SMALLS != 0 => Writes::Small(small),
            _ => Writes::Nothing,
        };
        let how_words = ["", ", interleaved", ", interleaved", " from another thread"][how];
        self.note(|| format!("the pool gets a job{how_words}, order {order}, writes {writes:?}"));
        let orders = Arc::clone(&jobs.orders);
        let refused = crate::fallible::refused_parts();
        match how {
            0 => orders.give(store, writes, order),
            1 | 2 => stepping(|| {
                self.simulation.interleaved(|| orders.give(store, writes, order));
            }),
            _ => drop(store.handle().post(move |store| orders.give(store, writes, order))),
        }
        if crate::fallible::refused_parts() > refused {
            jobs.check_report(store);
            self.tally.refused_parts += 1;
        }
        false
    }

    fn set(&mut self, jobs: &Jobs, store: &ReactonStore) -> bool {
        let interleaved = self.pick(2) == 1;
        self.note(|| format!("the pool gets a setting, interleaved: {interleaved}"));
        if interleaved {
            stepping(|| self.simulation.interleaved(|| jobs.orders.set(store)));
        } else {
            jobs.orders.set(store);
        }
        self.tally.settings += 1;
        false
    }

    /// Disposes one member, or shuts it down. It may not end in time.
    fn end_a_member(&mut self, mut jobs: Jobs) {
        let number = self.pick(jobs.pool.members().len());
        let how = self.pick(3);
        let member = &jobs.pool.members()[number];
        if how == 2 {
            self.note(|| format!("the pool disposes member {number}"));
            stepping(|| self.simulation.interleaved(|| member.dispose()));
            jobs.disposed.insert(number);
        } else if !jobs.disposed.contains(&number) {
            let timeout = self.pick_timeout();
            self.note(|| format!("member {number} of the pool is shut down within {timeout:?}"));
            let ended = stepping(|| member.try_shutdown(timeout));
            self.tally.members_left += u64::from(self.has_ended(&ended, timeout));
        }
        self.jobs = Some(jobs);
    }

    /// Shuts the pool down. Returns whether the pool has ended in time.
    fn shut_the_pool_down(&mut self, jobs: &Jobs) -> bool {
        let timeout = self.pick_timeout();
        self.note(|| format!("the pool is shut down within {timeout:?}"));
        jobs.orders.closed.store(true, Ordering::Relaxed);
        // A member may panic also while the pool is drained.
        let ended = stepping(|| jobs.pool.try_shutdown(timeout));
        self.has_ended(&ended, timeout)
    }

    /// Returns the timeout of a shutdown, which mostly is long enough.
    pub(crate) fn pick_timeout(&self) -> Duration {
        [TIMEOUT, TIMEOUT, SHORT[0], SHORT[1], SHORT[2]][self.pick(5)]
    }

    /// Returns whether the shutdown has ended in time. It has to if the timeout was long enough.
    fn has_ended(&mut self, ended: &Result<(), ShutdownError>, timeout: Duration) -> bool {
        match ended {
            Err(ShutdownError::TimedOut { .. }) if timeout < TIMEOUT => {
                self.tally.timed_out += 1;
                return false;
            }
            // The values of the handshake have to cross.
            Err(ShutdownError::Failed { message, .. })
                if self.fallible && message.starts_with("it cannot be started again: ") => {}
            ended => assert_eq!(*ended, Ok(())),
        }
        true
    }

    pub(crate) fn check_the_pool(&mut self) {
        if let Some(jobs) = &self.jobs {
            self.tally.jobs += jobs.check(&self.nodes[0].store);
        }
    }
}
