//! A worker of a simulation that has no thread: what it does in each step, and what it waits for between steps.

use std::cell::{Cell, RefCell};
use std::task::{Context, Poll};
use std::time::Duration;

use reacton_core::wiring::Wiring;
use reacton_core::{ReactonStore, panics};

use super::guards::Set;
use super::random::Random;
use super::signal::NoAnswer;
use super::{Failure, Running};
use crate::error::Mismatch;
use crate::hub::Hub;
use crate::hub::calls::{PolledOutside, Tasks};
use crate::sync::LinkId;
use crate::wire::message::IsolateMessage;
use crate::worker::drive::AsyncRun;
use crate::worker::runtime::{WorkerRuntime, in_function};
use crate::worker::setup::{Entry, WorkerSetup};

pub(crate) struct Actor {
    store: ReactonStore,
    link: LinkId,
    /// Taken out during a step of the worker; `None` once the worker has ended.
    runtime: RefCell<Option<WorkerRuntime>>,
    entry: RefCell<Option<Entry>>,
    /// The future of an async worker. Set once the worker's function has been called.
    future: RefCell<Option<AsyncRun>>,
    stage: Cell<Stage>,
    failed: Cell<bool>,
    /// Set once the function has returned: polls the async answers between turns.
    polled: RefCell<Option<PolledOutside>>,
    ended: Cell<bool>,
}

/// The point that the worker's thread would have reached. Between two stages the worker checks whether it has to end,
/// as [`take_turns`](crate::worker::run::take_turns) does. While it sleeps, it checks nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The worker is behind a road, and its acknowledgement is not accepted yet.
    #[cfg(feature = "process")]
    Waiting,
    /// The worker's function has not been called yet.
    Spawned,
    /// The worker is in its async function, which is polled after each wake-up.
    Async,
    /// The worker is in a turn that may apply this many more items.
    Turn(usize),
    /// The worker is blocked on its inbox.
    Asleep,
    /// The worker has noticed that it has to end, or has failed.
    Over,
}

/// What a worker can do next.
pub(crate) enum Next {
    /// Apply the first item of the inbox.
    Take,
    /// Call or poll the worker's function, or end.
    Go,
}

impl Actor {
    /// Installs main's values. Returns the mismatches; if there are any, the worker must not run.
    pub(super) fn new(
        setup: WorkerSetup,
        entry: Entry,
        over_the_link: bool,
    ) -> (Self, Vec<Mismatch>) {
        let link = setup.link;
        let (runtime, mismatches) = WorkerRuntime::begin(setup);
        if over_the_link && let Some(mismatches) = &mismatches {
            runtime.send(IsolateMessage::HandshakeAck { mismatches: mismatches.clone() });
        }
        Hub::of(runtime.store()).set_polls_stepwise();
        let actor = Self {
            store: runtime.store().clone(),
            link,
            runtime: RefCell::new(Some(runtime)),
            entry: RefCell::new(Some(entry)),
            future: RefCell::new(None),
            // A worker that panicked while it installed main's values ends in a separate step.
            stage: Cell::new(if mismatches.is_some() { Stage::Spawned } else { Stage::Over }),
            failed: Cell::new(mismatches.is_none()),
            polled: RefCell::default(),
            ended: Cell::new(false),
        };
        (actor, mismatches.unwrap_or_default())
    }

    /// As [`new`](Self::new), for a worker behind a road: the worker sends its acknowledgement and waits until it is
    /// accepted.
    #[cfg(feature = "process")]
    pub(super) fn behind_road(setup: WorkerSetup, entry: Entry) -> Self {
        let (actor, _) = Self::new(setup, entry, true);
        if actor.stage.get() == Stage::Spawned {
            actor.stage.set(Stage::Waiting);
        }
        actor
    }

    /// Called when the worker's acknowledgement is accepted.
    #[cfg(feature = "process")]
    pub(super) fn accept(&self) {
        if self.stage.get() == Stage::Waiting {
            self.stage.set(Stage::Spawned);
        }
    }

    /// Called when nothing that the worker sends is accepted any more. Ends a worker that waits for its
    /// acknowledgement.
    #[cfg(feature = "process")]
    pub(super) fn refuse(&self) {
        if self.stage.get() == Stage::Waiting {
            self.failed.set(true);
            self.stage.set(Stage::Over);
        }
    }

    /// Returns whether the worker has ended or is about to.
    #[cfg(feature = "process")]
    pub(super) fn is_over(&self) -> bool {
        self.stage.get() == Stage::Over || self.ended.get()
    }

    #[cfg(feature = "process")]
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    pub(super) fn store(&self) -> &ReactonStore {
        &self.store
    }

    /// Returns whether a step of the worker is in progress; then another store takes a step inside of it.
    pub(super) fn is_running(&self) -> bool {
        self.runtime.borrow().is_none()
    }

    /// Returns what the worker can do next. A worker that sleeps can do nothing before its inbox receives an item.
    pub(super) fn next(&self) -> Option<Next> {
        let wiring = Wiring::of(&self.store);
        // The store is busy if the test uses it inside of a batch, a computed or an observer.
        if self.is_running() || wiring.is_busy() {
            return None;
        }
        match self.stage.get() {
            #[cfg(feature = "process")]
            Stage::Waiting => None,
            Stage::Spawned | Stage::Over => Some(Next::Go),
            Stage::Async => {
                let future = self.future.borrow();
                future.as_ref().is_none_or(AsyncRun::is_woken).then_some(Next::Go)
            }
            // Only code on the worker's own thread disposes its store, and a check follows that code.
            _ if wiring.is_ended() => Some(Next::Go),
            Stage::Turn(_) | Stage::Asleep => wiring.has_arrivals().then_some(Next::Take),
        }
    }

    /// Returns whether the worker sleeps although it has to end. A thread would block for ever.
    pub(super) fn has_missed_its_end(&self) -> bool {
        // An async worker may await something other than a turn.
        let is_async = self.stage.get() == Stage::Async;
        !is_async && !self.is_running() && self.next().is_none() && self.is_to_end()
    }

    fn is_to_end(&self) -> bool {
        self.store.is_disposed() || Wiring::of(&self.store).is_disconnected()
    }

    /// Calls or polls the worker's function, or notices that the worker has to end. Returns whether the worker has
    /// ended. `polls` is set while an async function is polled.
    pub(super) fn go(&self, polls: &Cell<bool>) -> bool {
        match self.stage.get() {
            Stage::Spawned => self.call(polls),
            Stage::Async => self.poll(polls),
            #[cfg(feature = "process")]
            Stage::Waiting => {}
            Stage::Turn(_) | Stage::Asleep | Stage::Over => return true,
        }
        false
    }

    /// Calls the worker's function. The function of an async worker only returns its future.
    fn call(&self, polls: &Cell<bool>) {
        let Some(entry) = self.entry.take() else { return };
        self.run(|store| in_function(store, entry));
        match AsyncRun::left_by(&self.store) {
            Some(future) if self.stage.get() == Stage::Spawned => {
                Hub::of(&self.store).set_in_function(true);
                self.future.replace(Some(future));
                self.stage.set(Stage::Async);
            }
            _ => self.has_returned(polls),
        }
    }

    /// Called when the worker's function has returned: from now on the worker takes turns, as
    /// [`take_turns`](crate::worker::run::take_turns) does.
    fn has_returned(&self, polls: &Cell<bool>) {
        if self.stage.get() != Stage::Over {
            self.run(|store| {
                let hub = Hub::of(store);
                self.polled.replace(Some(Tasks::poll_outside(&hub, store, None)));
                let _polls = Set::to(polls, true);
                hub.calls().tasks().poll(store);
                Ok(())
            });
            self.look();
        }
    }

    /// Polls the future of the worker's function.
    fn poll(&self, polls: &Cell<bool>) {
        let future = self.future.take();
        let Some(mut future) = future else { return };
        polls.set(true);
        let mut left = None;
        self.run(|_| {
            let outcome = future.poll();
            if let Some(outcome) = outcome {
                // Dropping the future may run user code.
                drop(future);
                return outcome;
            }
            left = Some(future);
            Ok(())
        });
        polls.set(false);
        if left.is_none() {
            Hub::of(&self.store).set_in_function(false);
            self.has_returned(polls);
        }
        self.future.replace(left);
    }

    /// Applies the first item: the beginning of a turn, or a later part of one. `polls` is set while async answers are
    /// polled.
    pub(super) fn take_one(&self, random: &Random, polls: &Cell<bool>) {
        let left = match self.stage.get() {
            Stage::Turn(left) => left,
            // Items behind the first may have arrived after the turn began.
            _ => 1 + random.below(Wiring::of(&self.store).arrivals()),
        };
        self.stage.set(Stage::Turn(left - 1));
        self.run(|store| {
            Wiring::of(store).take_one();
            // Async answers are polled between two turns, as on a thread.
            let _polls = Set::to(polls, true);
            Hub::of(store).calls().tasks().poll(store);
            Ok(())
        });
        let wiring = Wiring::of(&self.store);
        // Nothing is left if the test has taken turns with the worker's store.
        if left == 1 || !wiring.has_arrivals() || wiring.is_stopped() {
            self.look();
        }
    }

    /// Called when a turn or the function has ended. The worker ends if it has to, and sleeps otherwise.
    fn look(&self) {
        if self.stage.get() != Stage::Over {
            // Other workers can take steps inside of this one, but this worker cannot: also not while it looks, which may
            // send something.
            let mut ends = false;
            self.run(|store| {
                Wiring::of(store).ask();
                ends = self.is_to_end();
                Ok(())
            });
            if self.stage.get() != Stage::Over {
                self.stage.set(if ends { Stage::Over } else { Stage::Asleep });
            }
        }
    }

    fn run(&self, f: impl FnOnce(&ReactonStore) -> Result<(), String>) {
        let Some(mut runtime) = self.runtime.take() else { return };
        if !runtime.run(f) {
            self.failed.set(true);
            self.stage.set(Stage::Over);
        }
        *self.runtime.borrow_mut() = Some(runtime);
    }

    /// Ends the worker, which sends `Closed`.
    pub(super) fn end(&self) {
        let (entry, future) = (self.entry.take(), self.future.take());
        // The captures of the function are user values. On a worker's own thread, a panic of their drop would stay
        // there.
        panics::contained(|| drop(entry));
        if future.is_some() {
            self.run(|_| {
                drop(future);
                Ok(())
            });
        }
        let runtime = self.runtime.take();
        if let Some(mut runtime) = runtime
            && !self.failed.get()
        {
            runtime.complete();
        }
        self.ended.set(true);
    }
}

/// A worker without a thread of its own, after it has answered the handshake.
#[derive(Debug)]
pub(super) struct SteppedWorker {
    /// `None` if the answer came too late or was taken.
    answer: RefCell<Option<IsolateMessage>>,
}

impl SteppedWorker {
    /// `mismatches` is `None` if the handshake took longer than the timeout of `spawn`.
    pub(super) fn new(mismatches: Option<Vec<Mismatch>>) -> Self {
        let answer = mismatches.map(|mismatches| IsolateMessage::HandshakeAck { mismatches });
        Self { answer: RefCell::new(answer) }
    }
}

impl Running for SteppedWorker {
    fn wait_answer(&self, _: Duration) -> Result<IsolateMessage, NoAnswer> {
        self.answer.take().ok_or(NoAnswer::TimedOut)
    }

    fn poll_answer(&self, _: &Context<'_>) -> Poll<Result<IsolateMessage, NoAnswer>> {
        Poll::Ready(self.wait_answer(Duration::ZERO))
    }

    fn cancel(&self) {}

    fn ends_within(&self, _: Duration) -> bool {
        true
    }

    fn poll_end(&self, _: &Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn join(self: Box<Self>) -> Result<(), Failure> {
        Ok(())
    }
}
