//! A member's side of its pool: it looks for a job, takes it in as a transaction, and looks for the next.
//!
//! It looks when the item [`Look`] of its inbox is taken in. A job that it takes is begun at once if nothing stands in the
//! inbox behind that item. Otherwise the job goes to the end of the inbox ([`Work`]), so that whatever main sent before the
//! job is taken in before it. A member whose function has returned goes on with the next job in the same item, as long as
//! nothing else has arrived; so a job costs no item of its own.

use reacton_core::wiring::Wiring;
use reacton_core::{Arrival, InlineItem, InlineWords, Mailbox, ReactonStore, ReadInline};

use super::Jobs;
use super::jobs::Job;
use crate::hub::{Hub, Link};
use crate::sync::LinkId;
use crate::testing::interrupt;

/// How many jobs a member does in one item of its inbox. Then the turn can end, and the next one begins with what is left.
const IN_A_ROW: usize = 64;

/// Makes the member look for a job whose inbox this is.
pub(crate) fn wake(mailbox: &Mailbox, link: LinkId) {
    mailbox.post_inline(InlineItem { words: [link.0, 0, 0, 0, 0, 0, 0], reader: &Look });
}

/// As [`wake`], by the member itself.
fn look_again(store: &ReactonStore, link: LinkId) {
    wake(&Wiring::of(store).inbox().weak_mailbox(), link);
}

/// The item by which a member is to look for a job.
struct Look;

impl ReadInline for Look {
    fn take_in(&self, [link, ..]: InlineWords, store: &ReactonStore) -> usize {
        let link = LinkId(link);
        let Some(hub) = Hub::find(store) else { return 0 };
        let Some(end) = hub.link(link) else { return 0 };
        let Some(jobs) = end.jobs() else { return 0 };
        interrupt();
        Member { store, hub: &hub, end: &end, jobs, link }.look(0)
    }
}

/// A job that a member has taken, behind what stood in its inbox.
struct Work {
    link: LinkId,
    job: Job,
}

impl Arrival for Work {
    fn take_in(self: Box<Self>, store: &ReactonStore) -> usize {
        let Self { link, job } = *self;
        let Some(hub) = Hub::find(store) else { return 0 };
        let Some(end) = hub.link(link) else { return 0 };
        let Some(jobs) = end.jobs() else { return 0 };
        let member = Member { store, hub: &hub, end: &end, jobs, link };
        interrupt();
        if !jobs.begin(link) {
            look_again(store, link);
            return 0;
        }
        interrupt();
        if member.work(job, 1) { member.look(1) } else { 1 }
    }
}

/// A member, on its own thread.
struct Member<'m> {
    store: &'m ReactonStore,
    hub: &'m Hub,
    end: &'m Link,
    jobs: &'m Jobs,
    link: LinkId,
}

impl Member<'_> {
    /// Looks for jobs and does them, until there is none or something else is to be done. Returns how many it has done in this
    /// item; `done` is how many before.
    fn look(&self, mut done: usize) -> usize {
        loop {
            let inbox = Wiring::of(self.store).inbox();
            // Main's own waits must not count on a worker that only waits for work.
            let mailbox = || inbox.weak_mailbox();
            // Asked when the job is taken: what main sent before the job has arrived by then.
            let next = self.jobs.next(self.link, mailbox, || inbox.is_caught_up());
            let Some((job, begun)) = next else { return done };
            interrupt();
            if !begun {
                mailbox().post(Work { link: self.link, job });
                return done;
            }
            done += 1;
            if !self.work(job, done) {
                return done;
            }
        }
    }

    /// Does a job that has begun. Returns whether the member is to look for the next one at once. Otherwise it looks when its
    /// inbox says so.
    fn work(&self, job: Job, done: usize) -> bool {
        // Also if an observer panics: a worker may catch that and go on.
        let looks = LooksAgain { store: self.store, link: self.link };
        // If it panics, the job stays where main finds it.
        self.hub.take_job(self.store, self.link, self.end, job.clock, job.changes);
        interrupt();
        if self.hub.is_in_function() {
            // The worker is done with it when it asks for the next one.
            return false;
        }
        let wiring = Wiring::of(self.store);
        if done < IN_A_ROW && wiring.inbox().seems_caught_up() && !wiring.is_stopped() {
            std::mem::forget(looks);
            return true;
        }
        self.jobs.finish(self.link);
        false
    }
}

/// Lets a member look for its next job.
pub(crate) struct LooksAgain<'w> {
    store: &'w ReactonStore,
    link: LinkId,
}

impl<'w> LooksAgain<'w> {
    pub(crate) fn new(store: &'w ReactonStore, link: LinkId) -> Self {
        Self { store, link }
    }
}

impl Drop for LooksAgain<'_> {
    fn drop(&mut self) {
        look_again(self.store, self.link);
    }
}
