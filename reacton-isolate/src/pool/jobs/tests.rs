//! Tests of the queue alone, at the points where a thread can be preempted between two of its steps.

use reacton_core::Inbox;

use super::{Callee, Job, Jobs};
use crate::sync::LinkId;
use crate::wire::change::ChangeList;

const FIRST: LinkId = LinkId(1);
const SECOND: LinkId = LinkId(2);

impl Jobs {
    /// Returns the next job of a member whose inbox has another item.
    fn next_behind(&self, link: LinkId, inbox: &Inbox) -> Option<Job> {
        self.next(link, || inbox.weak_mailbox().into(), || false).map(|(job, _)| job)
    }
}

/// Returns a queue with two members and one job, and the inbox that both members use.
fn one_job_for_two() -> (Jobs, Inbox) {
    let inbox = Inbox::new();
    let jobs = Jobs::new(inbox.weak_mailbox(), Callee::of_pool("pool"));
    jobs.join(FIRST);
    jobs.join(SECOND);
    jobs.push(1, ChangeList::NONE);
    (jobs, inbox)
}

#[test]
fn a_member_that_was_disposed_before_it_takes_a_job_gets_none() {
    let (jobs, inbox) = one_job_for_two();
    assert!(jobs.leave(FIRST).is_none());
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert_eq!(jobs.next_behind(SECOND, &inbox).map(|job| job.number), Some(1));
    jobs.push(2, ChangeList::NONE);
    assert_eq!(jobs.stats().waiting, 1);
    // The first member is not woken for a job either: only the other one is.
    assert!(jobs.begin(SECOND));
    assert_eq!(jobs.next_behind(SECOND, &inbox).map(|job| job.number), Some(2));
}

#[test]
fn a_member_that_was_disposed_before_it_begins_does_not_do_its_job() {
    let (jobs, inbox) = one_job_for_two();
    assert!(jobs.next_behind(FIRST, &inbox).is_some());
    let assigned = jobs.leave(FIRST).expect("the member had a job");
    assert!(!assigned.begun);
    jobs.push_again(assigned.job, assigned.begun);
    assert!(!jobs.begin(FIRST), "the job belongs to another member");
    assert!(jobs.next_behind(SECOND, &inbox).is_some());
    assert!(jobs.begin(SECOND));
    assert!(jobs.next_behind(SECOND, &inbox).is_none());
    let stats = jobs.stats();
    assert_eq!((stats.done, stats.at_work, stats.waiting), (1, 0, 0));
}

#[test]
fn a_member_that_is_shut_down_gets_a_job_only_if_it_is_the_last() {
    let (jobs, inbox) = one_job_for_two();
    jobs.drain(FIRST);
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert!(jobs.resign(FIRST), "a member with nothing to do may end");
    jobs.drain(SECOND);
    assert!(!jobs.resign(SECOND), "the last member does the queued job first");
    assert!(jobs.next_behind(SECOND, &inbox).is_some());
    assert!(!jobs.resign(SECOND));
    assert!(jobs.begin(SECOND));
    assert!(jobs.next_behind(SECOND, &inbox).is_none());
    assert!(jobs.resign(SECOND));
}

#[test]
fn a_member_that_was_allowed_to_end_gets_no_job_though_the_pool_closes() {
    let (jobs, inbox) = one_job_for_two();
    jobs.drain(FIRST);
    assert!(jobs.resign(FIRST));
    jobs.close();
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert!(jobs.resign(FIRST), "a member that may end may still end");
    assert!(!jobs.resign(SECOND), "the last member does the queued job first");
    assert_eq!(jobs.next_behind(SECOND, &inbox).map(|job| job.number), Some(1));
}

#[test]
fn a_member_that_was_allowed_to_end_gets_no_job_though_no_other_is_left() {
    let (jobs, inbox) = one_job_for_two();
    jobs.drain(FIRST);
    assert!(jobs.resign(FIRST));
    assert!(jobs.leave(SECOND).is_none());
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert!(jobs.resign(FIRST), "a member that may end may still end");
    assert_eq!(jobs.stats().waiting, 1);
    assert_eq!(jobs.abandon().len(), 1, "one job is lost");
}

#[test]
fn a_member_that_is_woken_for_a_job_is_not_joined_by_another() {
    let (jobs, inbox) = one_job_for_two();
    let second = Inbox::new();
    assert!(jobs.next_behind(FIRST, &inbox).is_some());
    assert!(jobs.begin(FIRST));
    // Both are idle, and each has its own inbox.
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert!(jobs.next_behind(SECOND, &second).is_none());
    jobs.push(2, ChangeList::NONE);
    assert_eq!((arrivals(&inbox), arrivals(&second)), (0, 1), "one job wakes one member");
    jobs.push(3, ChangeList::NONE);
    assert_eq!((arrivals(&inbox), arrivals(&second)), (1, 1));
    jobs.push(4, ChangeList::NONE);
    assert_eq!((arrivals(&inbox), arrivals(&second)), (1, 1), "both members were woken already");
}

#[test]
fn if_a_woken_member_is_busy_another_is_woken() {
    let (jobs, inbox) = one_job_for_two();
    let second = Inbox::new();
    assert!(jobs.next_behind(FIRST, &inbox).is_some());
    assert!(jobs.begin(FIRST));
    assert!(jobs.next_behind(FIRST, &inbox).is_none());
    assert!(jobs.next_behind(SECOND, &second).is_none());
    jobs.push(2, ChangeList::NONE);
    assert!(!jobs.busy(SECOND), "a member that was woken is not idle");
    assert_eq!((arrivals(&inbox), arrivals(&second)), (1, 1));
    // The same holds if the member that is woken next is to end, though there is still a job for it.
    jobs.drain(FIRST);
    assert!(jobs.next_behind(SECOND, &second).is_some());
}

fn arrivals(inbox: &Inbox) -> usize {
    inbox.weak_mailbox().queued()
}

#[test]
fn a_change_is_reported_only_if_it_is_watched_and_once_until_it_is_read() {
    let main = Inbox::new();
    let jobs = Jobs::new(main.weak_mailbox(), Callee::of_pool("pool"));
    jobs.push(1, ChangeList::NONE);
    assert_eq!(arrivals(&main), 0);
    assert_eq!(jobs.watch().given, 1);
    jobs.push(2, ChangeList::NONE);
    jobs.push(3, ChangeList::NONE);
    assert_eq!(arrivals(&main), 1, "both jobs are in one report");
    assert_eq!(jobs.take_report().waiting, 3);
    jobs.join(FIRST);
    assert!(jobs.next(FIRST, || main.weak_mailbox().into(), || true).is_some());
    assert_eq!(arrivals(&main), 2);
    assert_eq!(jobs.abandon().len(), 2);
    assert_eq!(arrivals(&main), 2);
    assert_eq!(jobs.take_report().at_work, 1);
    jobs.note_lost();
    assert_eq!((arrivals(&main), jobs.take_report().lost), (3, 1));
}

#[test]
fn a_call_skips_the_queue_only_if_it_is_empty_and_every_job_that_was_taken_has_begun() {
    let inbox = Inbox::new();
    let jobs = Jobs::new(inbox.weak_mailbox(), Callee::of_pool("worker"));
    jobs.join(FIRST);
    assert_eq!(jobs.pass(), Some(1));
    jobs.push(1, ChangeList::NONE);
    assert_eq!(jobs.pass(), None, "a job is in the queue");
    assert!(jobs.next_behind(FIRST, &inbox).is_some());
    assert_eq!(jobs.pass(), None, "the job was taken, but has not begun");
    assert!(jobs.begin(FIRST));
    assert_eq!(jobs.pass(), Some(3));
}
