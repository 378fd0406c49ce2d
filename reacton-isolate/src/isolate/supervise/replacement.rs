//! Handles the end of a worker in main: schedules a restart, starts the next worker, or shows how the isolate ended.

use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Wake, Waker};

use reacton_core::panics::guarded;
use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, FirstPanic, Mailbox, ReactonStore, panic_message};

use super::restarts::Attempt;
use super::{Event, Isolate, Log};
use crate::error::{Mismatch, list};
use crate::host::{Start, Timer};
use crate::hub::{Hub, Owner};
use crate::interrupt::interrupt;
use crate::isolate::calls::OpenCalls;
use crate::isolate::status::IsolateStatus;
use crate::pool::{AssignedJob, Lost, PoolShared};
use crate::sync::LinkId;
use crate::wire::message::CloseReason;
use crate::worker::setup::Entry;

/// A replacement that starts once the backoff has passed.
pub(super) struct PendingRestart {
    entry: Entry,
    /// Cancelled when dropped. `None` if there is no backoff.
    _timer: Option<Timer>,
    /// Main's waits stay open while it exists, because of the replacement.
    _keeps_open: Mailbox,
}

/// The item that tells main that the backoff of a worker has passed.
struct StartSignal {
    /// The link of the next worker.
    link: LinkId,
}

impl Arrival for StartSignal {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        if let Some(hub) = Hub::find(store) {
            hub.start(store, self.link);
        }
        0
    }
}

/// Puts a [`StartSignal`] into main's inbox when a timer fires.
struct Signaller {
    main: Mailbox,
    link: LinkId,
}

impl Wake for Signaller {
    fn wake(self: Arc<Self>) {
        self.main.post(StartSignal { link: self.link });
    }
}

impl Isolate {
    /// Called when the worker has ended: schedules another one, or shows how the isolate ended.
    pub(super) fn on_worker_exit(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
        reason: &CloseReason,
    ) {
        let mut panics = FirstPanic::default();
        let pool = self.pool();
        let job = self.jobs().and_then(|jobs| jobs.leave(self.link()));
        let (job, calls) = OpenCalls::of(hub, self, job);
        interrupt();
        let next = panics.guard(|| self.next_attempt(reason)).flatten();
        if Wiring::of(store).is_stopped() {
            panics.guard(|| self.end_restarts());
            calls.recover(self, &CloseReason::Disposed, false, &mut Log::default());
            return panics.resume();
        }
        let mut log = Log::default();
        let lost = pool.zip(job).and_then(|(pool, job)| pool.recover(job, reason, &mut log));
        let status = self.restart_or_end(store, hub, next, reason.clone(), &mut log, &mut panics);
        let is_followed = matches!(status, IsolateStatus::Restarting { .. });
        if !is_followed {
            hub.admit_outward(store, &**self);
            self.note_end(reason);
            panics.guard(|| self.end_restarts());
        }
        calls.recover(self, reason, is_followed, &mut log);
        let abandoned = pool.map_or_else(Vec::new, |pool| pool.abandon_if_alone(&mut log));
        // All bookkeeping is done (rule 23). The rest calls subscribers of tracing and observers.
        log.emit(&mut panics);
        self.show_end(store, hub, status, lost, &mut panics);
        if self.handle_is_gone.get() && self.restarts_ended.get() {
            panics.guard(|| self.end_reactons(store));
        }
        Self::show_abandoned(store, hub, pool, abandoned, &mut panics);
        panics.resume();
    }

    /// Shows the new status, and the job that was lost with the worker. Both in one batch: an observer of one of them
    /// may dispose the isolate, and is called when both are shown.
    fn show_end(
        &self,
        store: &ReactonStore,
        hub: &Hub,
        status: IsolateStatus,
        lost: Option<Lost>,
        panics: &mut FirstPanic,
    ) {
        let pool = self.pool();
        let lost = lost.zip(pool).map(|(lost, pool)| pool.unpack(lost, panics));
        let mut within = FirstPanic::default();
        panics.guard(|| {
            store.batch(|store| {
                // A subscriber of tracing may have disposed the isolate, which has shown that status already.
                let is_present = !matches!(status, IsolateStatus::Restarting { .. })
                    || hub.is_announced(self.link());
                if is_present {
                    within.guard(|| self.status_reactons.show(store, status));
                    within.guard(|| self.show_progress(store, self.link_stats(Some(hub))));
                }
                if let (Some(pool), Some(lost)) = (pool, lost) {
                    within.guard(|| pool.show_lost(store, lost));
                }
            });
        });
        panics.guard(|| within.resume());
    }

    /// Schedules a replacement if the policy allows one, and returns the new status of the isolate.
    fn restart_or_end(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
        next: Option<Result<(Attempt, Entry), String>>,
        reason: CloseReason,
        log: &mut Log,
        panics: &mut FirstPanic,
    ) -> IsolateStatus {
        let worker = self.name();
        let status = match next {
            Some(Ok((attempt, entry))) => {
                match panics.guard(|| self.schedule_restart(store, hub, attempt, entry)) {
                    Some(Ok(())) => {
                        let Attempt { number: attempt, wait } = attempt;
                        log.add(worker, Event::Follows { reason, attempt, wait });
                        return IsolateStatus::Restarting { attempt };
                    }
                    Some(Err(error)) => failed(reason, &format!("no thread for another: {error}")),
                    None => failed(reason, "its arguments panicked when they were dropped"),
                }
            }
            Some(Err(why)) => failed(reason, &why),
            None => IsolateStatus::from(reason),
        };
        if let IsolateStatus::Failed { message, location } = &status {
            let (message, location) = (message.clone(), location.clone());
            log.add(worker, Event::Failed { message, location });
        } else {
            log.add(worker, Event::Ended);
        }
        status
    }

    /// Schedules the start of another worker for when the backoff has passed.
    fn schedule_restart(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
        attempt: Attempt,
        entry: Entry,
    ) -> io::Result<()> {
        let inbox = Wiring::of(store).inbox();
        let link = LinkId::next();
        let signaller = Arc::new(Signaller { main: inbox.weak_mailbox(), link });
        let timer = if attempt.wait.is_zero() {
            signaller.wake();
            None
        } else {
            Some(self.host.after(attempt.wait, Waker::from(signaller))?)
        };
        self.link.set(link);
        let mut stats = self.totals.stats.get();
        stats.restarts += 1;
        self.totals.stats.set(stats);
        self.pending.replace(Some(PendingRestart {
            entry,
            _timer: timer,
            _keeps_open: inbox.mailbox(),
        }));
        hub.announce(link, Rc::clone(self) as Rc<dyn Owner>);
        Ok(())
    }

    /// Starts a replacement with main's current values, after the backoff.
    pub(super) fn start_replacement(self: &Rc<Self>, store: &ReactonStore, hub: &Hub) {
        let Some(PendingRestart { entry, _keeps_open, .. }) = self.pending.take() else { return };
        let mut panics = FirstPanic::default();
        // Opening the link reads and encodes values of the program, which is user code.
        let setup = match guarded(|| self.open_link(store, hub, &mut panics)) {
            Ok(Ok(setup)) => setup,
            Ok(Err(error)) => {
                let why =
                    format!("{error}; write a value that can be sent, and spawn the worker again");
                panics.guard(|| self.replacement_failed(store, hub, &why));
                panics.guard(|| self.status_reactons.report(store, error));
                return panics.resume();
            }
            Err(payload) => {
                let why = format!("its link was not opened: {}", panic_message(&*payload));
                panics.keep(payload);
                panics.guard(|| self.replacement_failed(store, hub, &why));
                return panics.resume();
            }
        };
        // User code may have disposed the isolate meanwhile.
        if hub.link(self.link()).is_none() {
            panics.guard(|| drop((setup, entry)));
            return panics.resume();
        }
        let start = Start { setup, entry, over_the_link: true };
        let why = match guarded(|| self.host.start(store, &self.options, start)) {
            Ok(Ok(running)) => {
                self.add_running(running);
                return panics.resume();
            }
            Ok(Err(error)) => format!("there is no thread for it: {error}"),
            Err(payload) => {
                let why = format!("its thread was not started: {}", panic_message(&*payload));
                panics.keep(payload);
                why
            }
        };
        panics.guard(|| self.replacement_failed(store, hub, &why));
        panics.resume();
    }

    /// Called when a worker has answered the handshake over its link.
    pub(super) fn on_acknowledged(
        self: &Rc<Self>,
        store: &ReactonStore,
        hub: &Hub,
        mismatches: &[Mismatch],
    ) {
        if mismatches.is_empty() {
            let mut panics = FirstPanic::default();
            panics.guard(|| self.status_reactons.show(store, IsolateStatus::Running));
            let mut log = Log::default();
            log.add(self.name(), Event::StartedAgain);
            log.emit(&mut panics);
            panics.resume();
        } else {
            self.replacement_failed(store, hub, &list(mismatches));
        }
    }

    /// Called when a replacement cannot start.
    fn replacement_failed(self: &Rc<Self>, store: &ReactonStore, hub: &Hub, why: &str) {
        let mut panics = FirstPanic::default();
        hub.close(store, self.link(), &mut panics);
        let message = format!("it cannot be started again: {why}");
        panics.guard(|| self.on_worker_exit(store, hub, &CloseReason::Failed { message }));
        panics.resume();
    }

    /// Ends the isolate at once.
    pub(crate) fn dispose(&self, store: &ReactonStore, hub: &Hub) {
        let mut panics = FirstPanic::default();
        // A worker in another process may have begun a job without having reported that yet.
        let is_away = hub.link(self.link()).is_some_and(|link| link.outbox().is_road());
        let withdrawn = hub.withdraw(self.link());
        let pending = self.pending.take();
        let closed = hub.close(store, self.link(), &mut panics) || withdrawn;
        hub.admit_outward(store, self);
        // Drops the worker's arguments, which may panic. By then the worker is cancelled.
        panics.guard(|| self.end_restarts());
        panics.guard(|| drop(pending));
        if closed {
            let mut log = Log::default();
            log.add(self.name(), Event::Disposed);
            let pool = self.pool();
            interrupt();
            let job = self.jobs().and_then(|jobs| jobs.leave(self.link()));
            let job = job.map(|job| AssignedJob { begun: job.begun || is_away, ..job });
            let (job, calls) = OpenCalls::of(hub, self, job);
            interrupt();
            let reason = CloseReason::Disposed;
            let lost = pool.zip(job).and_then(|(pool, job)| pool.recover(job, &reason, &mut log));
            calls.recover(self, &reason, false, &mut log);
            let abandoned = pool.map_or_else(Vec::new, |pool| pool.abandon_if_alone(&mut log));
            // All bookkeeping is done (rule 23). The rest calls subscribers of tracing and observers.
            log.emit(&mut panics);
            self.show_end(store, hub, IsolateStatus::Disposed, lost, &mut panics);
            Self::show_abandoned(store, hub, pool, abandoned, &mut panics);
        }
        panics.resume();
    }

    /// Shows the jobs that no member is left to do, and removes the pool if it is over.
    fn show_abandoned(
        store: &ReactonStore,
        hub: &Hub,
        pool: Option<&Rc<PoolShared>>,
        abandoned: Vec<Lost>,
        panics: &mut FirstPanic,
    ) {
        let Some(pool) = pool else { return };
        for lost in abandoned {
            let lost = pool.unpack(lost, panics);
            panics.guard(|| pool.show_lost(store, lost));
        }
        panics.guard(|| pool.dismiss_if_over(store, hub));
    }

    /// Returns whether the isolate has no worker, and no restart is scheduled.
    pub(crate) fn is_gone(&self, hub: &Hub) -> bool {
        hub.link(self.link()).is_none() && !hub.is_announced(self.link())
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
