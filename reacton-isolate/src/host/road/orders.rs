//! Passes the jobs and calls that main sends to the worker's thread.

use std::sync::Arc;

use reacton_core::{Mailbox, RefId};

use crate::link::Outbox;
use crate::pool::{Job, Remote, Work, post_call, post_job, wake};
use crate::sync::LinkId;
use crate::wire::change::ChangeList;
use crate::wire::frame::work::Order;
use crate::wire::ticket::{CallRef, Ticket, WorkKey};
use crate::wire::value::Payload;

/// Puts jobs and calls into the inbox of a worker.
pub(super) struct Orders {
    pub(super) link: LinkId,
    pub(super) mailbox: Mailbox,
    /// `None` if the worker has no queue: then there are neither jobs nor calls.
    pub(super) queue: Option<Arc<Remote>>,
    /// The number of the job that the next transaction contains, if it is one.
    pub(super) job: Option<u64>,
}

impl Orders {
    /// Makes the worker look for its first job.
    pub(super) fn begin(&self) {
        if self.queue.is_some() {
            wake(&self.mailbox, self.link);
        }
    }

    /// Handles a transaction. Returns its changes unless they are a job.
    pub(super) fn take_job(&mut self, clock: u64, changes: ChangeList) -> Option<ChangeList> {
        let Some(number) = self.job.take() else { return Some(changes) };
        self.post(number, Work::Changes { clock, changes });
        None
    }

    fn post(&self, number: u64, work: Work) {
        post_job(&self.mailbox, self.link, Job { number, deaths: 0, work });
    }

    pub(super) fn follow(&mut self, order: Order, to_worker: &Outbox) {
        let Some(queue) = &self.queue else { return };
        match order {
            Order::Job(number) => self.job = Some(number),
            Order::Call { key, by_link, id, question } => {
                let ticket = ticket(queue, key, by_link, id, Payload::Bytes(question));
                queue.add_call(key, &ticket);
                let WorkKey { queued, number } = key;
                if queued {
                    self.post(number, Work::Call(ticket));
                } else {
                    post_call(to_worker, number, ticket);
                }
            }
            Order::Cancel(key) => queue.cancel_call(key),
            Order::Resigned => {
                queue.grant();
                wake(&self.mailbox, self.link);
            }
        }
    }

    /// Called when the road has ended.
    pub(super) fn end(&self) {
        if let Some(queue) = &self.queue {
            queue.cancel_all();
        }
    }
}

/// Returns the ticket of a call. If the worker does not list the call, its name is unknown here. Such a call is not
/// answered, and the caller's side knows the name.
fn ticket(
    queue: &Remote,
    key: WorkKey,
    by_link: bool,
    id: RefId,
    question: Payload,
) -> Arc<Ticket> {
    let call = queue.call(CallRef { id, name: "" }).unwrap_or(CallRef { id, name: "" });
    Arc::new(Ticket::far(call, Arc::from(""), question, key, by_link))
}
