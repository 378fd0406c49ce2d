//! Main's record of an isolate: how its workers start, are replaced after a panic, and end.
//!
//! A worker that panicked reports this in the last item of its link. If the policy allows a restart, a timer sends main
//! an item when the backoff has passed. In its next turn main takes the snapshot and starts another worker. The new
//! worker has a link with a new number, so that nothing of the last worker arrives after it (rule 16).

mod replacement;
mod restarts;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, Inbox, ReactonStore, ReadOnly, RefId};

use self::replacement::PendingRestart;
pub(crate) use self::restarts::MAX_BACKOFF;
pub use self::restarts::Restart;
use self::restarts::{Attempt, Restarts};
use crate::error::LinkError;
use crate::error::Mismatch;
use crate::host::{self, Host, Running};
use crate::hub::progress::Progress;
use crate::hub::{ArrivalPolicy, Hub, Link, Owner};
#[cfg(feature = "process")]
use crate::isolate::status::IsolateStatus;
use crate::isolate::status::StatusReactons;
#[cfg(feature = "process")]
use crate::link::Far;
use crate::link::{LinkStats, Outbox, SendCounter, Totals};
#[cfg(feature = "process")]
use crate::pool::Agent;
use crate::pool::{Ended, Jobs, PoolShared, Queue, wake};
pub(crate) use crate::pool::{Event, Log};
use crate::shared::SharedSet;
use crate::sync::LinkId;
use crate::wire::message::CloseReason;
use crate::worker::options::Options;
use crate::worker::panics::{self, Caught};
use crate::worker::scope::Scope;
use crate::worker::setup::{Entry, WorkerSetup};

/// Main's record of one isolate, across restarts of its worker.
pub(crate) struct Isolate {
    options: Options,
    status_reactons: StatusReactons,
    /// The link of the current worker. After its end, the link that it had.
    link: Cell<LinkId>,
    /// The reactons of the worker to which main is not subscribed. Kept across restarts.
    paused: RefCell<BTreeSet<RefId>>,
    totals: Rc<Totals>,
    progress: Progress<LinkStats>,
    /// The host that runs the workers.
    host: Arc<dyn Host>,
    /// The workers that may not have ended. The last one is the current worker.
    running: RefCell<Vec<Box<dyn Running>>>,
    /// The scheduled replacement of a worker, if there is one.
    pending: RefCell<Option<PendingRestart>>,
    /// How another worker is started; `None` once the isolate has ended for good.
    restart_plan: RefCell<Option<RestartPlan>>,
    /// The isolate is being shut down: each of its workers has to drain and end.
    draining: Cell<bool>,
    /// The program of main may not write what the worker shares as `out`.
    refusing: Cell<bool>,
    /// No more restarts are allowed.
    restarts_ended: Cell<bool>,
    /// The handle was detached and dropped: the reactons about the isolate are removed with it.
    handle_is_gone: Cell<bool>,
    /// The pool of which the worker is a member.
    pool: Option<Rc<PoolShared>>,
    /// The queue of its calls: that of the pool, or its own if its worker answers calls.
    jobs: Option<Arc<Jobs>>,
    /// Why the last worker ended, if it has.
    ended: RefCell<Option<Ended>>,
    /// The `tracing` scope of the spawn, for each of its workers. Empty once the isolate has ended for good.
    scope: RefCell<Scope>,
}

/// What a restart needs.
pub(crate) struct RestartPlan {
    restarts: Restarts,
    entry: Box<dyn Fn() -> Entry>,
}

impl RestartPlan {
    pub(crate) fn new(
        policy: Restart,
        max_backoff: Duration,
        entry: impl Fn() -> Entry + 'static,
    ) -> Self {
        if cfg!(panic = "abort") && policy != Restart::Never {
            tracing::warn!(
                "a restart policy has no effect in a build with `panic = \"abort\"`: a worker that panics ends the process; \
                 set `panic = \"unwind\"` in the profile"
            );
        }
        Self { restarts: Restarts::new(policy, max_backoff), entry: Box::new(entry) }
    }

    /// Returns the plan for a worker in another process, whose panic cannot end this process.
    #[cfg(feature = "process")]
    pub(crate) fn away(
        policy: Restart,
        max_backoff: Duration,
        entry: impl Fn() -> Entry + 'static,
    ) -> Self {
        Self { restarts: Restarts::new(policy, max_backoff), entry: Box::new(entry) }
    }
}

impl Isolate {
    pub(crate) fn new(
        store: &ReactonStore,
        host: Arc<dyn Host>,
        options: Options,
        restart_plan: Option<RestartPlan>,
        pool: Option<Rc<PoolShared>>,
    ) -> Self {
        let own = || {
            let callee = options.callee(false)?;
            Some(Arc::new(Jobs::new(Wiring::of(store).inbox().weak_mailbox(), callee)))
        };
        let jobs = pool.as_ref().map(|pool| Arc::clone(&pool.jobs)).or_else(own);
        Self {
            jobs,
            ended: RefCell::default(),
            options,
            status_reactons: StatusReactons::new(store),
            link: Cell::new(LinkId::next()),
            paused: RefCell::default(),
            totals: Rc::default(),
            progress: Progress::default(),
            host,
            running: RefCell::default(),
            pending: RefCell::default(),
            restart_plan: RefCell::new(restart_plan),
            draining: Cell::new(false),
            refusing: Cell::new(false),
            restarts_ended: Cell::new(false),
            handle_is_gone: Cell::new(false),
            pool,
            scope: RefCell::new(Scope::current()),
        }
    }

    pub(crate) fn status_reactons(&self) -> &StatusReactons {
        &self.status_reactons
    }

    pub(crate) fn link(&self) -> LinkId {
        self.link.get()
    }

    pub(super) fn set_ended(&self, ended: Ended) {
        self.ended.replace(Some(ended));
    }

    pub(crate) fn jobs(&self) -> Option<&Arc<Jobs>> {
        self.jobs.as_ref()
    }

    /// Returns the statistics of its links, and the queue of the current worker.
    pub(crate) fn link_stats(&self, hub: Option<&Hub>) -> LinkStats {
        let link = hub.and_then(|hub| hub.link(self.link()));
        link.map_or_else(|| self.totals.stats.get(), |link| link.stats())
    }

    /// Returns the reacton of the statistics. Creates it in `store`, the main store, if a store is passed.
    pub(crate) fn progress(
        &self,
        store: Option<ReactonStore>,
        hub: Option<&Hub>,
    ) -> &ReadOnly<LinkStats> {
        if let Some(store) = &store {
            self.totals.main.get_or_init(|| Wiring::of(store).inbox().weak_mailbox());
        }
        self.progress.of(store, || {
            if let Some(link) = hub.and_then(|hub| hub.link(self.link())) {
                link.watch();
            }
            self.link_stats(hub)
        })
    }

    /// Called when the handle is gone: removes the isolate's reactons.
    pub(crate) fn end_reactons(&self, store: &ReactonStore) {
        self.progress.end(store);
        self.status_reactons.end(store);
    }

    /// Records whether main is subscribed to `id`, for this worker and later ones.
    pub(crate) fn remember_subscribed(&self, id: RefId, subscribed: bool) {
        let mut paused = self.paused.borrow_mut();
        if subscribed {
            paused.remove(&id);
        } else {
            paused.insert(id);
        }
    }

    pub(crate) fn drain(&self) {
        self.draining.set(true);
        if let (None, Some(jobs)) = (&self.pool, &self.jobs) {
            jobs.refuse_calls();
        }
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// Adds a worker that was started, and removes those that have ended.
    pub(crate) fn add_running(&self, running: Box<dyn Running>) {
        let mut all = self.running.borrow_mut();
        all.retain(|running| !running.ends_within(Duration::ZERO));
        all.push(running);
    }

    /// Takes all workers that may not have ended, and returns them.
    pub(crate) fn take_running(&self) -> Vec<Box<dyn Running>> {
        self.running.take()
    }

    /// Called when no handle is left.
    pub(crate) fn disown(&self) {
        self.handle_is_gone.set(true);
    }

    pub(crate) fn pool(&self) -> Option<&Rc<PoolShared>> {
        self.pool.as_ref()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    /// Returns an isolate without a worker.
    pub(crate) fn of(store: &ReactonStore, shared: &SharedSet) -> Rc<Self> {
        let options = Options { shared: shared.clone(), ..Options::default() };
        Rc::new(Self::new(store, host::current(), options, None, None))
    }

    /// Opens the link of a worker, and returns what the worker starts with. A panic of an observer goes to `panics`.
    pub(crate) fn open_link(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
        panics: &mut FirstPanic,
    ) -> Result<WorkerSetup, LinkError> {
        let Options { name, shared, delivery, spin, .. } = &self.options;
        let inbox = Inbox::new();
        if let Some(spin) = spin {
            inbox.set_spin(*spin);
        }
        let link = self.link.get();
        let (down, up) = (SendCounter::default(), SendCounter::default());
        let (incoming, arriving) = (down.receiving(), up.receiving());
        let jobs = self.jobs.clone();
        #[cfg(feature = "process")]
        let road = self.host.road(*delivery, &down);
        #[cfg(feature = "process")]
        let far = road.clone().map_or_else(|| Far::from(inbox.mailbox()), Far::Road);
        #[cfg(feature = "process")]
        let agent = road.map(|road| Arc::new(Agent::new(link, jobs.clone(), road)));
        #[cfg(not(feature = "process"))]
        let far = inbox.mailbox();
        let outbox = Outbox::new(link, far, *delivery, down);
        if self.progress.is_watched() {
            outbox.reports().want();
        }
        let end = Link::of_main(Rc::clone(self) as Rc<dyn Owner>, Rc::new(outbox), arriving);
        let first_look = inbox.weak_mailbox();
        let init = hub.open(store, link, end, shared, panics)?;
        // User code may have disposed the isolate meanwhile. In that case it is no longer a member of its pool.
        if let Some(jobs) = jobs.as_ref().filter(|_| hub.link(link).is_some()) {
            jobs.join(link);
            wake(&first_look, link);
        }
        Ok(WorkerSetup {
            init,
            types_differ: false,
            name: name.clone(),
            link,
            inbox,
            main: Wiring::of(store).inbox().weak_mailbox().into(),
            #[cfg(feature = "process")]
            agent,
            delivery: *delivery,
            shared: shared.clone(),
            incoming,
            outgoing: up,
            queue: jobs.map(Queue::from),
            scope: self.scope.borrow().clone(),
            peers: self.host.peers(),
        })
    }

    /// Returns the next attempt after a worker that ended for this reason, with its function. `None` if there is no
    /// restart, an error if the function cannot be made.
    fn next_attempt(&self, reason: &CloseReason) -> Option<Result<(Attempt, Entry), String>> {
        let (CloseReason::Panicked { after, worked, .. } | CloseReason::Lost { after, worked, .. }) =
            reason
        else {
            return None;
        };
        // Taken out meanwhile, because cloning the worker's arguments runs user code.
        let mut restart_plan = self.restart_plan.take()?;
        let next = restart_plan.restarts.next(*after, *worked).map(|attempt| {
            panics::caught(|| (restart_plan.entry)()).map(|entry| (attempt, entry)).map_err(
                |Caught { message, .. }| {
                    format!("its arguments panicked when they were cloned: {message}")
                },
            )
        });
        // Put back in any case: `end_restarts` drops it, which also runs user code.
        self.restart_plan.replace(Some(restart_plan));
        // The clone may have disposed the isolate.
        next.filter(|_| !self.restarts_ended.get())
    }
}

impl Owner for Isolate {
    fn name(&self) -> &str {
        &self.options.name
    }

    fn shared(&self) -> &SharedSet {
        &self.options.shared
    }

    fn arrival_policy(&self) -> ArrivalPolicy {
        self.pool.as_ref().map_or(ArrivalPolicy::Merge, |pool| pool.arrival_policy())
    }

    fn totals(&self) -> Rc<Totals> {
        Rc::clone(&self.totals)
    }

    fn is_subscribed(&self, id: RefId) -> bool {
        !self.paused.borrow().contains(&id)
    }

    fn is_draining(&self) -> bool {
        self.draining.get()
    }

    fn set_refusing(&self, refusing: bool) -> bool {
        self.refusing.replace(refusing)
    }

    fn start(self: Rc<Self>, store: &ReactonStore, hub: &Hub) {
        self.start_replacement(store, hub);
    }

    fn acknowledged(self: Rc<Self>, store: &ReactonStore, hub: &Hub, mismatches: &[Mismatch]) {
        self.on_acknowledged(store, hub, mismatches);
    }

    fn closed(self: Rc<Self>, store: &ReactonStore, hub: &Hub, reason: CloseReason) {
        self.on_worker_exit(store, hub, &reason);
    }

    fn report(&self, store: &ReactonStore, error: LinkError) {
        self.status_reactons.report(store, error);
    }

    fn show_progress(&self, store: &ReactonStore, stats: LinkStats) {
        self.progress.show(store, || stats);
    }

    #[cfg(feature = "process")]
    fn show_silence(&self, store: &ReactonStore, silent: bool) {
        let (before, now) = if silent {
            (IsolateStatus::Running, IsolateStatus::Disconnected)
        } else {
            (IsolateStatus::Disconnected, IsolateStatus::Running)
        };
        if store.get(&self.status_reactons.status) == before {
            self.status_reactons.show(store, now);
        }
    }

    fn end_restarts(&self) {
        if !self.restarts_ended.replace(true) {
            let ended = self.ended.take().unwrap_or(Ended::Disposed);
            match (&self.pool, &self.jobs) {
                (Some(pool), _) => pool.lose_member(&ended),
                (None, Some(jobs)) => jobs.end(&ended),
                (None, None) => {}
            }
        }
        let (restart_plan, scope) = (self.restart_plan.take(), self.scope.take());
        drop((scope, self.pending.take()));
        // Drops the arguments of the worker.
        drop(restart_plan);
    }
}

impl fmt::Debug for Isolate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Isolate").field("name", &self.name()).finish_non_exhaustive()
    }
}
