//! What main keeps of an isolate while its workers come and go, and how one that died is followed by another.
//!
//! A worker that panicked says so as the last item of its link. If the policy allows another try, a thread starts for the
//! successor, which waits for its backoff there, and then asks main for the present values: main takes its snapshot
//! in a turn, under a link of a new number, so that nothing of the predecessor arrives after it (rule 16).

mod restarts;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use reacton_core::wiring::Wiring;
use reacton_core::{Inbox, Mailbox, ReactonStore, RefId, panic_message};

pub use self::restarts::Restart;
use self::restarts::{Attempt, Restarts};
use crate::error::{LinkError, Mismatch, list};
use crate::hub::{Hub, Link};
use crate::isolate::{Options, Ready, Successor, Thread, start};
use crate::life::Birth;
use crate::link::{LinkStats, Outbox, Traffic};
use crate::message::CloseReason;
use crate::pool::{Crew, Fetch};
use crate::shared::SharedSet;
use crate::status::{IsolateStatus, Panel};
use crate::sync::LinkId;
use crate::testing::World;
use crate::worker::Entry;

/// What main keeps of one isolate, through all the lives of its worker.
pub(crate) struct Isolate {
    options: Options,
    panel: Panel,
    /// Of the present worker, or of the last one.
    link: Cell<LinkId>,
    /// What main does not take in from it. It survives a restart.
    paused: RefCell<BTreeSet<RefId>>,
    stats: Rc<Cell<LinkStats>>,
    /// Of the present worker, or of the last one.
    thread: RefCell<Option<Thread>>,
    /// How it is started again; nothing once it has ended for good.
    revival: RefCell<Option<Revival>>,
    /// It is being shut down: whichever worker there is, it is to drain and end.
    draining: Cell<bool>,
    /// No other worker is to follow the present one.
    retired: Cell<bool>,
    /// Of the pool that it is a member of.
    crew: Option<Rc<Crew>>,
}

/// What another worker is made of.
pub(crate) struct Revival {
    restarts: Restarts,
    entry: Box<dyn Fn() -> Entry>,
}

impl Revival {
    pub(crate) fn new(policy: Restart, entry: impl Fn() -> Entry + 'static) -> Self {
        Self { restarts: Restarts::new(policy), entry: Box::new(entry) }
    }
}

impl Isolate {
    pub(crate) fn new(
        store: &ReactonStore,
        options: Options,
        revival: Option<Revival>,
        crew: Option<Rc<Crew>>,
    ) -> Self {
        Self {
            options,
            panel: Panel::new(store),
            link: Cell::new(next_link()),
            paused: RefCell::default(),
            stats: Rc::default(),
            thread: RefCell::default(),
            revival: RefCell::new(revival),
            draining: Cell::new(false),
            retired: Cell::new(false),
            crew,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    pub(crate) fn shared(&self) -> &SharedSet {
        &self.options.shared
    }

    pub(crate) fn panel(&self) -> &Panel {
        &self.panel
    }

    pub(crate) fn link(&self) -> LinkId {
        self.link.get()
    }

    /// What was counted of all its links.
    pub(crate) fn counted(&self) -> Rc<Cell<LinkStats>> {
        Rc::clone(&self.stats)
    }

    pub(crate) fn pauses(&self, id: RefId) -> bool {
        self.paused.borrow().contains(&id)
    }

    /// From now on `id` is taken in from whichever worker there is, or not.
    pub(crate) fn note_taken(&self, id: RefId, taken: bool) {
        let mut paused = self.paused.borrow_mut();
        if taken {
            paused.remove(&id);
        } else {
            paused.insert(id);
        }
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn drain(&self) {
        self.draining.set(true);
    }

    pub(crate) fn thread(&self) -> &RefCell<Option<Thread>> {
        &self.thread
    }

    /// It is not started again.
    pub(crate) fn retire(&self) {
        if !self.retired.replace(true)
            && let Some(crew) = &self.crew
        {
            crew.lose_member();
        }
        // The arguments of a worker are dropped here.
        let revival = self.revival.take();
        drop(revival);
    }

    pub(crate) fn crew(&self) -> Option<&Rc<Crew>> {
        self.crew.as_ref()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// One that no thread stands behind.
    pub(crate) fn of(store: &ReactonStore, shared: &SharedSet) -> Rc<Self> {
        let options = Options { shared: shared.clone(), ..Options::default() };
        Rc::new(Self::new(store, options, None, None))
    }

    /// Opens the link of a worker, and gives what it is born with.
    pub(crate) fn conceive(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
    ) -> Result<Birth, LinkError> {
        let Options { name, shared, delivery, spin, .. } = self.options.clone();
        let inbox = Inbox::new();
        if let Some(spin) = spin {
            inbox.set_spin(spin);
        }
        let link = self.link.get();
        let (down, up) = (Arc::<Traffic>::default(), Arc::<Traffic>::default());
        let jobs = self.crew.as_ref().map(|crew| Arc::clone(&crew.jobs));
        if let Some(jobs) = jobs.clone() {
            inbox.uncounted_mailbox().post(Fetch { jobs, link });
        }
        let outbox = Outbox::new(link, inbox.mailbox(), delivery, Arc::clone(&down));
        let end = Link::of_main(Rc::clone(self), Rc::new(outbox), Arc::clone(&up));
        Ok(Birth {
            init: hub.open(store, link, end, &shared)?,
            name,
            link,
            inbox,
            main: Wiring::of(store).inbox().uncounted_mailbox(),
            delivery,
            shared,
            incoming: down,
            outgoing: up,
            jobs,
        })
    }

    /// The next try after a worker that ended like this, and what it is to do.
    fn next_attempt(&self, reason: &CloseReason) -> Option<Result<(Attempt, Entry), String>> {
        let CloseReason::Panicked { after, .. } = reason else { return None };
        // Taken out while it is asked: to clone the worker's arguments is the user's code.
        let mut revival = self.revival.take()?;
        let attempt = revival.restarts.next(*after)?;
        let entry = catch_unwind(AssertUnwindSafe(|| (revival.entry)()));
        Some(match entry {
            // Its disposal may be what the clone was up to.
            Ok(_) if self.retired.get() => return None,
            Ok(entry) => {
                self.revival.replace(Some(revival));
                Ok((attempt, entry))
            }
            Err(payload) => Err(format!(
                "its arguments panicked when they were cloned: {}",
                panic_message(&*payload)
            )),
        })
    }
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolate").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Workers that are to take the place of others, by the links that they will have.
#[derive(Default)]
pub(crate) struct Nursery {
    unborn: RefCell<BTreeMap<LinkId, Unborn>>,
}

struct Unborn {
    isolate: Rc<Isolate>,
    cradle: Cradle,
    /// Something may still arrive from there.
    _expects: Mailbox,
}

/// Where a worker waits to be born.
enum Cradle {
    /// On a thread: what it is born with is sent there. Dropped, the thread ends.
    Thread(SyncSender<Birth>),
    /// In the simulation of this thread.
    World(Entry),
}

impl Nursery {
    pub(crate) fn is_empty(&self) -> bool {
        self.unborn.borrow().is_empty()
    }

    fn holds(&self, link: LinkId) -> bool {
        self.unborn.borrow().contains_key(&link)
    }

    fn take(&self, link: LinkId) -> Option<Unborn> {
        self.unborn.borrow_mut().remove(&link)
    }

    pub(crate) fn clear(&self) {
        let unborn = self.unborn.take();
        for unborn in unborn.values() {
            unborn.isolate.retire();
        }
    }
}

impl Hub {
    /// The worker of `isolate` has ended: it is started again, or shown as what it came to.
    pub(crate) fn bury(&self, store: &ReactonStore, isolate: &Rc<Isolate>, reason: CloseReason) {
        let worker = isolate.name();
        let crew = isolate.crew();
        let job = crew.and_then(|crew| Some((crew, crew.jobs.leave(isolate.link())?)));
        let next = isolate.next_attempt(&reason);
        if Wiring::of(store).is_stopped() {
            return;
        }
        if let Some((crew, job)) = job {
            crew.recover(store, job, &reason);
        }
        let status = match next {
            Some(Ok((attempt, entry))) => match self.expect(store, isolate, attempt, entry) {
                Ok(()) => {
                    let Attempt { number: attempt, wait } = attempt;
                    tracing::warn!(
                        worker,
                        ?reason,
                        attempt,
                        ?wait,
                        "a worker panicked; another follows"
                    );
                    return isolate.panel.show(store, IsolateStatus::Restarting { attempt });
                }
                Err(error) => failed(reason, &format!("no thread for another: {error}")),
            },
            Some(Err(why)) => failed(reason, &why),
            None => IsolateStatus::from(reason),
        };
        if let IsolateStatus::Failed { message, location } = &status {
            tracing::warn!(worker, reason = message, location, "a worker has failed");
        } else {
            tracing::debug!(worker, "a worker has ended");
        }
        isolate.retire();
        isolate.panel.show(store, status);
        if let Some(crew) = crew {
            crew.abandon_if_alone(store);
        }
    }

    /// Begins with another worker, up to where it waits.
    fn expect(
        &self,
        store: &ReactonStore,
        isolate: &Rc<Isolate>,
        attempt: Attempt,
        entry: Entry,
    ) -> std::io::Result<()> {
        let inbox = Wiring::of(store).inbox();
        let link = next_link();
        let cradle = if World::current().is_some() {
            inbox.uncounted_mailbox().post(Ready { link });
            Cradle::World(entry)
        } else {
            let (birth, cradle) = sync_channel(1);
            let (ended, ending) = sync_channel(0);
            let main = inbox.uncounted_mailbox();
            let successor = Successor { link, wait: attempt.wait, main, cradle, ended, entry };
            let handle = start(&isolate.options, move || successor.live())?;
            isolate.thread.replace(Some(Thread::new(handle, ending)));
            Cradle::Thread(birth)
        };
        isolate.link.set(link);
        let mut stats = isolate.stats.get();
        stats.restarts += 1;
        isolate.stats.set(stats);
        let unborn = Unborn { isolate: Rc::clone(isolate), cradle, _expects: inbox.mailbox() };
        self.nursery().unborn.borrow_mut().insert(link, unborn);
        Ok(())
    }

    /// A worker has waited long enough: it begins with what main holds now.
    pub(crate) fn bear(&self, store: &ReactonStore, link: LinkId) {
        let Some(Unborn { isolate, cradle, _expects }) = self.nursery().take(link) else { return };
        let birth = match isolate.conceive(store, self) {
            Ok(birth) => birth,
            Err(error) => {
                isolate.panel.report(store, error.clone());
                return self.stillborn(store, &isolate, &error.to_string());
            }
        };
        match cradle {
            Cradle::Thread(sender) => {
                // It waits for just this.
                let _ = sender.send(birth);
            }
            Cradle::World(entry) => {
                let Some(world) = World::current() else { return };
                let mismatches = world.adopt(store, birth, entry);
                if let Some(link) = self.link(link) {
                    self.acknowledged(store, &link, &mismatches);
                }
            }
        }
    }

    /// A worker has taken over what main holds, over its link.
    pub(crate) fn acknowledged(&self, store: &ReactonStore, link: &Link, mismatches: &[Mismatch]) {
        // Only main is acknowledged to.
        let Some(isolate) = link.isolate() else { return };
        if mismatches.is_empty() {
            tracing::debug!(worker = isolate.name(), "a worker was started again");
            isolate.panel.show(store, IsolateStatus::Running);
        } else {
            self.stillborn(store, isolate, &list(mismatches));
        }
    }

    /// A worker that was to follow another cannot begin.
    fn stillborn(&self, store: &ReactonStore, isolate: &Rc<Isolate>, why: &str) {
        self.close(store, isolate.link());
        let message = format!("it cannot be started again: {why}");
        self.bury(store, isolate, CloseReason::Failed { message });
    }

    /// Ends an isolate at once.
    pub(crate) fn dispose(&self, store: &ReactonStore, isolate: &Isolate) {
        isolate.retire();
        let unborn = self.nursery().take(isolate.link());
        if self.close(store, isolate.link()) || unborn.is_some() {
            tracing::debug!(worker = isolate.name(), "disposed");
            isolate.panel.show(store, IsolateStatus::Disposed);
            if let Some(crew) = isolate.crew() {
                let dropped = crew.jobs.leave(isolate.link());
                drop(dropped);
                crew.abandon_if_alone(store);
            }
        }
    }

    /// Whether an isolate has neither a worker nor one that is to come.
    pub(crate) fn is_gone(&self, isolate: &Isolate) -> bool {
        self.link(isolate.link()).is_none() && !self.nursery().holds(isolate.link())
    }
}

fn failed(reason: CloseReason, why: &str) -> IsolateStatus {
    match IsolateStatus::from(reason) {
        IsolateStatus::Failed { message, location } => IsolateStatus::Failed {
            message: format!("{message}; it was not started again: {why}"),
            location,
        },
        status => status,
    }
}

/// A link of its own for each life of a worker.
fn next_link() -> LinkId {
    static LINKS: AtomicU64 = AtomicU64::new(1);
    LinkId(LINKS.fetch_add(1, Ordering::Relaxed))
}
