//! How a worker that died is followed by another: who waits to be born, and what main does about it in its turns.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::mpsc::{SyncSender, sync_channel};

use reacton_core::wiring::Wiring;
use reacton_core::{Mailbox, ReactonStore};

use super::restarts::Attempt;
use super::{Isolate, next_link};
use crate::error::{Mismatch, list};
use crate::hub::{Hub, Link};
use crate::isolate::{Ready, Successor, Thread, start};
use crate::life::Birth;
use crate::message::CloseReason;
use crate::pool::Crew;
use crate::status::IsolateStatus;
use crate::sync::LinkId;
use crate::testing::World;
use crate::worker::Entry;

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

    /// Whoever is to be started again is not.
    pub(crate) fn take_all(&self) -> Vec<Rc<Isolate>> {
        self.unborn.take().into_values().map(|unborn| unborn.isolate).collect()
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
            return isolate.retire();
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
            self.abandon_if_alone(store, crew);
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
        let unborn = self.nursery().take(isolate.link());
        let closed = self.close(store, isolate.link()) || unborn.is_some();
        // Its arguments are dropped here, and may panic: by then the worker knows.
        let retired = catch_unwind(AssertUnwindSafe(|| isolate.retire()));
        if closed {
            tracing::debug!(worker = isolate.name(), "disposed");
            isolate.panel.show(store, IsolateStatus::Disposed);
            if let Some(crew) = isolate.crew() {
                if let Some(job) = crew.jobs.leave(isolate.link()) {
                    crew.recover(store, job, &CloseReason::Disposed);
                }
                self.abandon_if_alone(store, crew);
            }
        }
        if let Err(payload) = retired {
            resume_unwind(payload);
        }
    }

    /// What waits is lost if nobody is left to do it.
    fn abandon_if_alone(&self, store: &ReactonStore, crew: &Rc<Crew>) {
        crew.abandon_if_alone(store);
        self.dismiss_if_over(store, crew);
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
