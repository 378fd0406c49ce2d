//! A member's side of its pool: it takes a job from the queue, applies it as a transaction, and looks for the next one.
//!
//! A member looks for a job when the item [`PollQueue`] of its inbox is applied. A job that it takes begins at once if
//! the inbox has nothing behind that item. Otherwise the job goes to the end of the inbox ([`RunJob`]), so that
//! whatever main sent before the job is applied before it.
//!
//! A member whose function has returned continues with the next job in the same item, as long as nothing else has
//! arrived. So a job costs no item of its own.

use std::any::Any;

use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, InlineItem, InlineWords, Mailbox, ReactonStore, ReadInline};

use super::jobs::{Job, Work};
use super::queue::Queue;
use crate::hub::{Hub, Link, PollOnDrop, PoolMember};
use crate::interrupt::interrupt;
use crate::sync::LinkId;
use crate::wire::ticket::CallRef;

/// How many jobs a member does in one item of its inbox. Then the turn can end, and the next turn begins with what is
/// left.
const IN_A_ROW: usize = 64;

/// Makes the member with this mailbox look for a job.
pub(crate) fn wake(mailbox: &Mailbox, link: LinkId) {
    mailbox.post_inline(InlineItem { words: [link.0, 0, 0, 0, 0, 0, 0], reader: &PollQueue });
}

/// What a worker's end of the link stores about its membership in a pool.
pub(crate) struct Membership {
    queue: Queue,
    link: LinkId,
}

impl Membership {
    pub(crate) fn new(queue: Queue, link: LinkId) -> Self {
        Self { queue, link }
    }

    /// Returns the membership of the worker at this end of a link.
    pub(crate) fn of(end: &Link) -> Option<&Self> {
        let member: &dyn Any = end.member()?;
        member.downcast_ref()
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(super) fn link(&self) -> LinkId {
        self.link
    }

    /// Returns whether the worker answers `call`.
    pub(crate) fn answers(&self, call: CallRef) -> bool {
        self.queue.answers(call)
    }
}

impl PoolMember for Membership {
    fn busy(&self) -> bool {
        self.queue.busy(self.link)
    }

    fn poll_again(&self, store: &ReactonStore) {
        wake(&Wiring::of(store).inbox().weak_mailbox(), self.link);
    }

    fn drain(&self) {
        self.queue.drain(self.link);
    }

    fn resign(&self) -> bool {
        self.queue.resign(self.link)
    }
}

/// The item that makes a member look for a job.
struct PollQueue;

impl ReadInline for PollQueue {
    fn take_in(&self, [link, ..]: InlineWords, store: &ReactonStore) -> usize {
        let Some(hub) = Hub::find(store) else { return 0 };
        let Some(end) = hub.link(LinkId(link)) else { return 0 };
        let Some(own) = Membership::of(&end) else { return 0 };
        interrupt();
        Member { store, hub: &hub, end: &end, own }.poll(0)
    }
}

/// Puts a job into the inbox of a member, behind what is queued there.
pub(crate) fn post_job(mailbox: &Mailbox, link: LinkId, job: Job) {
    mailbox.post(RunJob { link, job });
}

/// A job that a member has taken, queued behind other items of its inbox.
struct RunJob {
    link: LinkId,
    job: Job,
}

impl Arrival for RunJob {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { link, job } = *self;
        let Some(hub) = Hub::find(store) else { return 0 };
        let Some(end) = hub.link(link) else { return 0 };
        let Some(own) = Membership::of(&end) else { return 0 };
        let member = Member { store, hub: &hub, end: &end, own };
        interrupt();
        if !own.queue.begin(link, job.number) {
            own.poll_again(store);
            return 0;
        }
        interrupt();
        if member.work(job, 1) { member.poll(1) } else { 1 }
    }
}

/// A member, on its own thread.
pub(super) struct Member<'m> {
    pub(super) store: &'m ReactonStore,
    pub(super) hub: &'m Hub,
    pub(super) end: &'m Link,
    pub(super) own: &'m Membership,
}

impl Member<'_> {
    /// Looks for jobs and does them, until there are none or something else has to be done. Returns how many it has
    /// done in this item; `done` of them were done before this call.
    fn poll(&self, mut done: usize) -> usize {
        loop {
            let inbox = Wiring::of(self.store).inbox();
            // Weak, because main's waits must not wait for a worker that only waits for work.
            let mailbox = || inbox.weak_mailbox();
            // Called when the job is taken: by then, what main sent before the job has arrived.
            let Membership { queue, link } = self.own;
            let next = queue.next(*link, mailbox, || inbox.is_caught_up());
            let Some((job, begun)) = next else { return done };
            interrupt();
            if !begun {
                post_job(&mailbox(), *link, job);
                return done;
            }
            done += 1;
            if !self.work(job, done) {
                return done;
            }
        }
    }

    /// Does a job that has begun. Returns whether the member has to look for the next one at once. Otherwise an item of
    /// its inbox makes it look.
    fn work(&self, job: Job, done: usize) -> bool {
        // Looks for the next job even after a panic of an observer: a worker may catch it and go on.
        let poll = PollOnDrop::new(self.own, self.store);
        // After a panic, the job stays with the member, where main finds it.
        match job.work {
            Work::Changes { clock, changes } => {
                self.hub.take_job(self.store, self.own.link, self.end, clock, changes);
                interrupt();
                if self.hub.is_in_function() {
                    // The worker finishes the job by asking for the next one.
                    return false;
                }
            }
            Work::Call(ticket) => {
                self.answer(job.number, &ticket);
                interrupt();
            }
        }
        let wiring = Wiring::of(self.store);
        if done < IN_A_ROW && wiring.inbox().seems_caught_up() && !wiring.is_stopped() {
            std::mem::forget(poll);
            return true;
        }
        self.own.queue.finish(self.own.link);
        false
    }
}
