//! The queue of a worker whose jobs and calls come from another process: reports to that process what the worker does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::link::Sender;
use crate::wire::frame::work::Report;
use crate::wire::ticket::{CallRef, Ticket, WorkKey};

/// The queue, as the worker's process represents it.
pub(crate) struct Remote {
    sender: Arc<Sender>,
    answers: Vec<CallRef>,
    is_pool: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The job that the worker has begun.
    job: Option<u64>,
    /// The worker has asked for a job, and does nothing else meanwhile.
    asks: bool,
    resigning: Resigning,
    /// The calls that have arrived, as long as their tickets exist.
    calls: BTreeMap<WorkKey, Weak<Ticket>>,
    /// The number of calls at which those without a ticket are removed.
    forgets_at: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Resigning {
    #[default]
    No,
    /// The worker has reported that it is to end and has nothing to do.
    Asked,
    /// The worker is no longer a member.
    Granted,
}

impl Remote {
    pub(crate) fn new(sender: Arc<Sender>, answers: Vec<CallRef>, is_pool: bool) -> Self {
        Self { sender, answers, is_pool, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, report: &Report) {
        self.sender.send_work(|batch| batch.report(report));
    }

    /// Returns the call with this id, if the worker answers it.
    pub(crate) fn call(&self, call: CallRef) -> Option<CallRef> {
        self.answers.iter().find(|listed| listed.id == call.id).copied()
    }

    /// The worker asks for a job, which means that it has finished the last one.
    pub(super) fn ask(&self) {
        let mut state = self.state();
        let done = state.job.take().unwrap_or(0);
        if (done == 0 && state.asks) || state.resigning == Resigning::Granted {
            return;
        }
        state.asks = true;
        drop(state);
        self.say(&Report::Ask { done });
    }

    /// The worker is about to begin a job. Returns `false` if the worker is to end; then the job must not begin.
    pub(super) fn begin(&self, number: u64) -> bool {
        let mut state = self.state();
        state.job = Some(number);
        state.asks = false;
        state.resigning = Resigning::No;
        drop(state);
        self.sender.begin(WorkKey { queued: true, number })
    }

    /// The worker is about to answer a call that came over the link. Returns `false` if the worker is to end.
    pub(super) fn begin_call(&self, key: WorkKey) -> bool {
        self.sender.begin(key)
    }

    pub(super) fn finish(&self) {
        let job = self.state().job.take();
        if let Some(number) = job {
            self.say(&Report::Done(number));
        }
    }

    /// The answer of the current job continues as a future.
    pub(super) fn detach(&self) {
        let job = self.state().job.take();
        if let Some(number) = job {
            self.say(&Report::Later(number));
        }
    }

    pub(super) fn finish_detached(&self, number: u64) {
        self.say(&Report::Done(number));
    }

    pub(super) fn note_fault(&self, key: WorkKey) {
        self.say(&Report::Fault(key));
    }

    pub(super) fn busy(&self) -> bool {
        let was_idle = self.is_pool && std::mem::take(&mut self.state().asks);
        if was_idle {
            self.say(&Report::Busy);
        }
        was_idle
    }

    pub(super) fn drain(&self) {
        self.say(&Report::Leaving);
    }

    /// Returns whether the worker is no longer a member. The first call asks the other process for that.
    pub(super) fn resign(&self) -> bool {
        let mut state = self.state();
        if state.resigning == Resigning::No && state.job.is_none() {
            state.resigning = Resigning::Asked;
            drop(state);
            self.say(&Report::Resign);
            return false;
        }
        state.resigning == Resigning::Granted
    }

    /// Called when the other process has agreed: the worker is no longer a member.
    pub(crate) fn grant(&self) {
        self.state().resigning = Resigning::Granted;
    }

    /// Records a call that has arrived.
    pub(crate) fn add_call(&self, key: WorkKey, ticket: &Arc<Ticket>) {
        let mut state = self.state();
        if state.calls.len() >= state.forgets_at {
            state.calls.retain(|_, ticket| ticket.strong_count() > 0);
            state.forgets_at = 2 * state.calls.len() + 64;
        }
        state.calls.insert(key, Arc::downgrade(ticket));
    }

    /// Cancels a call that is no longer awaited.
    pub(crate) fn cancel_call(&self, key: WorkKey) {
        let ticket = self.state().calls.get(&key).and_then(Weak::upgrade);
        if let Some(ticket) = ticket {
            ticket.cancel();
        }
    }

    /// Cancels all calls.
    pub(crate) fn cancel_all(&self) {
        let calls = std::mem::take(&mut self.state().calls);
        for ticket in calls.values().filter_map(Weak::upgrade) {
            ticket.cancel();
        }
    }
}
