//! A pool of the main store, and what must come of its jobs: each is done once, or lost with the member that was at it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reacton::prelude::*;
use reacton_support::{TIMEOUT, restart_always};

use crate::observers::{PLANNED, TOUCHED};
use crate::tree::Tree;

#[reacton]
static JOB: u64 = 0;

/// Written together with `JOB`.
#[reacton]
static FACTOR: u64 = 0;

/// The job, and what came of it.
#[reacton]
static RESULT: (u64, u64) = (0, 0);

fn factor(job: u64) -> u64 {
    job % 7
}

pub(crate) struct Jobs {
    pool: Pool,
    /// The member that gets the next job panics in it.
    panics: Arc<AtomicBool>,
    given: u64,
    results: Rc<RefCell<Vec<u64>>>,
    /// Members that were disposed: a result that main has not applied by then is dropped.
    disposed: bool,
}

impl Jobs {
    /// A pool of the store, with `members`, whose jobs are tried once more.
    pub(crate) fn begin(store: &ReactonStore, members: usize) -> Self {
        let panics = Arc::new(AtomicBool::new(false));
        let armed = Arc::clone(&panics);
        let builder = IsolateStore::builder().shared(shared![JOB, FACTOR, RESULT, TOUCHED]);
        let builder = builder.restart(restart_always()).pool(members).for_all(shared![TOUCHED]);
        let pool = builder.retries(1).spawn(store, move |store| {
            let armed = Arc::clone(&armed);
            store.subscribe(&JOB, move |store, job| {
                if armed.swap(false, Ordering::Relaxed) {
                    std::panic::panic_any(PLANNED);
                }
                assert_eq!(store.get(&FACTOR), factor(*job), "half of job {job}");
                store.set(&RESULT, (*job, job * factor(*job)));
            });
        });
        let results = Rc::new(RefCell::new(Vec::new()));
        let log = Rc::clone(&results);
        store.subscribe(&RESULT, move |_, (job, result)| {
            assert_eq!(*result, job * factor(*job), "the result of job {job}");
            log.borrow_mut().push(*job);
        });
        let pool = pool.expect("it starts");
        Self { pool, panics, given: 0, results, disposed: false }
    }

    fn give(&mut self, store: &ReactonStore) {
        self.given += 1;
        store.batch(|store| {
            store.set(&FACTOR, factor(self.given));
            store.set(&JOB, self.given);
        });
    }

    /// What holds when all is quiet, or after a shutdown.
    fn check(&self) -> u64 {
        let stats = self.pool.stats();
        let lost = self.pool.take_lost_jobs();
        let lost: Vec<_> = lost.iter().filter_map(|job| job.get(&JOB).copied()).collect();
        let results = self.results.borrow();
        let mut all: Vec<_> = results.iter().chain(&lost).copied().collect();
        all.sort_unstable();
        let once: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(once.len(), all.len(), "done twice, or done and lost: {all:?}");
        assert_eq!((stats.waiting, stats.at_work), (0, 0), "{stats:?}");
        assert_eq!(stats.given, self.given, "{stats:?}");
        assert_eq!(stats.done + stats.lost, self.given, "{stats:?}");
        if !self.disposed {
            assert_eq!(once, (1..=self.given).collect(), "some jobs have vanished: {stats:?}");
        }
        stats.done
    }
}

impl Tree {
    /// Something happens to the pool: it is spawned, gets a job, loses a member, or is shut down.
    pub(crate) fn act_on_the_pool(&mut self) {
        let store = self.nodes[0].store.clone();
        let Some(mut jobs) = self.jobs.take() else {
            // A tree has one pool in its time.
            if self.tally.pools == 0 {
                let members = 1 + self.pick(3);
                self.note(|| format!("node 0 spawns a pool of {members}"));
                self.jobs = Some(Jobs::begin(&store, members));
                self.tally.pools = 1;
            }
            return;
        };
        let what = self.pick(20);
        let name = ["gets a job", "panics in the next job", "disposes a member", "is shut down"];
        self.note(|| {
            format!(
                "the pool: {}",
                name[usize::from(what > 13) + usize::from(what > 16) + usize::from(what > 18)]
            )
        });
        match what {
            0..=13 => jobs.give(&store),
            14..=16 => jobs.panics.store(true, Ordering::Relaxed),
            17..=18 => {
                let member = self.pick(jobs.pool.members().len());
                jobs.pool.members()[member].dispose();
                jobs.disposed = true;
            }
            _ => {
                // A member may panic while the pool is drained, too.
                let ended = crate::observers::stepping(|| jobs.pool.try_shutdown(TIMEOUT));
                assert_eq!(ended, Ok(()));
                self.tally.jobs += jobs.check();
                return;
            }
        }
        self.jobs = Some(jobs);
    }

    pub(crate) fn check_the_pool(&mut self) {
        if let Some(jobs) = &self.jobs {
            self.tally.jobs += jobs.check();
        }
    }
}
