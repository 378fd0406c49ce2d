//! How a worker that died is followed by another: who waits to be born, and what main does about it in its turns.

use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};

use reacton_core::wiring::Wiring;
use reacton_core::{FirstPanic, Mailbox, ReactonStore};

use super::restarts::Attempt;
use super::{Event, Isolate, Log, next_link};
use crate::api::worker::Entry;
use crate::error::{Mismatch, list};
use crate::host::thread::{Ready, Successor, start};
use crate::hub::{Hub, Owner};
use crate::isolate::status::IsolateStatus;
use crate::pool::{Lost, PoolShared};
use crate::testing::{World, interrupt};
use crate::wire::message::CloseReason;
use crate::worker::life::Birth;

/// A worker that waits to take the place of another.
pub(super) struct PendingRestart {
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

impl Hub {
    /// The worker of `isolate` has ended: it is started again, or shown as what it came to.
    pub(super) fn bury(&self, store: &ReactonStore, isolate: &Rc<Isolate>, reason: CloseReason) {
        let mut panics = FirstPanic::default();
        let pool = isolate.pool();
        let job = pool.and_then(|pool| Some((pool, pool.jobs.leave(isolate.link())?)));
        interrupt();
        let next = panics.guard(|| isolate.next_attempt(&reason)).flatten();
        if Wiring::of(store).is_stopped() {
            panics.guard(|| isolate.retire());
            return panics.resume();
        }
        let mut log = Log::default();
        let lost = job.and_then(|(pool, job)| pool.recover(job, &reason, &mut log));
        let status = self.follow(store, isolate, next, reason, &mut log, &mut panics);
        if !matches!(status, IsolateStatus::Restarting { .. }) {
            self.admit_outward(store, &**isolate);
            panics.guard(|| isolate.retire());
        }
        let abandoned = pool.map_or_else(Vec::new, |pool| pool.abandon_if_alone(&mut log));
        // All is decided. What follows calls subscribers of tracing and observers.
        log.emit(&mut panics);
        self.show_end(store, isolate, status, lost, &mut panics);
        if isolate.unowned.get() && isolate.retired.get() {
            panics.guard(|| isolate.end_reactons(store));
        }
        self.show_abandoned(store, pool, abandoned, &mut panics);
        panics.resume();
    }

    /// Shows the status to which a worker has come, and the job that is lost with it: in one batch, so that an observer
    /// of one of them, which may dispose the isolate, is called when both are shown.
    fn show_end(
        &self,
        store: &ReactonStore,
        isolate: &Isolate,
        status: IsolateStatus,
        lost: Option<Lost>,
        panics: &mut FirstPanic,
    ) {
        let pool = isolate.pool();
        let lost = lost.zip(pool).map(|(lost, pool)| pool.unpack(lost, panics));
        let mut within = FirstPanic::default();
        panics.guard(|| {
            store.batch(|store| {
                // A subscriber of tracing may have disposed the isolate, which has shown that.
                let is_present = !matches!(status, IsolateStatus::Restarting { .. })
                    || self.is_announced(isolate.link());
                if is_present {
                    within.guard(|| isolate.panel.show(store, status));
                    within.guard(|| isolate.show_progress(store, isolate.link_stats(Some(self))));
                }
                if let (Some(pool), Some(lost)) = (pool, lost) {
                    within.guard(|| pool.show_lost(store, lost));
                }
            });
        });
        panics.guard(|| within.resume());
    }

    /// Begins with a successor, if there is to be one, and returns the status that the isolate has now.
    fn follow(
        &self,
        store: &ReactonStore,
        isolate: &Rc<Isolate>,
        next: Option<Result<(Attempt, Entry), String>>,
        reason: CloseReason,
        log: &mut Log,
        panics: &mut FirstPanic,
    ) -> IsolateStatus {
        let worker = isolate.name();
        let status = match next {
            Some(Ok((attempt, entry))) => {
                match panics.guard(|| self.expect(store, isolate, attempt, entry)) {
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
            inbox.weak_mailbox().post(Ready { link });
            Cradle::World(entry)
        } else {
            let (birth, cradle) = sync_channel(1);
            let main = inbox.weak_mailbox();
            let successor = Successor { link, wait: attempt.wait, main, cradle, entry };
            let thread = start(&isolate.options, move |_| successor.live())?;
            isolate.add_thread(thread);
            Cradle::Thread(birth)
        };
        isolate.link.set(link);
        let mut stats = isolate.totals.stats.get();
        stats.restarts += 1;
        isolate.totals.stats.set(stats);
        isolate.pending.replace(Some(PendingRestart { cradle, _expects: inbox.mailbox() }));
        self.announce(link, Rc::clone(isolate) as Rc<dyn Owner>);
        Ok(())
    }

    /// A worker has waited long enough: it begins with what main holds now.
    pub(super) fn bear(&self, store: &ReactonStore, isolate: &Rc<Isolate>) {
        let Some(PendingRestart { cradle, _expects }) = isolate.pending.take() else { return };
        // It reads and encodes values of the program.
        let mut panics = FirstPanic::default();
        let birth = match panics.guard(|| isolate.conceive(store, self)) {
            Some(Ok(birth)) => birth,
            Some(Err(error)) => {
                panics.guard(|| self.stillborn(store, isolate, &error.to_string()));
                panics.guard(|| isolate.panel.report(store, error));
                return panics.resume();
            }
            None => {
                panics.guard(|| self.stillborn(store, isolate, "a shared value panicked"));
                return panics.resume();
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
                if self.link(isolate.link()).is_some() {
                    self.has_acknowledged(store, isolate, &mismatches);
                }
            }
        }
    }

    /// A worker has taken over what main holds, over its link.
    pub(super) fn has_acknowledged(
        &self,
        store: &ReactonStore,
        isolate: &Rc<Isolate>,
        mismatches: &[Mismatch],
    ) {
        if mismatches.is_empty() {
            let mut panics = FirstPanic::default();
            panics.guard(|| isolate.panel.show(store, IsolateStatus::Running));
            let mut log = Log::default();
            log.add(isolate.name(), Event::StartedAgain);
            log.emit(&mut panics);
            panics.resume();
        } else {
            self.stillborn(store, isolate, &list(mismatches));
        }
    }

    /// A worker that was to follow another cannot begin.
    fn stillborn(&self, store: &ReactonStore, isolate: &Rc<Isolate>, why: &str) {
        let mut panics = FirstPanic::default();
        self.close(store, isolate.link(), &mut panics);
        let message = format!("it cannot be started again: {why}");
        panics.guard(|| self.bury(store, isolate, CloseReason::Failed { message }));
        panics.resume();
    }

    /// Ends an isolate at once.
    pub(crate) fn dispose(&self, store: &ReactonStore, isolate: &Isolate) {
        let mut panics = FirstPanic::default();
        let withdrawn = self.withdraw(isolate.link());
        let unborn = isolate.pending.take();
        let closed = self.close(store, isolate.link(), &mut panics) || withdrawn;
        self.admit_outward(store, isolate);
        // Its arguments are dropped here, and may panic: by then the worker knows.
        panics.guard(|| isolate.retire());
        panics.guard(|| drop(unborn));
        if closed {
            let mut log = Log::default();
            log.add(isolate.name(), Event::Disposed);
            let pool = isolate.pool();
            interrupt();
            let job = pool.and_then(|pool| Some((pool, pool.jobs.leave(isolate.link())?)));
            interrupt();
            let lost =
                job.and_then(|(pool, job)| pool.recover(job, &CloseReason::Disposed, &mut log));
            let abandoned = pool.map_or_else(Vec::new, |pool| pool.abandon_if_alone(&mut log));
            // All is decided. What follows calls subscribers of tracing and observers.
            log.emit(&mut panics);
            self.show_end(store, isolate, IsolateStatus::Disposed, lost, &mut panics);
            self.show_abandoned(store, pool, abandoned, &mut panics);
        }
        panics.resume();
    }

    /// Shows the jobs that no member is left to do, and ends a pool that is over.
    fn show_abandoned(
        &self,
        store: &ReactonStore,
        pool: Option<&Rc<PoolShared>>,
        abandoned: Vec<Lost>,
        panics: &mut FirstPanic,
    ) {
        let Some(pool) = pool else { return };
        for lost in abandoned {
            let lost = pool.unpack(lost, panics);
            panics.guard(|| pool.show_lost(store, lost));
        }
        panics.guard(|| pool.dismiss_if_over(store, self));
    }

    /// Whether an isolate has neither a worker nor one that is to come.
    pub(crate) fn is_gone(&self, isolate: &Isolate) -> bool {
        self.link(isolate.link()).is_none() && !self.is_announced(isolate.link())
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
