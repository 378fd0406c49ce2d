//! Tests without threads: what an inbox reports, and how a wait ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::super::{InboxItem, Registration, Waited};
use super::{Item, Woken, counter};

type Inbox = super::super::Inbox<Item>;
type Mailbox = super::super::Mailbox<Item>;

fn new() -> (Inbox, Mailbox) {
    let inbox = Inbox::new();
    let mailbox = inbox.mailbox();
    (inbox, mailbox)
}

fn post(mailbox: &Mailbox) {
    assert!(mailbox.send(Item::wake_up()));
}

fn wait(inbox: &Inbox) -> Waited {
    inbox.wait(Some(Instant::now()))
}

#[test]
fn an_inbox_is_caught_up_when_all_that_was_sent_has_been_taken() {
    let (inbox, mailbox) = new();
    let is = |expected| {
        assert_eq!((inbox.is_caught_up(), inbox.seems_caught_up()), (expected, expected));
    };
    is(true);
    for _ in 0..3 {
        post(&mailbox);
        is(false);
        post(&mailbox);
        inbox.stage();
        post(&mailbox);
        inbox.stage();
        is(false);
        for left in [false, false, true] {
            assert!(inbox.next().is_some());
            is(left);
        }
        // An item that arrives during a sleep in the channel.
        inbox.set_spin(Duration::ZERO);
        post(&mailbox);
        assert_eq!((wait(&inbox), inbox.len()), (Waited::Arrived, 1));
        is(false);
        assert!(inbox.next().is_some() && inbox.next().is_none());
        is(true);
    }
}

#[test]
fn what_is_taken_is_counted_and_an_empty_inbox_adds_nothing() {
    let (inbox, mailbox) = new();
    assert!(inbox.next().is_none());
    assert_eq!(inbox.taken(), 0);
    for taken in 1..4 {
        post(&mailbox);
        inbox.stage();
        assert!(inbox.next().is_some() && inbox.next().is_none());
        assert_eq!(inbox.taken(), taken);
    }
}

#[test]
fn a_check_that_is_asked_for_counts_as_an_item_whether_it_is_taken_or_replaced() {
    let (inbox, mailbox) = new();
    mailbox.recheck();
    assert!(!inbox.is_recheck_asked() && !inbox.take_recheck() && inbox.is_empty());
    assert!(!inbox.set_awaits_condition(true), "the store did not wait for a condition before");
    mailbox.recheck();
    assert!(inbox.is_recheck_asked() && inbox.is_empty());
    assert!(inbox.take_recheck() && !inbox.take_recheck());
    assert_eq!(inbox.taken(), 1);
    mailbox.recheck();
    assert!(inbox.set_awaits_condition(true), "the store waits for a condition");
    assert_eq!((inbox.taken(), inbox.is_recheck_asked()), (2, false));
    assert!(inbox.set_awaits_condition(false) && !inbox.set_awaits_condition(false));
    assert_eq!(inbox.taken(), 2);
}

#[test]
fn a_wait_ends_with_an_item_a_check_that_is_asked_for_the_deadline_or_the_last_mailbox() {
    for spin in [Duration::ZERO, Duration::from_micros(1)] {
        let (inbox, mailbox) = new();
        inbox.set_spin(spin);
        assert_eq!((wait(&inbox), inbox.len()), (Waited::TimedOut, 0));
        post(&mailbox);
        assert_eq!(wait(&inbox), Waited::Arrived);
        inbox.stage();
        assert_eq!(
            (wait(&inbox), inbox.len()),
            (Waited::Arrived, 1),
            "the item is still in the inbox"
        );
        assert!(inbox.next().is_some());
        assert_eq!(wait(&inbox), Waited::TimedOut);
        inbox.set_awaits_condition(true);
        assert_eq!(wait(&inbox), Waited::TimedOut);
        mailbox.recheck();
        assert_eq!((wait(&inbox), wait(&inbox)), (Waited::Arrived, Waited::TimedOut));
        drop(mailbox);
        inbox.stage();
        assert!(inbox.next().is_some());
        assert_eq!(wait(&inbox), Waited::Disconnected);
    }
}

#[test]
fn a_spin_ends_with_an_item_though_no_check_is_asked_for() {
    let (inbox, mailbox) = new();
    inbox.set_spin(Duration::MAX);
    let deadline = Instant::now() + Duration::from_secs(10);
    post(&mailbox);
    assert_eq!(inbox.wait(Some(deadline)), Waited::Arrived);
    assert!(Instant::now() < deadline, "the condition was seen only after the spin");
}

#[test]
fn a_mailbox_reports_whether_a_wait_would_end() {
    let (inbox, mailbox) = new();
    let weak = mailbox.weak();
    assert!(!mailbox.ends_a_wait());
    post(&mailbox);
    assert!(mailbox.ends_a_wait(), "an item is in the inbox");
    inbox.stage();
    assert!(!mailbox.ends_a_wait());
    inbox.set_awaits_condition(true);
    assert!(!mailbox.ends_a_wait());
    mailbox.recheck();
    assert!(mailbox.ends_a_wait(), "a check was asked for");
    assert!(inbox.take_recheck() && !mailbox.ends_a_wait());
    drop(mailbox);
    inbox.stage();
    assert!(weak.queued() == 0 && weak.ends_a_wait(), "no mailbox is left");
}

#[test]
fn a_turn_that_leaves_something_notifies_again_and_one_that_leaves_nothing_does_not() {
    let (inbox, mailbox) = new();
    let (calls, wake) = counter();
    inbox.add_callback(&wake);
    let calls = || calls.load(Ordering::SeqCst);
    post(&mailbox);
    post(&mailbox);
    inbox.stage();
    assert!(inbox.next().is_some());
    inbox.notify_if_left();
    assert_eq!(calls(), 2);
    inbox.stage();
    assert!(inbox.next().is_some());
    inbox.notify_if_left();
    assert_eq!(calls(), 2);
    inbox.stage_wake_up();
    inbox.notify_if_left();
    assert_eq!((calls(), inbox.len()), (3, 1), "a wake-up counts as an item");
    post(&mailbox);
    assert_eq!(calls(), 3);
    inbox.notify_again();
    assert_eq!(
        calls(),
        4,
        "the callback is called again, though the store has not looked into the inbox"
    );
}

#[test]
fn a_callback_that_is_added_to_an_empty_inbox_is_not_called() {
    let (inbox, _mailbox) = new();
    let (calls, wake) = counter();
    inbox.add_callback(&wake);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[test]
fn a_task_that_waits_no_more_is_not_woken() {
    let (inbox, mailbox) = new();
    let (woken, mut waiting) = (Arc::new(Woken::default()), Registration::default());
    assert!(inbox.register(&mut waiting, &Waker::from(Arc::clone(&woken))));
    inbox.remove_task(&mut waiting);
    post(&mailbox);
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
}

#[test]
fn a_cancelled_store_is_notified_though_it_has_not_looked_and_its_inbox_stays_empty() {
    let (inbox, mailbox) = new();
    let (calls, wake) = counter();
    inbox.add_callback(&wake);
    post(&mailbox);
    mailbox.cancel();
    assert_eq!((calls.load(Ordering::SeqCst), inbox.len(), inbox.is_cancelled()), (2, 1, true));
}

#[test]
fn an_inbox_and_a_mailbox_are_printed_by_what_they_report() {
    let (inbox, mailbox) = new();
    post(&mailbox);
    let print = || format!("{inbox:?} {mailbox:?}");
    assert_eq!(print(), "Inbox { queued: 1 } Mailbox { closed: false }");
    drop(inbox.close());
    assert_eq!(print(), "Inbox { queued: 0 } Mailbox { closed: true }");
}
