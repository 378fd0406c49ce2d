//! The queue of a worker that takes its jobs and calls from another process: what it says of them there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::link::Sender;
use crate::wire::frame::work::Report;
use crate::wire::ticket::{CallRef, Ticket, WorkKey};

/// The queue, as the worker's process has it.
pub(crate) struct Remote {
    sender: Arc<Sender>,
    answers: Vec<CallRef>,
    is_pool: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The job that it has begun with.
    job: Option<u64>,
    /// It has asked for a job, and does nothing else meanwhile.
    asks: bool,
    resigning: Resigning,
    /// The calls that it was asked, as long as they live.
    calls: BTreeMap<WorkKey, Weak<Ticket>>,
    /// At so many calls those are forgotten that live no more.
    forgets_at: usize,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Resigning {
    #[default]
    No,
    /// It has said that it is to end, and has nothing to do.
    Asked,
    /// It is no member any more.
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

    /// The call of that id, if the worker answers it.
    pub(crate) fn call(&self, call: CallRef) -> Option<CallRef> {
        self.answers.iter().find(|listed| listed.id == call.id).copied()
    }

    /// The worker looks for a job, and is done with the one before.
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

    /// The worker begins with a job. Returns `false` if it is to end: then it does not.
    pub(super) fn begin(&self, number: u64) -> bool {
        let mut state = self.state();
        state.job = Some(number);
        state.asks = false;
        state.resigning = Resigning::No;
        drop(state);
        self.sender.begin(WorkKey { queued: true, number })
    }

    /// The worker begins to answer a call that has come over the link. Returns `false` if it is to end.
    pub(super) fn begin_call(&self, key: WorkKey) -> bool {
        self.sender.begin(key)
    }

    pub(super) fn finish(&self) {
        let job = self.state().job.take();
        if let Some(number) = job {
            self.say(&Report::Done(number));
        }
    }

    /// The answer of the present job goes on.
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

    /// Whether the worker is no member any more. Asks for that, once.
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

    /// It is no member any more.
    pub(crate) fn grant(&self) {
        self.state().resigning = Resigning::Granted;
    }

    /// A call has arrived.
    pub(crate) fn add_call(&self, key: WorkKey, ticket: &Arc<Ticket>) {
        let mut state = self.state();
        if state.calls.len() >= state.forgets_at {
            state.calls.retain(|_, ticket| ticket.strong_count() > 0);
            state.forgets_at = 2 * state.calls.len() + 64;
        }
        state.calls.insert(key, Arc::downgrade(ticket));
    }

    /// A call is not waited for any more.
    pub(crate) fn cancel_call(&self, key: WorkKey) {
        let ticket = self.state().calls.get(&key).and_then(Weak::upgrade);
        if let Some(ticket) = ticket {
            ticket.cancel();
        }
    }

    /// No call is waited for any more.
    pub(crate) fn cancel_all(&self) {
        let calls = std::mem::take(&mut self.state().calls);
        for ticket in calls.values().filter_map(Weak::upgrade) {
            ticket.cancel();
        }
    }
}
